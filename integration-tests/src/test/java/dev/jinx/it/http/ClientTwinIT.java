package dev.jinx.it.http;

import static dev.jinx.Jinx.http;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jinx.FaultInjection;
import dev.jinx.HttpFault;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import dev.jinx.it.http.Client.Session;
import dev.jinx.it.real.Certificates;
import dev.jinx.it.real.Observed;
import dev.jinx.it.real.RealServer;
import dev.jinx.it.real.RealServer.Answer;
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The contract of every client, over HTTP/1.1: the same call meets the real failure and the
 * injected one, and the application cannot tell them apart.
 */
@Timeout(60)
@ExtendWith(ClientTable.class)
class ClientTwinIT {
  /** For what never comes. */
  private static final Duration HASTE = Duration.ofMillis(400);

  /** Long enough for every answer that comes at all, on a busy machine too. */
  private static final Duration PATIENT = Duration.ofSeconds(20);

  @SuppressWarnings("NullAway.Init")
  private static RealServer echo;

  @SuppressWarnings("NullAway.Init")
  private static RealServer failing;

  /** Some clients try again, after the time they are told. */
  private static final Answer UNAVAILABLE =
      (request, connection) ->
          connection.respond(
              503,
              Map.of("Retry-After", "0", "Content-Type", "text/plain"),
              "try again".getBytes(StandardCharsets.UTF_8));

  static Stream<Named<Client>> clients() {
    return Clients.http1();
  }

  /** Servers of its own for each test: some pools cannot be closed. */
  @BeforeEach
  void start() {
    echo = RealServer.http(RealServer.ECHO);
    failing = RealServer.http(RealServer.ECHO);
  }

  @AfterEach
  void stop() {
    echo.close();
    failing.close();
  }

  private static HttpFault target() {
    return http("localhost").port(echo.uri("/").getPort());
  }

  private static Observed call(Session session, String method, URI uri) {
    return Observed.of(() -> session.call(method, uri));
  }

  private static Observed call(Client client, Duration limit, String method, URI uri)
      throws Exception {
    try (Session session = client.open(limit)) {
      return call(session, method, uri);
    }
  }

  private static void assertTook(Duration least, Observed injected) {
    assertThat(injected.elapsed()).isBetween(least, least.plusSeconds(5));
  }

  /** Whether that client can have the effect; if not, arming it for that client alone says so. */
  private static boolean isPossible(Client client, String column, HttpFault fault) {
    if (client.impossible().contains(column)) {
      assertThatThrownBy(() -> Jinx.inject(fault.client(client.client())))
          .hasMessageContaining(client.client());
      ClientTable.impossible(client, column);
      return false;
    }
    return true;
  }

  /** The failing server's answer is what the fault imitates, attempt by attempt. */
  private static Observed assertTwins(Client client, String method, Answer answer, HttpFault twin)
      throws Exception {
    failing.answering(answer);
    Observed real = call(client, PATIENT, method, failing.uri("/path"));

    try (FaultInjection fault = Jinx.inject(twin)) {
      Observed injected = call(client, PATIENT, method, echo.uri("/path"));

      assertThat(injected.outcome()).isEqualTo(real.outcome());
      assertThat(fault.injections()).isEqualTo(failing.requests().size());
      return injected;
    }
  }

