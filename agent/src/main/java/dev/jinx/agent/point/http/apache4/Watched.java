package dev.jinx.agent.point.http.apache4;

import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.fault.BodyFlow;
import dev.jinx.agent.point.AsyncCall;
import java.io.IOException;
import java.net.SocketTimeoutException;
import org.apache.http.ConnectionClosedException;
import org.apache.http.HttpException;
import org.apache.http.HttpRequest;
import org.apache.http.HttpResponse;
import org.apache.http.nio.ContentDecoder;
import org.apache.http.nio.ContentEncoder;
import org.apache.http.nio.IOControl;
import org.apache.http.nio.NHttpClientConnection;
import org.apache.http.nio.protocol.HttpAsyncClientExchangeHandler;
import org.apache.http.pool.PoolEntry;
import org.jspecify.annotations.Nullable;

/** Stands between a connection and the client's own handler, for one exchange. */
final class Watched implements HttpAsyncClientExchangeHandler {
  private final Attempt call;
  private final HttpAsyncClientExchangeHandler handler;
  private final NHttpClientConnection connection;
  private @Nullable Paced paced;
  private @Nullable HttpResponse response;
  private volatile boolean holds;
  private volatile boolean over;
  private boolean ours;
  private boolean complete;

  /**
   * @param connection as the pool has handed it out
   */
  Watched(Attempt call, NHttpClientConnection connection) {
    this.call = call;
    this.handler = call.handler;
    // itself: the handler gives the other one back before all is done
    this.connection =
        call.library.field(connection, "poolEntry") instanceof PoolEntry<?, ?> entry
                && entry.getConnection() instanceof NHttpClientConnection itself
            ? itself
            : connection;
  }

  @Override
  public void responseReceived(HttpResponse response) throws IOException, HttpException {
    if (call.library.calls.get(handler) != call || !call.library.isConnected(handler)) {
      // another exchange's, or a proxy's answer to CONNECT
      handler.responseReceived(response);
      return;
    }
    this.response = response;
    BodyFlow flow = call.flow();
    paced = flow == null ? null : new Paced(flow, response, call.route.isSecure());
    call.watched = this;
    call.onReactor = true;
    call.watches = false;
    holds = true;
    call.arrived(this);
  }

  /** The answer goes on. */
  void release() {
    HttpResponse its = response;
    try {
      if (its != null) {
        handler.responseReceived(its);
      }
      boolean completed;
      synchronized (this) {
        holds = false;
        completed = complete;
      }
      if (completed) {
        handler.responseCompleted();
      } else {
        connection.requestInput();
      }
    } catch (HttpException | IOException | RuntimeException e) {
      Library.EXECUTOR.exception(connection, e);
    }
  }

  void fail(Failure failure, @Nullable Exception thrown) {
    holds = false;
    ours = true;
    boolean known = thrown != null || !complete || AsyncCall.is(NamedError.READ_TIMEOUT, failure);
    Library.end(
        connection,
        failure,
        known ? thrown : new ConnectionClosedException("Connection is closed"));
  }

  /** The real answer, and its connection, are nothing to the client any more. */
  void discard() {
    over = true;
    holds = false;
    call.invoke("discardConnection");
  }

  @Override
  public void consumeContent(ContentDecoder decoder, IOControl control) throws IOException {
    if (holds) {
      control.suspendInput();
      return;
    }
    Paced its = paced;
    if (over) {
      return;
    }
    if (its == null) {
      handler.consumeContent(decoder, control);
    } else if (its.isReady(control)) {
      handler.consumeContent(its.of(decoder), control);
      if (!decoder.isCompleted()) {
        // what is left in the connection's buffer is told of only where input is wanted anew
        its.isReady(control);
      }
    }
  }

  @Override
  public void responseCompleted() throws IOException, HttpException {
    synchronized (this) {
      complete = true;
      if (holds || over) {
        return;
      }
    }
    handler.responseCompleted();
  }

  @Override
  public @Nullable HttpRequest generateRequest() throws IOException, HttpException {
    return holds || over ? null : handler.generateRequest();
  }

  @Override
  public void produceContent(ContentEncoder encoder, IOControl control) throws IOException {
    handler.produceContent(encoder, control);
  }

  @Override
  public void requestCompleted() {
    handler.requestCompleted();
  }

  @Override
  public void inputTerminated() {
    if (!over) {
      handler.inputTerminated();
    }
  }

  @Override
  public void failed(Exception cause) {
    if (!over) {
      handler.failed(ours && cause instanceof SocketTimeoutException ? emptied(cause) : cause);
    }
  }

  /** Nothing has come over a connection that says nothing. */
  private Exception emptied(Exception cause) {
    String message = cause.getMessage();
    return message == null
        ? cause
        : new SocketTimeoutException(message.replaceAll("\\(\\d+\\)]$", "]"));
  }

  @Override
  public boolean cancel() {
    return handler.cancel();
  }

  @Override
  public boolean isDone() {
    return over || handler.isDone();
  }

  @Override
  public void close() throws IOException {
    if (!over) {
      handler.close();
    }
  }
}
