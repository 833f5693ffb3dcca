package dev.jinx.agent.point.http.okhttp;

import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.effect.Response;
import dev.jinx.agent.fault.BodyFlow;
import dev.jinx.agent.fault.Injection.Waited;
import dev.jinx.agent.point.http.OkHttpAttempt;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.util.concurrent.TimeUnit;
import okhttp3.Connection;
import okhttp3.Headers;
import okhttp3.Interceptor;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.internal.connection.RealConnection;
import okhttp3.internal.http.ExchangeCodec;
import okhttp3.internal.http2.ErrorCode;
import okhttp3.internal.http2.StreamResetException;
import okio.Okio;
import okio.Sink;
import okio.Source;
import org.jspecify.annotations.Nullable;

/**
 * The codec of one attempt. It passes on to the real one, unless something comes in the place of
 * it: then to one that reads what never came over a connection. Above it the client cannot tell.
 */
final class AttemptCodec implements ExchangeCodec {
  private final OkHttpInside inside;
  private final OkHttpAttempt attempt;
  private final Connection connection;
  private final Object client;
  private final Interceptor.Chain chain;
  private final boolean http2;
  private final @Nullable ExchangeCodec real;
  private @Nullable Request request;
  private @Nullable ExchangeCodec canned;

  /**
   * @param real null where nothing real is to happen
   */
  AttemptCodec(
      OkHttpInside inside,
      OkHttpAttempt attempt,
      Connection connection,
      Object client,
      Interceptor.Chain chain,
      @Nullable ExchangeCodec real) {
    this.inside = inside;
    this.attempt = attempt;
    this.connection = connection;
    this.client = client;
    this.chain = chain;
    this.real = real;
    Protocol protocol = connection.protocol();
    http2 = protocol == Protocol.HTTP_2 || protocol == Protocol.H2_PRIOR_KNOWLEDGE;
  }

  private ExchangeCodec current() {
    return Handles.present(canned == null ? real : canned);
  }

  boolean http2() {
    return http2;
  }

  /** Nanoseconds; {@code Long.MAX_VALUE} for none. */
  long readTimeout() {
    int millis = chain.readTimeoutMillis();
    return millis <= 0 ? Long.MAX_VALUE : TimeUnit.MILLISECONDS.toNanos(millis);
  }

  // ---- its connection, and what came behind the answer, by what name a version asks for it

  public RealConnection connection() {
    return (RealConnection) connection;
  }

  public RealConnection getConnection() {
    return (RealConnection) connection;
  }

  @Override
  public Carrier getCarrier() {
    return (Carrier) (Object) connection;
  }

  @Override
  public okio.Socket getSocket() {
    return current().getSocket();
  }

  @Override
  public boolean isResponseComplete() {
    return current().isResponseComplete();
  }

  public Headers trailers() throws Throwable {
    return inside.trailers(current());
  }

  @Override
  public @Nullable Headers peekTrailers() throws IOException {
    return current().peekTrailers();
  }

  // ---- the request

  @Override
  public void writeRequestHeaders(Request request) throws IOException {
    this.request = request;
    Object instead = real == null ? attempt.instead() : attempt.hold(Phase.BEFORE, http2);
    if (instead == null) {
      current().writeRequestHeaders(request);
    } else {
      replace(instead);
    }
  }

  @Override
  public Sink createRequestBody(Request request, long contentLength) throws IOException {
    return canned == null ? current().createRequestBody(request, contentLength) : Okio.blackhole();
  }

  @Override
  public void flushRequest() throws IOException {
    if (canned == null) {
      current().flushRequest();
    }
  }

  @Override
  public void finishRequest() throws IOException {
    if (canned == null) {
      current().finishRequest();
    }
  }

  // ---- its answer

  @Override
  public okhttp3.Response.@Nullable Builder readResponseHeaders(boolean expectContinue)
      throws IOException {
    okhttp3.Response.Builder answer = current().readResponseHeaders(expectContinue);
    if (canned == null && answer != null && attempt.hasAfter() && isFinal(answer)) {
      Object instead = attempt.hold(Phase.AFTER, http2);
      if (instead != null) {
        discard();
        replace(instead);
        answer = current().readResponseHeaders(expectContinue);
      }
    }
    // a canned answer is read as HTTP/1.1, whatever the connection speaks
    return canned != null && answer != null && http2
        ? answer.protocol(connection.protocol()).message("")
        : answer;
  }

  private boolean isFinal(okhttp3.Response.Builder answer) {
    return answer.request(chain.request()).build().code() >= 200;
  }

  @Override
  public long reportedContentLength(okhttp3.Response response) throws IOException {
    return current().reportedContentLength(response);
  }

  @Override
  public Source openResponseBodySource(okhttp3.Response response) throws IOException {
    Source body = current().openResponseBodySource(response);
    BodyFlow flow = attempt.flow();
    boolean delimited =
        response.header("Content-Length") != null || response.header("Transfer-Encoding") != null;
    return flow == null ? body : new FlowingBody(this, body, flow, delimited);
  }

  @Override
  public void cancel() {
    attempt.cancel();
    if (real != null) {
      real.cancel();
    } else if (!http2) {
      ((RealConnection) connection).cancel();
    }
  }

  /** Gives up what really happens; its connection is not used again. */
  void discard() {
    if (real != null) {
      real.cancel();
    }
    if (!http2) {
      inside.noNewExchanges(connection);
    }
  }

  // ---- what comes instead, as observed of each protocol

  private void replace(Object instead) throws IOException {
    Wire wire = new Wire(wire(instead));
    ExchangeCodec codec =
        inside.http1(client, connection, Okio.buffer(wire), Okio.buffer(Okio.blackhole()));
    codec.writeRequestHeaders(Handles.present(request));
    canned = codec;
  }

  /** The bytes of an answer, or the exception of a read. */
  private Object wire(Object instead) {
    if (instead instanceof Response response) {
      return attempt.bytes(response);
    }
    if (instead instanceof NamedError error) {
      return spelled(error);
    }
    if (instead == Waited.CLOSED) {
      return cancelled();
    }
    if (instead == Waited.INTERRUPTED) {
      return http2 ? new InterruptedIOException() : new SocketException("Closed by interrupt");
    }
    return instead;
  }

  private Object spelled(NamedError error) {
    return switch (error) {
      case READ_TIMEOUT -> timedOut();
      case CONNECTION_RESET -> reset();
      case UNEXPECTED_EOF -> http2 ? cancelled() : new byte[0];
      default -> connecting(error);
    };
  }

  IOException timedOut() {
    IOException timeout = new SocketTimeoutException("timeout");
    if (!http2) {
      // by the client's own clock, which closes the socket
      timeout.initCause(new SocketException("Socket closed"));
    }
    return timeout;
  }

  IOException reset() {
    if (http2) {
      // its other streams go on: they have not been decided on
      inside.lost(connection);
    }
    return new SocketException("Connection reset");
  }

  /** What is left of a stream, or of a connection, that is closed from this side. */
  IOException cancelled() {
    return http2
        ? new StreamResetException(ErrorCode.CANCEL)
        : new SocketException("Socket closed");
  }

  /** In the second phase: it has connected in truth. */
  private IOException connecting(NamedError error) {
    IOException cause = attempt.connecting(error);
    if (cause instanceof ConnectException) {
      IOException failed =
          new ConnectException("Failed to connect to " + connection.route().socketAddress());
      failed.initCause(cause);
      return failed;
    }
    return cause;
  }
}
