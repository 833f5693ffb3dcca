package dev.jinx.agent.point.http;

import static dev.jinx.agent.effect.Phase.AFTER;

import dev.jinx.agent.effect.Ending;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.effect.Response;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.fault.VirtualThreads;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.tls.TlsFailures;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.util.concurrent.TimeUnit;

/**
 * What {@code HttpURLConnection} meets in place of a real answer: a socket of ours that its own
 * parser reads from, and failures as observed on JDK 17 and 25.
 */
final class UrlConnectionAnswer {
  private final Exceptions exceptions;

  UrlConnectionAnswer(Exceptions exceptions) {
    this.exceptions = exceptions;
  }

  /**
   * A connection on which that answer comes, or that failure.
   *
   * @param method of the request
   * @param near an object whose class loader knows the application's exceptions
   */
  CannedSocket socket(Injection injection, Phase phase, String method, String host, Object near) {
    return new CannedSocket(
        injection,
        timeout -> {
          try {
            return read(injection, phase, method, host, timeout, near);
          } finally {
            injection.finish();
          }
        });
  }

  private byte[] read(
      Injection injection, Phase phase, String method, String host, long timeout, Object near)
      throws IOException {
    // of the second phase, only the ending is left
    Injection.Waited waited =
        phase == AFTER ? Injection.Waited.ELAPSED : await(injection, phase, timeout);
    switch (waited) {
      case TIMED_OUT -> throw new SocketTimeoutException("Read timed out");
      case INTERRUPTED -> throw new SocketException("Closed by interrupt");
      case CLOSED -> throw new SocketException("Socket closed");
      case ELAPSED -> {}
    }
    Ending ending = injection.ending(phase);
    if (ending instanceof Response response) {
      return AnswerBytes.of(response, method);
    }
    if (ending instanceof Failure failure) {
      if (failure instanceof Failure.Named named && named.error() == NamedError.UNEXPECTED_EOF) {
        return new byte[0];
      }
      Ticket.<RuntimeException>rethrow(spelled(failure, host, near));
    }
    // it was cleared meanwhile: the client's own retry makes the real call
    throw new SocketException("Connection reset");
  }

  Throwable spelled(Failure failure, String host, Object near) {
    if (failure instanceof Failure.Thrown thrown) {
      try {
        return exceptions.make(thrown, near);
      } catch (ReflectiveOperationException e) {
        OwnFailures.note(e);
        return new IOException(thrown.message());
      }
    }
    return switch (((Failure.Named) failure).error()) {
      case CONNECTION_REFUSED -> new ConnectException("Connection refused");
      // what the system says where the application has set no time-out
      case CONNECT_TIMEOUT -> new ConnectException("Connection timed out");
      case UNKNOWN_HOST -> new UnknownHostException(host);
      case TLS_HANDSHAKE_FAILURE -> TlsFailures.handshake();
      case CERTIFICATE_EXPIRED -> TlsFailures.certificateExpired();
      case READ_TIMEOUT -> new SocketTimeoutException("Read timed out");
      case CONNECTION_RESET -> new SocketException("Connection reset");
      default -> new SocketException(failure.summary());
    };
  }

  static Injection.Waited await(Injection injection, Phase phase, long limit) {
    return injection.await(phase, limit, VirtualThreads.isVirtual(Thread.currentThread()));
  }

  /**
   * @param millis a time-out of a socket
   */
  static long nanos(int millis) {
    return millis <= 0 ? Long.MAX_VALUE : TimeUnit.MILLISECONDS.toNanos(millis);
  }
}
