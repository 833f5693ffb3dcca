package dev.jinx.agent.point.http;

import static dev.jinx.agent.effect.Phase.AFTER;
import static dev.jinx.agent.effect.Phase.BEFORE;
import static dev.jinx.agent.point.http.UrlConnectionAnswer.nanos;

import dev.jinx.agent.effect.Ending;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.fault.BodyFlow;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.point.WeakIdentityMap;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.Original;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * The exchanges of {@code HttpURLConnection} that have a connection: what is to happen to them
 * waits for the request to be written, its answer to be read, or its body to come. A connection is
 * a {@code sun.net.www.http.HttpClient}, and carries one exchange at a time.
 */
final class UrlConnectionExchanges {
  private final UrlConnectionInside.Lazy inside;
  private final UrlConnectionAnswer answers;

  /** By the connection that carries them, those that wait for their request or their answer. */
  private final WeakIdentityMap<Object, Exchange> waiting = new WeakIdentityMap<>();

  UrlConnectionExchanges(UrlConnectionInside.Lazy inside, UrlConnectionAnswer answers) {
    this.inside = inside;
    this.answers = answers;
  }

  private static final class Exchange {
    final Injection injection;
    final boolean canned;
    boolean waited;
    boolean reading;

    Exchange(Injection injection, boolean canned) {
      this.injection = injection;
      this.canned = canned;
      // what is read from there waits by itself
      this.waited = canned;
    }
  }

  /**
   * The next exchange on that connection is in the hands of the injection.
   *
   * @param canned whether it is answered by a {@link CannedSocket}
   */
  void begin(Object connection, Injection injection, boolean canned) {
    waiting.put(connection, new Exchange(injection, canned));
  }

  /** The next exchange on that connection is another. */
  void forget(Object connection) {
    waiting.remove(connection);
  }

  /** The request is written: what delays it delays it before the server sees it. */
  final class OnWrite implements Handler {
    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object connection, @Nullable Object headers) {
      Exchange exchange = waiting.get(connection);
      UrlConnectionInside jdk = inside.get();
      // the answer to a body in parts is waited for after the body
      if (exchange == null
          || exchange.waited
          || jdk.isStreaming(connection)
          || isConnect(jdk, headers)) {
        return null;
      }
      return Ticket.of(
          (self, arguments) -> {
            await(exchange, BEFORE, connection);
            if (!exchange.injection.hasAfter() && exchange.injection.flow() == null) {
              done(exchange, connection);
            }
            return original.call(self, arguments);
          });
    }
  }

  private static boolean isConnect(UrlConnectionInside jdk, @Nullable Object headers) {
    String line = headers == null ? null : jdk.requestLine(headers);
    return line != null && line.startsWith("CONNECT ");
  }

  /** The answer is read. */
  final class OnRead implements Handler {
    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object connection, @Nullable Object headers) {
      Exchange exchange = waiting.get(connection);
      if (exchange == null
          || exchange.reading
          || "CONNECT".equals(inside.get().method(connection))) {
        return null;
      }
      return Ticket.of((self, arguments) -> read(exchange, original, self, arguments));
    }
  }

  /** The connection is closed, perhaps by another thread while this one waits. */
  final class OnClose implements Handler {
    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object connection, @Nullable Object argument) {
      Exchange exchange = waiting.get(connection);
      if (exchange != null) {
        exchange.injection.close();
      }
      return null;
    }
  }

  private @Nullable Object read(
      Exchange exchange, Original original, Object connection, Object[] arguments)
      throws Throwable {
    UrlConnectionInside jdk = inside.get();
    Injection injection = exchange.injection;
    exchange.reading = true;
    try {
      if (!exchange.waited) {
        await(exchange, BEFORE, connection);
      }
      Socket socket = jdk.socket(connection);
      boolean retried = jdk.hasRetried(connection);
      Object real = original.call(connection, arguments);
      if (jdk.socket(connection) != socket) {
        // a retry, which has been decided on by itself
        return real;
      }
      Ending ending = null;
      if (injection.hasAfter() && !exchange.canned) {
        try {
          await(exchange, AFTER, connection);
        } catch (IOException timeout) {
          // the caller must not see a status that never came
          jdk.reset(arguments[0]);
          throw timeout;
        }
        ending = injection.ending(AFTER);
      }
      if (ending == null) {
        flow(injection.flow(), connection);
        return real;
      }
      // the real answer is lost, and the client reads on from a connection that tells another
      String method = String.valueOf(jdk.method(connection));
      String host = jdk.url(connection).getHost();
      CannedSocket canned = answers.socket(injection, AFTER, method, host, connection);
      canned.setSoTimeout(socket.getSoTimeout());
      socket.close();
      jdk.replaceConnection(connection, canned);
      jdk.hasRetried(connection, retried);
      jdk.reset(arguments[0]);
      Object answered = original.call(connection, arguments);
      flow(injection.flow(), connection);
      return answered;
    } finally {
      done(exchange, connection);
    }
  }

  private void flow(@Nullable BodyFlow flow, Object connection) {
    if (flow == null) {
      return;
    }
    try {
      inside.get().wrapBody(connection, new UrlConnectionBody(flow, inside.get(), connection));
    } catch (Throwable e) {
      OwnFailures.note(e);
    }
  }

  private void done(Exchange exchange, Object connection) {
    // a retry may have put another in its place
    if (waiting.get(connection) == exchange) {
      waiting.remove(connection);
    }
    exchange.injection.finish();
  }

  private void await(Exchange exchange, Phase phase, Object connection) throws IOException {
    exchange.waited = true;
    UrlConnectionInside jdk = inside.get();
    long limit = nanos(jdk.socket(connection).getSoTimeout());
    switch (UrlConnectionAnswer.await(exchange.injection, phase, limit)) {
      case TIMED_OUT -> {
        jdk.close(connection);
        exchange.injection.finish();
        throw new SocketTimeoutException("Read timed out");
      }
      case INTERRUPTED -> {
        jdk.close(connection);
        exchange.injection.finish();
        throw new SocketException("Closed by interrupt");
      }
      default -> {
        // over, or closed: then the client finds that out by itself
      }
    }
  }
}
