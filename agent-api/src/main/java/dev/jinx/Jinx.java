package dev.jinx;

import java.util.concurrent.ThreadLocalRandom;

/**
 * Breaks what this JVM depends on, on purpose.
 *
 * <pre>{@code
 * var fault = http("payments").path("/v1/charges/**").latency(ofMillis(800)).first(2);
 * try (var slow = Jinx.inject(fault)) {
 *   …
 *   assertThat(slow.injections()).isEqualTo(2);
 * }
 * }</pre>
 *
 * The Jinx agent must be in the JVM: {@code -javaagent:jinx-agent.jar}, or {@code @JinxTest} on a
 * JUnit test, which attaches it.
 */
public final class Jinx {

  private Jinx() {}

  /** A fault of HTTP exchanges with these hosts; with any host if none is given. */
  public static HttpFault http(String... hosts) {
    return new HttpFault(hosts);
  }

  /** A fault of JDBC calls on connections to these URLs; to any if none is given. */
  public static JdbcFault jdbc(String... urls) {
    return new JdbcFault(urls);
  }

  /** A fault of TCP connections with these hosts; with any host if none is given. */
  public static SocketFault socket(String... hosts) {
    return new SocketFault(hosts);
  }

  /** A fault of look-ups of these host names; of any name if none is given. */
  public static DnsFault dns(String... hosts) {
    return new DnsFault(hosts);
  }

  /** A fault of TLS handshakes with these hosts; with any host if none is given. */
  public static TlsFault tls(String... hosts) {
    return new TlsFault(hosts);
  }

  /**
   * Arms a fault; the next call that matches feels it.
   *
   * @return the fault, to ask about and to close
   * @throws IllegalArgumentException where the agent refuses the fault; the message says which
   *     field and why
   * @throws IllegalStateException without an agent in this JVM, or while the agent is halted
   */
  public static FaultInjection inject(Fault<?> fault) {
    // by its content two equal faults would be one, and neither could tell its own hits
    Fault<?> named =
        fault.hasId()
            ? fault
            : fault.id("java-" + Integer.toHexString(ThreadLocalRandom.current().nextInt()));
    return inject(named.toString());
  }

  /**
   * Arms one fault from its JSON document, as the agent's endpoint takes it. A document that is
   * armed already, word for word, is not armed again.
   *
   * @return the fault, to ask about and to close
   * @throws IllegalArgumentException where the agent refuses the fault; the message says which
   *     field and why
   * @throws IllegalStateException without an agent in this JVM, or while the agent is halted
   */
  public static FaultInjection inject(String json) {
    if (!json.stripLeading().startsWith("{")) {
      throw new IllegalArgumentException("One fault is one JSON object, but this is not: " + json);
    }
    return new FaultInjection(Agent.call("POST /v1/faults", json));
  }

  /** Disarms every fault in this JVM at once, whoever armed it. */
  public static void clear() {
    Agent.call("DELETE /v1/faults", "");
  }

  /** Whether there is an agent in this JVM. */
  public static boolean isInstalled() {
    return Agent.isPresent();
  }
}
