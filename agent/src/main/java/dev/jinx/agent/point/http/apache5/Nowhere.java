package dev.jinx.agent.point.http.apache5;

import dev.jinx.agent.effect.Response;
import org.apache.hc.client5.http.protocol.HttpClientContext;
import org.apache.hc.core5.concurrent.Cancellable;
import org.apache.hc.core5.http.nio.AsyncClientExchangeHandler;
import org.apache.hc.core5.reactor.AbstractIOSessionPool;
import org.apache.hc.core5.util.TimeValue;
import org.jspecify.annotations.Nullable;

/**
 * No connection: an exchange that fails, or is answered by us, once its request is out. One that
 * fails takes a connection along that stands in the pool, as the real failure would.
 */
final class Nowhere extends Through {
  private final @Nullable Exception failure;
  private final @Nullable Response answer;

  Nowhere(Attempt call, @Nullable Exception failure, @Nullable Response answer) {
    super(call);
    this.failure = failure;
    this.answer = answer;
  }

  @Override
  public boolean isEndpointAcquired() {
    return real.isEndpointAcquired() || !takesAConnection();
  }

  private boolean takesAConnection() {
    if (failure == null || !call.http2) {
      return failure != null;
    }
    // here, to ask the pool is to connect
    Object pool = call.library.field(real, "connPool");
    Object sessions = pool == null ? null : call.library.field(pool, "sessionPool");
    Object of = sessions == null ? pool : sessions;
    return of instanceof AbstractIOSessionPool<?> known
        && (known.getRoutes().contains(call.scope.route)
            || known.getRoutes().contains(call.scope.route.getTargetHost()));
  }

  @Override
  public boolean isEndpointConnected() {
    return true;
  }

  @Override
  public boolean validateConnection() {
    return true;
  }

  @Override
  public void markConnectionReusable(Object state, TimeValue validity) {}

  @Override
  public void markConnectionNonReusable() {}

  @Override
  public Cancellable execute(
      String id, AsyncClientExchangeHandler handler, HttpClientContext context) {
    Sent request = new Sent(call, handler, context, failure, answer);
    call.run(request::begin);
    return () -> {
      handler.cancel();
      return true;
    };
  }
}
