package dev.jinx.it.http;

import static dev.jinx.Jinx.http;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.FaultInjection;
import dev.jinx.HttpFault;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import dev.jinx.it.http.Client.Session;
import dev.jinx.it.real.Http2Server;
import dev.jinx.it.real.Http2Server.Answer;
import dev.jinx.it.real.Observed;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The contract of clients that talk HTTP/2: the same call on a connection that is open meets the
 * real and the injected failure.
 */
@Timeout(60)
@ExtendWith(ClientTable.class)
class Http2TwinIT {
  private static final Duration HASTE = Duration.ofMillis(500);
  private static final Duration PATIENT = Duration.ofSeconds(20);

  @SuppressWarnings("NullAway.Init")
  private static Http2Server server;

  static Stream<Named<Client>> clients() {
    return Clients.http2();
  }

  @BeforeAll
  static void start() {
    server = new Http2Server();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static HttpFault target() {
    return http().port(server.uri("/").getPort());
  }

  private static void assertTwins(
      Client client, String method, Duration limit, Answer answer, HttpFault twin)
      throws Exception {
    Observed injected;
    long injections;
    try (Session session = connected(client, limit);
        FaultInjection fault = Jinx.inject(twin)) {
      server.answering(Answer.ECHO);
      injected = Observed.of(() -> session.call(method, server.uri("/")));
      injections = fault.injections();

      assertThat(server.requests()).isZero();
    }
    Observed real = real(client, method, limit, answer);
    // who meets a reset first, the client's reader or its writer, is a race
    for (int again = 0; again < 5 && !injected.outcome().equals(real.outcome()); again++) {
      real = real(client, method, limit, answer);
    }
    assertThat(injected.outcome()).as("%s %s", method, twin).isEqualTo(real.outcome());
    assertThat(injections).isEqualTo(server.requests());
  }

  private static Observed real(Client client, String method, Duration limit, Answer answer)
      throws Exception {
    try (Session session = connected(client, limit)) {
      server.answering(answer);
      return Observed.of(() -> session.call(method, server.uri("/")));
    }
  }

  private static Session connected(Client client, Duration limit) throws Exception {
    server.answering(Answer.ECHO);
    Session session = client.open(limit);
    assertThat(session.call("GET", server.uri("/")).status()).isEqualTo(200);
    return session;
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("readTimeout, drop")
  void silence(Client client) throws Exception {
    assertTwins(client, "GET", HASTE, Answer.SILENCE, target().drop());
    assertTwins(client, "POST", HASTE, Answer.SILENCE, target().error(NamedError.READ_TIMEOUT));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("connectionReset")
  void connectionReset(Client client) throws Exception {
    HttpFault twin = target().error(NamedError.CONNECTION_RESET);
    assertTwins(client, "GET", PATIENT, Answer.RESET, twin);
    assertTwins(client, "POST", PATIENT, Answer.RESET, twin);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("unexpectedEof")
  void unexpectedEof(Client client) throws Exception {
    HttpFault twin = target().error(NamedError.UNEXPECTED_EOF);
    assertTwins(client, "GET", PATIENT, Answer.END, twin);
    assertTwins(client, "POST", PATIENT, Answer.END, twin);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("response")
  void response(Client client) throws Exception {
    HttpFault twin =
        target()
            .response(503, Map.of("Retry-After", "7", "Content-Type", "text/plain"), "try again");
    assertTwins(client, "GET", PATIENT, Answer.UNAVAILABLE, twin);
    assertTwins(client, "POST", PATIENT, Answer.UNAVAILABLE, twin);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("latency")
  void latency(Client client) throws Exception {
    Duration delay = Duration.ofMillis(250);
    try (Session session = connected(client, PATIENT);
        FaultInjection fault = Jinx.inject(target().latency(delay))) {
      Observed late = Observed.of(() -> session.call("POST", server.uri("/")));

      assertThat(late.thrown()).isEmpty();
      assertThat(late.elapsed()).isGreaterThanOrEqualTo(delay);
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("after")
  void theServerHasItAndTheConnectionIsLost(Client client) throws Exception {
    Observed injected;
    try (Session session = connected(client, PATIENT);
        FaultInjection fault = Jinx.inject(target().error(NamedError.UNEXPECTED_EOF).afterCall())) {
      server.answering(Answer.ECHO);
      injected = Observed.of(() -> session.call("POST", server.uri("/")));
      assertThat(fault.injections()).isPositive();
      assertThat(server.requests()).isPositive();
    }
    Observed real = reallyLost(client);
    // the end may come before the client has begun to wait for the answer's head
    for (int i = 0; i < 10 && !real.outcome().equals(injected.outcome()); i++) {
      real = reallyLost(client);
    }
    assertThat(injected.outcome()).isEqualTo(real.outcome());
  }

  private Observed reallyLost(Client client) throws Exception {
    try (Session session = connected(client, PATIENT)) {
      server.answering(Answer.END);
      return Observed.of(() -> session.call("POST", server.uri("/")));
    }
  }
}
