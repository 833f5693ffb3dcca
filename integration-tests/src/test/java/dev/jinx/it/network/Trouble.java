package dev.jinx.it.network;

import dev.jinx.FaultInjection;
import dev.jinx.Jinx;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A trouble of a network.
 *
 * @param befalling how it really comes
 * @param faults the documents that stand for it, with a gap for the port; of the clients' side
 *     only, as the proxy's own end of a connection is in this JVM too
 */
record Trouble(String name, Befalling befalling, List<String> faults) {
  static final Duration DELAY = Duration.ofMillis(200);

  private static final String RESETTING =
      """
      {"target": {"kind": "socket", "port": %d, "side": "client"}, "effect": {"reset": {"after": "0B"}}}
      """;

  static final Trouble SLOW =
      new Trouble(
          "slow",
          proxy -> proxy.slow(DELAY),
          List.of(
              """
              {"target": {"kind": "socket", "port": %d, "side": "client", "operation": "read"},
               "effect": {"latency": "200ms"}}
              """));

  static final Trouble SILENT =
      new Trouble(
          "silent",
          ToxicProxy::silence,
          List.of(
              """
              {"target": {"kind": "socket", "port": %d, "side": "client", "operation": ["read", "write"]},
               "effect": {"drop": {}}}
              """));

  static final Trouble RESET = new Trouble("reset", ToxicProxy::reset, List.of(RESETTING));

  static final Trouble REFUSED =
      new Trouble(
          "refused",
          ToxicProxy::refuse,
          List.of(
              """
              {"target": {"kind": "socket", "port": %d, "side": "client", "operation": "connect"},
               "effect": {"error": "connectionRefused"}}
              """,
              RESETTING));

  static final List<Trouble> ALL = List.of(SLOW, SILENT, RESET, REFUSED);

  interface Befalling {
    void on(ToxicProxy proxy) throws Exception;
  }

  /** A way for the trouble to begin; what it returns ends it. */
  interface Cause {
    AutoCloseable begin(ToxicProxy proxy) throws Exception;
  }

  Cause real() {
    return proxy -> {
      befalling.on(proxy);
      return proxy::heal;
    };
  }

  Cause injected() {
    return proxy -> {
      List<FaultInjection> armed = new ArrayList<>();
      for (String fault : faults) {
        armed.add(Jinx.inject(fault.formatted(proxy.port())));
      }
      return () -> armed.forEach(FaultInjection::close);
    };
  }

  @Override
  public String toString() {
    return name;
  }
}
