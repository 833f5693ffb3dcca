package dev.jinx.it.http;

import static dev.jinx.Jinx.http;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.FaultInjection;
import dev.jinx.HttpFault;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import dev.jinx.it.real.Certificates;
import dev.jinx.it.real.Observed;
import dev.jinx.it.real.RealServer;
import dev.jinx.it.real.RealServer.Answer;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The same call meets the real failure and the injected one, over HTTP/1.1. */
@Timeout(60)
class HttpTwinIT {
  private static final Duration HASTE = Duration.ofMillis(300);

  @SuppressWarnings("NullAway.Init")
  private static RealServer echo;

  @SuppressWarnings("NullAway.Init")
  private static RealServer failing;

  static Stream<Arguments> calls() {
    return Stream.of(Style.values())
        .flatMap(
            style ->
                Stream.of("GET", "POST")
                    // without a body nothing streams
                    .filter(m -> style != Style.URL_CONNECTION_STREAMING || m.equals("POST"))
                    .map(method -> Arguments.of(style, method)));
  }

  @BeforeAll
  static void start() {
    echo = RealServer.http(RealServer.ECHO);
    failing = RealServer.http(RealServer.ECHO);
  }

  @AfterAll
  static void stop() {
    echo.close();
    failing.close();
  }

  @BeforeEach
  void forget() {
    echo.answering(RealServer.ECHO);
  }

  private static HttpFault target() {
    return http("localhost").port(echo.uri("/").getPort());
  }

  private static Observed call(Style style, String method, URI uri) {
    return Observed.of(() -> style.call(method, uri));
  }

  /** Does not wait for what never comes. */
  private static Observed callHastily(Style style, String method, URI uri) {
    return Observed.of(() -> style.call(method, uri, HASTE));
  }

  private static void assertTook(Duration least, Observed injected) {
    assertThat(injected.elapsed()).isBetween(least, least.plusSeconds(5));
  }

  /** The failing server's answer is what the fault imitates, attempt by attempt. */
  private static Observed assertTwins(Style style, String method, Answer answer, HttpFault twin) {
    failing.answering(answer);
    Observed real = call(style, method, failing.uri("/path"));

    try (FaultInjection fault = Jinx.inject(twin)) {
      Observed injected = call(style, method, echo.uri("/path"));

      assertThat(injected.outcome()).isEqualTo(real.outcome());
      assertThat(fault.injections()).isEqualTo(failing.requests().size());
      return injected;
    }
  }

  @ParameterizedTest
  @MethodSource("calls")
  void nothingArmed(Style style, String method) throws Exception {
    assertThat(style.call(method, echo.uri("/path")).body())
        .isEqualTo(method.equals("GET") ? "hello" : "ping");
    assertThat(echo.requests()).hasSize(1);
  }

  @ParameterizedTest
  @MethodSource("calls")
  void connectionRefused(Style style, String method) {
    Observed real = call(style, method, RealServer.refusing());

    try (FaultInjection fault = Jinx.inject(target().error(NamedError.CONNECTION_REFUSED))) {
      assertThat(call(style, method, echo.uri("/")).outcome()).isEqualTo(real.outcome());
      // HttpClient tries twice
      assertThat(fault.injections()).isEqualTo(style.isUrlConnection() ? 1 : 2);
      assertThat(echo.connections()).isZero();
    }
  }

