package dev.jinx.it.network;

import dev.jinx.it.http.GrpcClients;
import dev.jinx.it.jdbc.Postgres;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.opentest4j.TestAbortedException;
import redis.embedded.RedisServer;

/** A real server, started once, when it is first asked for, behind a proxy of its own. */
final class Server {
  static final Server REDIS = new Server("Redis", Server::redis);
  static final Server KAFKA = new Server("Kafka", KafkaBroker::start);
  static final Server POSTGRES =
      new Server("PostgreSQL", proxy -> proxy.standBefore(Postgres.server().port()));
  static final Server GRPC = new Server("gRPC", Server::grpc);

  private interface Starting {
    /** Starts the server and tells the proxy where it is; clients are told of the proxy alone. */
    void start(ToxicProxy proxy) throws Exception;
  }

  private final String name;
  private final Starting starting;
  private @Nullable ToxicProxy proxy;
  private @Nullable Exception missing;

  private Server(String name, Starting starting) {
    this.name = name;
    this.starting = starting;
  }

  /** The server, as clients find it; a test of one that cannot be had here is skipped. */
  synchronized ToxicProxy proxy() {
    if (missing != null) {
      throw new TestAbortedException(name + " did not start", missing);
    }
    if (proxy == null) {
      var made = new ToxicProxy();
      try {
        starting.start(made);
      } catch (Exception e) {
        missing = e;
        System.err.println("SKIPPED: every test with " + name + ", which did not start: " + e);
        throw new TestAbortedException(name + " did not start", e);
      }
      proxy = made;
    }
    return proxy;
  }

  private static void redis(ToxicProxy proxy) throws IOException {
    int port = ToxicProxy.freePort();
    RedisServer redis =
        RedisServer.newRedisServer()
            .port(port)
            .setting("bind 127.0.0.1")
            .setting("save \"\"")
            .build();
    redis.start();
    atExit(redis::stop);
    proxy.standBefore(port);
  }

  private static void grpc(ToxicProxy proxy) throws IOException {
    proxy.standBefore(new GrpcClients.Server().uri().getPort());
  }

  interface Stopping {
    void stop() throws IOException;
  }

  /** A server that is a process must not outlive the tests. */
  static void atExit(Stopping stopping) {
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  try {
                    stopping.stop();
                  } catch (IOException e) {
                    System.err.println(e);
                  }
                }));
  }
}
