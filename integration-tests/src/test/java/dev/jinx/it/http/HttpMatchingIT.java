package dev.jinx.it.http;

import static dev.jinx.Jinx.http;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.FaultInjection;
import dev.jinx.HttpFault;
import dev.jinx.Jinx;
import dev.jinx.it.http.Client.Session;
import dev.jinx.it.real.RealServer;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What a target asks of a request means the same for every client: a call that it matches is
 * answered with 418 and needs no server.
 */
@Timeout(60)
class HttpMatchingIT {
  private static final Duration PATIENT = Duration.ofSeconds(20);
  private static final int MATCHED = 418;

  @SuppressWarnings("NullAway.Init")
  private RealServer server;

  static Stream<Named<Client>> clients() {
    return Clients.http1();
  }

  /** Those that answer for hosts and ports that nobody has: others look the host up, or connect. */
  static Stream<Named<Client>> ofTheJdk() {
    return Clients.http1()
        .filter(client -> List.of("jdk", "urlconnection").contains(client.getPayload().client()));
  }

  @BeforeEach
  void start() {
    server = RealServer.http(RealServer.ECHO);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private HttpFault here() {
    return http("localhost").port(server.uri("/").getPort());
  }

  /** What becomes of a call to each of the URIs while the fault is armed: its statuses. */
  private static List<Integer> statuses(Client client, HttpFault target, URI... uris)
      throws Exception {
    try (FaultInjection fault = Jinx.inject(target.response(MATCHED, ""));
        Session session = client.open(PATIENT)) {
      List<Integer> statuses = new java.util.ArrayList<>();
      for (URI uri : uris) {
        statuses.add(session.call("GET", uri).status());
      }
      return statuses;
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  void aPathIsDecoded(Client client) throws Exception {
    assertThat(
            statuses(
                client,
                here().path("/v1/größe x/*"),
                server.uri("/v1/gr%C3%B6%C3%9Fe%20x/1"),
                server.uri("/v1/gr%c3%b6%c3%9fe%20x/2?q"),
                server.uri("/v1/gr%C3%B6sse%20x/1"),
                server.uri("/v1/gr%C3%B6%C3%9Fe%20x/1/2")))
        .containsExactly(MATCHED, MATCHED, 200, 200);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  void aQueryIsDecoded(Client client) throws Exception {
    assertThat(
            statuses(
                client,
                here().query("q=a b&r=é*"),
                server.uri("/?q=a%20b&r=%C3%A9tat"),
                server.uri("/?q=a%20c&r=%C3%A9tat"),
                server.uri("/")))
        .containsExactly(MATCHED, 200, 200);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  void noPathIsTheRoot(Client client) throws Exception {
    assertThat(statuses(client, here().path("/"), server.uri(""), server.uri("/x")))
        .containsExactly(MATCHED, 200);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("ofTheJdk")
  void aSchemeHasAPortOfItsOwn(Client client) throws Exception {
    assertThat(
            statuses(
                client,
                http("shop.invalid").port(80).scheme("http"),
                URI.create("http://shop.invalid/"),
                URI.create("http://shop.invalid:80/")))
        .containsExactly(MATCHED, MATCHED);
    assertThat(
            statuses(
                client,
                http("shop.invalid").port(443).scheme("https"),
                URI.create("https://shop.invalid/"),
                URI.create("https://shop.invalid:443/")))
        .containsExactly(MATCHED, MATCHED);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  void aHostIsFoundWhateverItsCase(Client client) throws Exception {
    String upper = server.uri("/").toString().replace("localhost", "LOCALHOST");
    assertThat(statuses(client, here(), URI.create(upper))).containsExactly(MATCHED);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("ofTheJdk")
  void theCaseOfAHostDoesNotMatter(Client client) throws Exception {
    assertThat(
            statuses(
                client,
                http("shop.invalid", "API.*.Invalid"),
                URI.create("http://Shop.INVALID/"),
                URI.create("http://api.Shop.invalid/")))
        .containsExactly(MATCHED, MATCHED);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("ofTheJdk")
  void anAddressOfIpv6HasNoBrackets(Client client) throws Exception {
    assertThat(statuses(client, http("::1").port(7), URI.create("http://[::1]:7/")))
        .containsExactly(MATCHED);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("ofTheJdk")
  void whoCallsIsNoPartOfTheHost(Client client) throws Exception {
    URI uri = URI.create("http://user:secret@shop.invalid/");
    assertThat(statuses(client, http("shop.invalid"), uri)).containsExactly(MATCHED);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  void anyValueOfAHeaderMayMatch(Client client) throws Exception {
    Map<String, List<String>> two = Map.of("X-Tenant", List.of("acme", "globex"));
    Map<String, List<String>> other = Map.of("X-Tenant", List.of("initech"));
    try (FaultInjection fault =
            Jinx.inject(here().header("x-tenant", "globex", "hooli*").response(MATCHED, ""));
        Session session = client.open(PATIENT)) {
      assertThat(session.call("GET", server.uri("/"), two).status()).isEqualTo(MATCHED);
      assertThat(session.call("POST", server.uri("/"), two).status()).isEqualTo(MATCHED);
      assertThat(session.call("GET", server.uri("/"), other).status()).isEqualTo(200);
      assertThat(session.call("GET", server.uri("/")).status()).isEqualTo(200);
    }
    try (FaultInjection fault =
            Jinx.inject(here().header("Authorization", "Bearer *").response(MATCHED, ""));
        Session session = client.open(PATIENT)) {
      assertThat(
              session
                  .call("GET", server.uri("/"), Map.of("Authorization", List.of("Bearer token")))
                  .status())
          .isEqualTo(MATCHED);
    }
  }
}
