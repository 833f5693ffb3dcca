package dev.jinx.agent.point.http.apache5;

import org.apache.hc.client5.http.HttpRoute;
import org.apache.hc.client5.http.async.AsyncExecRuntime;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.core5.function.Resolver;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;

/** What the client's settings for a route say; the class came with version 5.2. */
final class Configured {
  final @Nullable ConnectionConfig config;

  @SuppressWarnings("unchecked")
  Configured(Library library, AsyncExecRuntime runtime, HttpRoute route) {
    Object manager = library.field(runtime, "manager");
    Object pool = manager == null ? library.field(runtime, "connPool") : manager;
    Object resolver = pool == null ? null : library.field(pool, "connectionConfigResolver");
    config =
        resolver == null
            ? null
            : ((Resolver<Object, ConnectionConfig>) resolver)
                .resolve(manager == null ? route.getTargetHost() : route);
  }

  @Nullable Timeout connect() {
    return config == null ? null : config.getConnectTimeout();
  }

  @Nullable Timeout socket() {
    return config == null ? null : config.getSocketTimeout();
  }
}
