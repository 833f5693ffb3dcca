package dev.jinx.agent.point.http.apache5;

import org.apache.hc.client5.http.EndpointInfo;
import org.apache.hc.client5.http.HttpRoute;
import org.apache.hc.client5.http.async.AsyncExecRuntime;
import org.apache.hc.client5.http.protocol.HttpClientContext;
import org.apache.hc.core5.concurrent.Cancellable;
import org.apache.hc.core5.concurrent.FutureCallback;
import org.apache.hc.core5.http.nio.AsyncClientExchangeHandler;
import org.apache.hc.core5.util.TimeValue;

/** A real connection, whose answers pass an {@link Exchange}. */
class Through implements AsyncExecRuntime {
  final Attempt call;
  final AsyncExecRuntime real;

  Through(Attempt call) {
    this.call = call;
    this.real = call.scope.execRuntime;
  }

  /** The chain goes on with the runtime that it is given back. */
  final FutureCallback<AsyncExecRuntime> giving(FutureCallback<AsyncExecRuntime> callback) {
    return new FutureCallback<>() {
      @Override
      public void completed(AsyncExecRuntime real) {
        callback.completed(Through.this);
      }

      @Override
      public void failed(Exception cause) {
        callback.failed(cause);
      }

      @Override
      public void cancelled() {
        callback.cancelled();
      }
    };
  }

  @Override
  public boolean isEndpointAcquired() {
    return real.isEndpointAcquired();
  }

  @Override
  public Cancellable acquireEndpoint(
      String id,
      HttpRoute route,
      Object state,
      HttpClientContext context,
      FutureCallback<AsyncExecRuntime> callback) {
    return real.acquireEndpoint(id, route, state, context, giving(callback));
  }

  @Override
  public void releaseEndpoint() {
    real.releaseEndpoint();
  }

  @Override
  public void discardEndpoint() {
    real.discardEndpoint();
  }

  @Override
  public boolean isEndpointConnected() {
    return real.isEndpointConnected();
  }

  @Override
  public Cancellable connectEndpoint(
      HttpClientContext context, FutureCallback<AsyncExecRuntime> callback) {
    return real.connectEndpoint(context, giving(callback));
  }

  @Override
  public void disconnectEndpoint() {
    real.disconnectEndpoint();
  }

  @Override
  @Deprecated
  public void upgradeTls(HttpClientContext context) {
    real.upgradeTls(context);
  }

  @Override
  public void upgradeTls(HttpClientContext context, FutureCallback<AsyncExecRuntime> callback) {
    real.upgradeTls(context, callback == null ? null : giving(callback));
  }

  @Override
  public EndpointInfo getEndpointInfo() {
    return real.getEndpointInfo();
  }

  @Override
  public boolean validateConnection() {
    return real.validateConnection();
  }

  @Override
  public Cancellable execute(
      String id, AsyncClientExchangeHandler handler, HttpClientContext context) {
    Exchange exchange = new Exchange(call, handler, true);
    Cancellable ofIt = real.execute(id, exchange, context);
    return () -> {
      call.cancel();
      return ofIt.cancel();
    };
  }

  @Override
  public void markConnectionReusable(Object state, TimeValue validity) {
    real.markConnectionReusable(state, validity);
  }

  @Override
  public void markConnectionNonReusable() {
    real.markConnectionNonReusable();
  }

  @Override
  public AsyncExecRuntime fork() {
    return real.fork();
  }
}