  @ParameterizedTest
  @MethodSource("calls")
  void connectTimeout(Style style, String method) {
    Observed real;
    try (var unreachable = RealServer.unreachable()) {
      real = callHastily(style, method, unreachable.uri());
    }

    try (FaultInjection fault = Jinx.inject(target().error(NamedError.CONNECT_TIMEOUT))) {
      Observed injected = callHastily(style, method, echo.uri("/"));

      assertThat(injected.outcome()).isEqualTo(real.outcome());
      assertTook(HASTE, injected);
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @MethodSource("calls")
  void unknownHost(Style style, String method) {
    URI uri = URI.create("http://no-such-host.invalid/");
    Observed real = call(style, method, uri);

    try (FaultInjection fault =
        Jinx.inject(http("no-such-host.invalid").error(NamedError.UNKNOWN_HOST))) {
      assertThat(call(style, method, uri).outcome()).isEqualTo(real.outcome());
      assertThat(fault.injections()).isEqualTo(style.isUrlConnection() ? 1 : 2);
    }
  }

  @ParameterizedTest
  @MethodSource("calls")
  void silence(Style style, String method) {
    failing.answering(RealServer.SILENCE);
    Observed real = callHastily(style, method, failing.uri("/path"));

    for (HttpFault twin :
        List.of(
            target().drop(),
            target().latency(Duration.ofSeconds(20)),
            target().error(NamedError.READ_TIMEOUT))) {
      try (FaultInjection fault = Jinx.inject(twin)) {
        Observed injected = callHastily(style, method, echo.uri("/path"));

        assertThat(injected.outcome()).as("%s", twin).isEqualTo(real.outcome());
        assertTook(HASTE, injected);
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("calls")
  void latency(Style style, String method) {
    Duration delay = Duration.ofMillis(200);
    Observed late =
        assertTwins(
            style,
            method,
            RealServer.after(delay.toMillis(), RealServer.ECHO),
            target().latency(delay));
    assertTook(delay, late);
  }

  @ParameterizedTest
  @MethodSource("calls")
  void connectionReset(Style style, String method) {
    assertTwins(style, method, RealServer.RESET, target().error(NamedError.CONNECTION_RESET));
    assertThat(echo.connections()).isZero();
  }

  @ParameterizedTest
  @MethodSource("calls")
  void unexpectedEof(Style style, String method) {
    assertTwins(style, method, RealServer.END, target().error(NamedError.UNEXPECTED_EOF));
    assertThat(echo.connections()).isZero();
  }

  @ParameterizedTest
  @MethodSource("calls")
  void response(Style style, String method) {
    assertTwins(
        style,
        method,
        RealServer.UNAVAILABLE,
        target()
            .response(503, Map.of("Retry-After", "7", "Content-Type", "text/plain"), "try again"));
    assertThat(echo.connections()).isZero();
  }

  @ParameterizedTest
  @MethodSource("calls")
  void onlyTheFirstAttempt(Style style, String method) {
    failing.answering(
        (request, connection) -> {
          if (failing.requests().size() == 1) {
            connection.close();
          } else {
            RealServer.ECHO.give(request, connection);
          }
        });
    Observed real = call(style, method, failing.uri("/path"));

    try (FaultInjection fault = Jinx.inject(target().error(NamedError.UNEXPECTED_EOF).first(1))) {
      assertThat(call(style, method, echo.uri("/path")).outcome()).isEqualTo(real.outcome());
      assertThat(1 + echo.requests().size()).isEqualTo(failing.requests().size());
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @MethodSource("calls")
  void tlsHandshake(Style style, String method) throws Exception {
    var withoutCertificate = SSLContext.getInstance("TLS");
    withoutCertificate.init(null, null, null);
    assertTlsTwins(style, method, withoutCertificate, NamedError.TLS_HANDSHAKE);
  }

  @ParameterizedTest
  @MethodSource("calls")
  void certificateExpired(Style style, String method) {
    assertTlsTwins(style, method, Certificates.expiredServer(), NamedError.CERTIFICATE_EXPIRED);
  }

  private static void assertTlsTwins(Style style, String method, SSLContext bad, NamedError error) {
    Observed real;
    try (var server = RealServer.https(bad, RealServer.ECHO)) {
      real = call(style, method, server.uri("/"));
    }
    try (var server = RealServer.https(Certificates.server(), RealServer.ECHO);
        var fault = Jinx.inject(http().port(server.uri("/").getPort()).error(error))) {
      Observed injected = call(style, method, server.uri("/"));

      assertThat(injected.outcome()).isEqualTo(real.outcome());
      assertThat(fault.injections()).isEqualTo(1);
      assertThat(server.connections()).isZero();
    }
  }

  @ParameterizedTest
  @MethodSource("calls")
  void overTls(Style style, String method) {
    try (var real = RealServer.https(Certificates.server(), RealServer.UNAVAILABLE);
        var unasked = RealServer.https(Certificates.server(), RealServer.ECHO)) {
      HttpFault target = http().scheme("https").port(unasked.uri("/").getPort());
      Observed unavailable = call(style, method, real.uri("/"));
      try (var fault =
          Jinx.inject(
              target.response(
                  503, Map.of("Retry-After", "7", "Content-Type", "text/plain"), "try again"))) {
        assertThat(call(style, method, unasked.uri("/")).outcome())
            .isEqualTo(unavailable.outcome());
        assertThat(fault.injections()).isEqualTo(1);
      }

      real.answering(RealServer.SILENCE);
      Observed silence = callHastily(style, method, real.uri("/"));
      try (var fault = Jinx.inject(target.drop())) {
        assertThat(callHastily(style, method, unasked.uri("/")).outcome())
            .isEqualTo(silence.outcome());
        assertThat(fault.injections()).isEqualTo(1);
      }

      real.answering(RealServer.END);
      Observed end = call(style, method, real.uri("/"));
      try (var fault = Jinx.inject(target.error(NamedError.UNEXPECTED_EOF))) {
        assertThat(call(style, method, unasked.uri("/")).outcome()).isEqualTo(end.outcome());
        assertThat(fault.injections()).isEqualTo(real.requests().size());
      }
    }
  }
}