  // ---- before a connection stands

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("connectionRefused")
  void connectionRefused(Client client) throws Exception {
    HttpFault twin = target().error(NamedError.CONNECTION_REFUSED);
    if (!isPossible(client, "connectionRefused", twin)) {
      return;
    }
    for (String method : List.of("GET", "POST")) {
      Observed real = call(client, PATIENT, method, RealServer.refusing());

      try (FaultInjection fault = Jinx.inject(twin)) {
        Observed injected = call(client, PATIENT, method, echo.uri("/"));

        assertThat(injected.outcome()).isEqualTo(real.outcome());
        assertThat(fault.injections()).isPositive();
        assertThat(echo.connections()).isZero();
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("connectTimeout")
  void connectTimeout(Client client) throws Exception {
    HttpFault twin = target().error(NamedError.CONNECT_TIMEOUT);
    if (!isPossible(client, "connectTimeout", twin)) {
      return;
    }
    Observed real;
    try (var unreachable = RealServer.unreachable()) {
      real = call(client, HASTE, "GET", unreachable.uri());
    }

    try (FaultInjection fault = Jinx.inject(twin)) {
      Observed injected = call(client, HASTE, "GET", echo.uri(""));

      assertThat(injected.outcome()).isEqualTo(real.outcome());
      assertTook(HASTE, injected);
      assertThat(fault.injections()).isPositive();
      assertThat(echo.connections()).isZero();
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("unknownHost")
  void unknownHost(Client client) throws Exception {
    HttpFault twin = http("no-such-host.invalid").error(NamedError.UNKNOWN_HOST);
    if (!isPossible(client, "unknownHost", twin)) {
      return;
    }
    URI uri = URI.create("http://no-such-host.invalid/");
    Observed real = call(client, PATIENT, "GET", uri);

    try (FaultInjection fault = Jinx.inject(twin)) {
      assertThat(call(client, PATIENT, "GET", uri).outcome()).isEqualTo(real.outcome());
      assertThat(fault.injections()).isPositive();
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("tlsHandshake")
  void tlsHandshake(Client client) throws Exception {
    var withoutCertificate = SSLContext.getInstance("TLS");
    withoutCertificate.init(null, null, null);
    assertTlsTwins(client, "tlsHandshake", withoutCertificate, NamedError.TLS_HANDSHAKE);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("certificateExpired")
  void certificateExpired(Client client) throws Exception {
    assertTlsTwins(
        client, "certificateExpired", Certificates.expiredServer(), NamedError.CERTIFICATE_EXPIRED);
  }

  private static void assertTlsTwins(Client client, String column, SSLContext bad, NamedError error)
      throws Exception {
    Observed real;
    try (var server = RealServer.https(bad, RealServer.ECHO)) {
      real = call(client, PATIENT, "GET", server.uri("/"));
    }
    try (var server = RealServer.https(Certificates.server(), RealServer.ECHO)) {
      HttpFault twin = http().port(server.uri("/").getPort()).error(error);
      if (!isPossible(client, column, twin)) {
        return;
      }
      try (FaultInjection fault = Jinx.inject(twin)) {
        Observed injected = call(client, PATIENT, "GET", server.uri("/"));

        assertThat(injected.outcome()).isEqualTo(real.outcome());
        assertThat(fault.injections()).isPositive();
        assertThat(server.connections()).isZero();
      }
    }
  }

  // ---- in place of an answer

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("readTimeout, drop")
  void silence(Client client) throws Exception {
    failing.answering(RealServer.SILENCE);
    Observed real = call(client, HASTE, "GET", failing.uri("/path"));

    for (HttpFault twin :
        List.of(
            target().drop(), target().latency(PATIENT), target().error(NamedError.READ_TIMEOUT))) {
      try (FaultInjection fault = Jinx.inject(twin)) {
        Observed injected = call(client, HASTE, "GET", echo.uri("/path"));

        assertThat(injected.outcome()).as("%s", twin).isEqualTo(real.outcome());
        assertTook(HASTE, injected);
        assertThat(fault.injections()).isEqualTo(failing.requests().size());
        assertThat(echo.requests()).isEmpty();
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("latency")
  void latency(Client client) throws Exception {
    Duration delay = Duration.ofMillis(200);
    for (String method : List.of("GET", "POST")) {
      Observed late =
          assertTwins(
              client,
              method,
              RealServer.after(delay.toMillis(), RealServer.ECHO),
              target().latency(delay));
      assertTook(delay, late);
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("connectionReset")
  void connectionReset(Client client) throws Exception {
    for (String method : List.of("GET", "POST")) {
      assertTwins(client, method, RealServer.RESET, target().error(NamedError.CONNECTION_RESET));
      assertThat(echo.requests()).isEmpty();
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("unexpectedEof")
  void unexpectedEof(Client client) throws Exception {
    for (String method : List.of("GET", "POST")) {
      assertTwins(client, method, RealServer.END, target().error(NamedError.UNEXPECTED_EOF));
      assertThat(echo.requests()).isEmpty();
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("response")
  void response(Client client) throws Exception {
    HttpFault twin =
        target()
            .response(503, Map.of("Retry-After", "0", "Content-Type", "text/plain"), "try again");
    for (String method : List.of("GET", "POST", "HEAD")) {
      if (!method.equals("HEAD")) {
        assertTwins(client, method, UNAVAILABLE, twin);
      } else {
        try (FaultInjection fault = Jinx.inject(twin)) {
          Observed head = call(client, PATIENT, method, echo.uri("/path"));
          assertThat(head.thrown()).isEmpty();
          assertThat(head.value()).extracting("status", "body").containsExactly(503, "");
          assertThat(fault.injections()).isPositive();
        }
      }
      assertThat(echo.requests()).isEmpty();
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("response")
  void encodedResponse(Client client) throws Exception {
    var zipped = new ByteArrayOutputStream();
    try (var zip = new GZIPOutputStream(zipped)) {
      zip.write("{\"a\": 1}".repeat(100).getBytes(StandardCharsets.UTF_8));
    }
    byte[] binary = new byte[70_000];
    for (int i = 0; i < binary.length; i++) {
      binary[i] = (byte) (i * 31);
    }
    Map<String, String> gzip =
        Map.of("Content-Encoding", "gzip", "Content-Type", "application/json");
    Map<String, String> plain = Map.of("Content-Type", "application/octet-stream");

    assertTwins(
        client,
        "GET",
        (request, connection) -> connection.respond(200, gzip, zipped.toByteArray()),
        target().response(200, gzip, zipped.toByteArray()));
    assertTwins(
        client,
        "GET",
        (request, connection) -> connection.respond(200, plain, binary),
        target().response(200, plain, binary));
    assertTwins(
        client,
        "POST",
        (request, connection) -> connection.respond(204, Map.of(), new byte[0]),
        target().response(204, Map.of(), new byte[0]));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("response")
  void responseOverTls(Client client) throws Exception {
    try (var real = RealServer.https(Certificates.server(), UNAVAILABLE);
        var unasked = RealServer.https(Certificates.server(), RealServer.ECHO)) {
      HttpFault target = http().scheme("https").port(unasked.uri("/").getPort()).path("/answered");
      Observed unavailable = call(client, PATIENT, "POST", real.uri("/answered"));
      try (FaultInjection fault =
          Jinx.inject(
              target.response(
                  503, Map.of("Retry-After", "0", "Content-Type", "text/plain"), "try again"))) {
        assertThat(call(client, PATIENT, "POST", unasked.uri("/answered")).outcome())
            .isEqualTo(unavailable.outcome());
        assertThat(unasked.requests()).isEmpty();
        assertThat(fault.injections()).isPositive();
        assertThat(call(client, PATIENT, "POST", unasked.uri("/real")).thrown()).isEmpty();
      }
    }
  }

  // ---- the body of the answer

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("reset")
  void resetInTheBody(Client client) throws Exception {
    assertCutTwins(client, "reset", true, target().reset("40B"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("limit")
  void endInTheBody(Client client) throws Exception {
    assertCutTwins(client, "limit", false, target().limit("40B"));
  }

  private static void assertCutTwins(Client client, String column, boolean reset, HttpFault twin)
      throws Exception {
    if (!isPossible(client, column, twin)) {
      return;
    }
    for (boolean chunked : new boolean[] {false, true}) {
      failing.answering(RealServer.cutBody(chunked, reset));
      echo.answering(RealServer.body(chunked));
      Observed real = call(client, PATIENT, "GET", failing.uri("/path"));

      try (FaultInjection fault = Jinx.inject(twin);
          Session session = client.open(PATIENT)) {
        Observed injected = call(session, "GET", echo.uri("/path"));

        assertThat(numberless(injected)).as("chunked: %s", chunked).isEqualTo(numberless(real));
        assertThat(fault.injections()).isEqualTo(failing.requests().size());
        awaitClosedConnections();
      }
    }
  }

  /** How much of a chunk has come is up to how it was cut into packets. */
  private static Observed.Outcome numberless(Observed observed) {
    List<Observed.Thrown> thrown = new ArrayList<>();
    for (Observed.Thrown each : observed.thrown()) {
      String message = each.message();
      thrown.add(
          new Observed.Thrown(
              each.type(), message == null ? null : message.replaceAll("\\d+", "0")));
    }
    return new Observed.Outcome(observed.value(), thrown);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("bandwidth")
  void bandwidth(Client client) throws Exception {
    HttpFault twin = target().bandwidth("400B/s");
    if (!isPossible(client, "bandwidth", twin)) {
      return;
    }
    for (boolean chunked : new boolean[] {false, true}) {
      failing.answering(RealServer.slowBody(chunked, 25));
      echo.answering(RealServer.body(chunked));
      Observed real = call(client, PATIENT, "GET", failing.uri("/path"));

      try (FaultInjection fault = Jinx.inject(twin)) {
        Observed injected = call(client, PATIENT, "GET", echo.uri("/path"));

        assertThat(injected.outcome()).isEqualTo(real.outcome());
        // 100 bytes
        assertTook(Duration.ofMillis(240), injected);
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("bandwidth")
  void clearingLetsTheRestOfABodyCome(Client client) throws Exception {
    HttpFault slow = target().bandwidth("1B/s");
    if (!isPossible(client, "bandwidth", slow)) {
      return;
    }
    echo.answering(RealServer.body(false));
    FaultInjection fault = Jinx.inject(slow);
    var call = new FutureTask<>(() -> call(client, PATIENT, "GET", echo.uri("/")));
    new Thread(call, "slow").start();
    while (fault.injections() == 0 || echo.requests().isEmpty()) {
      LockSupport.parkNanos(100_000);
    }
    fault.close();

    assertThat(call.get().thrown()).isEmpty();
    assertThat(call.get().elapsed()).isLessThan(PATIENT);
  }

  // ---- after the call

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("after")
  void theServerHasItAndTheConnectionIsReset(Client client) throws Exception {
    for (String method : List.of("GET", "POST")) {
      echo.answering(RealServer.ECHO);
      assertTwins(
          client,
          method,
          RealServer.RESET,
          target().error(NamedError.CONNECTION_RESET).afterCall());
      assertThat(echo.requests()).hasSameSizeAs(failing.requests());
    }
    awaitClosedConnections();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("after")
  void theServerHasItAndSaysNothing(Client client) throws Exception {
    failing.answering(RealServer.SILENCE);
    Observed real = call(client, HASTE, "POST", failing.uri("/path"));

    try (FaultInjection fault = Jinx.inject(target().drop().afterCall())) {
      Observed injected = call(client, HASTE, "POST", echo.uri("/path"));

      assertThat(injected.outcome()).isEqualTo(real.outcome());
      assertTook(HASTE, injected);
      assertThat(echo.requests()).hasSameSizeAs(failing.requests());
      assertThat(fault.injections()).isEqualTo(echo.requests().size());
    }
    awaitClosedConnections();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("after")
  void theServerHasItAndAnotherAnswers(Client client) throws Exception {
    Map<String, String> headers = Map.of("Content-Type", "text/plain");
    assertTwins(
        client,
        "POST",
        (request, connection) ->
            connection.respond(502, headers, "gateway".getBytes(StandardCharsets.UTF_8)),
        target().response(502, headers, "gateway").afterCall());
    assertThat(echo.requests()).hasSameSizeAs(failing.requests());
    awaitClosedConnections();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("after")
  void theAnswerComesLate(Client client) throws Exception {
    Duration delay = Duration.ofMillis(200);
    assertTook(
        delay,
        assertTwins(
            client,
            "POST",
            RealServer.after(delay.toMillis(), RealServer.ECHO),
            target().latency(delay).afterCall()));
    assertThat(echo.requests()).hasSize(1);
  }

  /** A connection whose answer was thrown away is not kept. */
  private static void awaitClosedConnections() {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (echo.open() > 0) {
      assertThat(System.nanoTime()).as("open connections").isLessThan(deadline);
      LockSupport.parkNanos(100_000);
    }
  }

  // ---- one call after another

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  void nothingArmed(Client client) throws Exception {
    assertThat(call(client, PATIENT, "GET", echo.uri("/path")).value())
        .extracting("status", "body")
        .containsExactly(200, "hello");
    assertThat(call(client, PATIENT, "POST", echo.uri("/path")).value())
        .extracting("status", "body")
        .containsExactly(200, "ping");
    assertThat(echo.requests()).hasSize(2);
  }

  /** The client's own retry is a new exchange. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  void onlyTheFirstAttempt(Client client) throws Exception {
    for (String method : List.of("GET", "POST")) {
      echo.answering(RealServer.ECHO);
      failing.answering(
          (request, connection) -> {
            if (failing.requests().size() == 1) {
              connection.close();
            } else {
              RealServer.ECHO.give(request, connection);
            }
          });
      Observed real = call(client, PATIENT, method, failing.uri("/path"));

      try (FaultInjection fault = Jinx.inject(target().error(NamedError.UNEXPECTED_EOF).first(1))) {
        Observed injected = call(client, PATIENT, method, echo.uri("/path"));

        assertThat(injected.outcome()).isEqualTo(real.outcome());
        assertThat(1 + echo.requests().size()).isEqualTo(failing.requests().size());
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }

  /** A connection that stands already meets the failure, and is kept or discarded as for real. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  void onAConnectionOfThePool(Client client) throws Exception {
    record Failing(Answer answer, HttpFault twin) {}
    for (Failing each :
        List.of(
            new Failing(RealServer.RESET, target().error(NamedError.CONNECTION_RESET)),
            new Failing(RealServer.END, target().error(NamedError.UNEXPECTED_EOF)),
            // not one that some clients try again
            new Failing(
                (request, connection) -> connection.respond(500, Map.of(), new byte[0]),
                target().response(500)))) {
      for (String method : List.of("GET", "POST")) {
        failing.answering(RealServer.ECHO);
        echo.answering(RealServer.ECHO);
        Pooled injected = pooled(client, method, echo, RealServer.ECHO, each.twin());
        Pooled real = pooled(client, method, failing, each.answer(), null);
        // when an asynchronous client opens its next connection is a race, with its own retry too
        for (int again = 0; again < 3 && !real.equals(injected); again++) {
          echo.answering(RealServer.ECHO);
          injected = pooled(client, method, echo, RealServer.ECHO, each.twin());
          failing.answering(RealServer.ECHO);
          real = pooled(client, method, failing, each.answer(), null);
        }
        assertThat(injected).as("%s %s", method, each.twin()).isEqualTo(real);
      }
    }
  }

  /** What a failing call in the middle of good ones came to. */
  private record Pooled(Observed.Outcome outcome, boolean keptItsConnection) {}

  private static Pooled pooled(
      Client client, String method, RealServer server, Answer bad, @Nullable HttpFault twin)
      throws Exception {
    try (Session session = client.open(PATIENT)) {
      assertThat(call(session, "GET", server.uri("/")).thrown()).isEmpty();
      server.answering(bad);
      FaultInjection fault = twin == null ? null : Jinx.inject(twin);
      Observed failed = call(session, method, server.uri("/"));
      if (fault != null) {
        fault.close();
      }
      server.answering(RealServer.ECHO);
      assertThat(call(session, "GET", server.uri("/")).thrown()).isEmpty();
      return new Pooled(failed.outcome(), server.connections() == 0);
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  void oncePerExchange(Client client) throws Exception {
    try (FaultInjection fault = Jinx.inject(target().latency(Duration.ofMillis(1)))) {
      call(client, PATIENT, "POST", echo.uri("/"));
      assertThat(fault.matches()).isEqualTo(1);

      echo.answering(RealServer.redirectTo("/to"));
      assertThat(call(client, PATIENT, "GET", echo.uri("/from")).value())
          .extracting("status")
          .isEqualTo(200);
      assertThat(fault.matches()).isEqualTo(3);
      assertThat(fault.injections()).isEqualTo(3);
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  void clearingReleasesAtOnce(Client client) throws Exception {
    for (HttpFault hold :
        List.of(
            target().drop(),
            target().latency(Duration.ofMinutes(1)),
            target().latency(Duration.ofMinutes(1)).error(NamedError.CONNECTION_RESET),
            target().latency(Duration.ofMinutes(1)).error(NamedError.CONNECTION_REFUSED),
            target().drop().afterCall())) {
      FaultInjection fault = Jinx.inject(hold);
      var call = new FutureTask<>(() -> call(client, PATIENT, "GET", echo.uri("/")));
      new Thread(call, "held").start();
      while (fault.injections() == 0) {
        LockSupport.parkNanos(100_000);
      }
      fault.close();

      assertThat(call.get().thrown()).as("%s", hold).isEmpty();
      assertThat(call.get().value()).extracting("body").isEqualTo("hello");
      assertThat(call.get().elapsed()).isLessThan(PATIENT);
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  void matchesByEveryKey(Client client) throws Exception {
    HttpFault exact =
        http("localhost")
            .scheme("http")
            .port(echo.uri("/").getPort())
            .method("GET")
            .path("/v1/**")
            .query("a=b*")
            .client(client.client())
            .response(418, "");
    try (FaultInjection fault = Jinx.inject(exact);
        Session session = client.open(PATIENT)) {
      assertThat(session.call("GET", echo.uri("/v1/x?a=bc")).status()).isEqualTo(418);
      assertThat(session.call("GET", echo.uri("/v2/x?a=bc")).status()).isEqualTo(200);
      assertThat(session.call("GET", echo.uri("/v1/x?a=c")).status()).isEqualTo(200);
      assertThat(session.call("POST", echo.uri("/v1/x?a=bc")).status()).isEqualTo(200);
      assertThat(fault.injections()).isEqualTo(1);
    }
  }
}
