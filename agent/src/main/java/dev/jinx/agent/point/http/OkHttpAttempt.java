package dev.jinx.agent.point.http;

import static dev.jinx.agent.effect.Phase.BEFORE;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.effect.Drop;
import dev.jinx.agent.effect.Ending;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.effect.Response;
import dev.jinx.agent.fault.BodyFlow;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.fault.VirtualThreads;
import dev.jinx.agent.point.AsyncCall;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.tls.TlsFailures;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One attempt of OkHttp at a request, in the hands of an injection. */
public final class OkHttpAttempt {
  private final Injection injection;
  private final Exceptions exceptions;
  private final OkHttp.Inside inside;
  private final Object chain;
  private @Nullable NamedError connectFailure;
  private boolean clockRanOut;
  private @Nullable Object instead;

  OkHttpAttempt(Injection injection, Exceptions exceptions, OkHttp.Inside inside, Object chain) {
    this.injection = injection;
    this.exceptions = exceptions;
    this.inside = inside;
    this.chain = chain;
  }

  OkHttp.Inside inside() {
    return inside;
  }

  /**
   * Waits for what needs no connection. A delay, a drop and a read timeout happen to a real one, in
   * {@link #hold}.
   */
  void begin() throws IOException {
    Ending planned = injection.planned(BEFORE);
    if (planned == null
        || planned instanceof Drop
        || AsyncCall.is(NamedError.READ_TIMEOUT, planned)) {
      return;
    }
    boolean connecting = AsyncCall.isWhileConnecting(planned);
    int timeout = connecting ? inside.connectTimeout(chain) : inside.readTimeout(chain);
    switch (injection.await(BEFORE, nanos(timeout), false)) {
      case TIMED_OUT -> {
        clockRanOut = true;
        if (connecting) {
          connectFailure = NamedError.CONNECT_TIMEOUT;
        } else {
          instead = NamedError.READ_TIMEOUT;
        }
      }
      case CLOSED, INTERRUPTED -> throw new SocketException("Socket closed");
      case ELAPSED -> {
        Ending ending = injection.ending(BEFORE);
        if (ending instanceof Failure.Named named && named.error().isWhileConnecting()) {
          connectFailure = named.error();
        } else {
          instead = spelled(ending);
        }
      }
    }
  }

  /** What goes wrong while it connects; null for nothing. */
  @Nullable NamedError connectFailure() {
    return connectFailure;
  }

  /** What comes in place of the exchange, as of {@link #hold}; null for nothing. */
  public @Nullable Object instead() {
    return instead;
  }

  /** Lets the real exchange happen after all. */
  void pass() {
    instead = null;
  }

  /** Whether something may come in place of the real answer. */
  public boolean hasAfter() {
    return injection.hasAfter();
  }

  /**
   * Waits on the current thread for what that phase brings.
   *
   * @param interruptible whether an interrupt ends a wait of that kind for real
   * @return null to go on; otherwise a {@link Response}, a {@link NamedError}, an exception, or how
   *     the wait ended before its time: {@code CLOSED} or {@code INTERRUPTED}
   */
  public @Nullable Object hold(Phase phase, boolean interruptible) {
    try {
      boolean ends = interruptible || VirtualThreads.isVirtual(Thread.currentThread());
      Injection.Waited waited = injection.await(phase, nanos(inside.readTimeout(chain)), ends);
      return switch (waited) {
        case ELAPSED -> spelled(injection.ending(phase));
        case TIMED_OUT -> NamedError.READ_TIMEOUT;
        case CLOSED, INTERRUPTED -> waited;
      };
    } catch (Throwable bugOfOurs) {
      OwnFailures.note(bugOfOurs);
      return null;
    }
  }

  private @Nullable Object spelled(@Nullable Ending ending) {
    if (ending instanceof Failure.Named named) {
      return named.error();
    }
    if (ending instanceof Failure.Thrown thrown) {
      try {
        return exceptions.make(thrown, chain);
      } catch (ReflectiveOperationException e) {
        OwnFailures.note(e);
        return new IOException(thrown.message());
      }
    }
    return ending instanceof Response ? ending : null;
  }

  /** How the body of the answer comes; null where nothing happens to it. */
  public @Nullable BodyFlow flow() {
    return injection.flow();
  }

  /** The call was cancelled. */
  public void cancel() {
    injection.close();
  }

  /** The answer as it comes over a connection. */
  public byte[] bytes(Response response) {
    return AnswerBytes.of(response, String.valueOf(inside.read(Field.METHOD, null, chain)));
  }

  /** What the library meets when it looks a host up, or connects a socket; new each time. */
  public IOException connecting(NamedError error) {
    return switch (error) {
      case UNKNOWN_HOST ->
          new UnknownHostException(
              inside.read(Field.HOST, null, chain) + ": Name or service not known");
      case CONNECT_TIMEOUT ->
          clockRanOut
              ? new SocketTimeoutException("Connect timed out")
              : new ConnectException("Connection timed out"); // what the system says
      case TLS_HANDSHAKE_FAILURE -> TlsFailures.handshake();
      case CERTIFICATE_EXPIRED -> TlsFailures.certificateExpired();
      default -> new ConnectException("Connection refused");
    };
  }

  private static long nanos(int millis) {
    return millis <= 0 ? Long.MAX_VALUE : TimeUnit.MILLISECONDS.toNanos(millis);
  }
}
