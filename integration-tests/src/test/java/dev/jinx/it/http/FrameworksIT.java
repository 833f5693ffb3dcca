package dev.jinx.it.http;

import static dev.jinx.Jinx.http;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.FaultInjection;
import dev.jinx.HttpFault;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import dev.jinx.it.real.Observed;
import dev.jinx.it.real.RealServer;
import feign.Feign;
import feign.RequestLine;
import feign.Retryer;
import jakarta.ws.rs.client.ClientBuilder;
import java.net.URI;
import java.net.http.HttpClient;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.http.client.ClientHttpRequestFactory;
import org.springframework.http.client.HttpComponentsClientHttpRequestFactory;
import org.springframework.http.client.JdkClientHttpRequestFactory;
import org.springframework.http.client.JettyClientHttpRequestFactory;
import org.springframework.http.client.ReactorClientHttpRequestFactory;
import org.springframework.http.client.SimpleClientHttpRequestFactory;
import org.springframework.web.client.RestClient;
import org.springframework.web.client.RestTemplate;
import org.springframework.web.reactive.function.client.WebClient;

/**
 * What people build upon the clients: an exchange is hit once, however many layers it passes, and
 * the layers make the same of it as of the real failure.
 */
@Timeout(60)
class FrameworksIT {

  @SuppressWarnings("NullAway.Init")
  private static RealServer echo;

  @SuppressWarnings("NullAway.Init")
  private static RealServer failing;

  private static final RealServer.Answer TOO_MANY =
      (request, connection) ->
          connection.write(
              "HTTP/1.1 429 Too Many Requests\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nno"
                  .getBytes(US_ASCII));

  /** One way to ask for a text with GET; fails as the framework does. */
  interface Framework {
    @Nullable Object get(URI uri) throws Exception;
  }

  /** A call with its name. */
  record Case(String name, String client, Framework framework) {
    @Override
    public String toString() {
      return name;
    }
  }

  interface Api {
    @RequestLine("GET /path")
    String get();
  }

  static List<Case> frameworks() {
    return Stream.of(
            spring("HttpURLConnection", "urlconnection", new SimpleClientHttpRequestFactory()),
            spring(
                "HttpClient", "jdk", new JdkClientHttpRequestFactory(HttpClient.newHttpClient())),
            spring("Apache 5", "apache5", new HttpComponentsClientHttpRequestFactory()),
            spring("Jetty", "jetty", new JettyClientHttpRequestFactory()),
            spring("Reactor Netty", "reactor-netty", new ReactorClientHttpRequestFactory()),
            Stream.of(
                new Case(
                    "WebClient",
                    "reactor-netty",
                    uri ->
                        WebClient.create()
                            .get()
                            .uri(uri)
                            .retrieve()
                            .toEntity(String.class)
                            .block()),
                new Case(
                    "OpenFeign over HttpURLConnection",
                    "urlconnection",
                    uri ->
                        Feign.builder()
                            .retryer(Retryer.NEVER_RETRY)
                            .target(Api.class, uri.resolve("/").toString().replaceAll("/$", ""))
                            .get()),
                new Case(
                    "Jersey",
                    "urlconnection",
                    uri -> {
                      try (var client = ClientBuilder.newClient()) {
                        return client.target(uri).request().get(String.class);
                      }
                    })))
        .flatMap(cases -> cases)
        .toList();
  }

  private static Stream<Case> spring(
      String over, String client, ClientHttpRequestFactory requests) {
    return Stream.of(
        new Case(
            "RestTemplate over " + over,
            client,
            uri -> new RestTemplate(requests).getForObject(uri, String.class)),
        new Case(
            "RestClient over " + over,
            client,
            uri ->
                RestClient.builder()
                    .requestFactory(requests)
                    .build()
                    .get()
                    .uri(uri)
                    .retrieve()
                    .body(String.class)));
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

  private static HttpFault target(Case each) {
    return http("localhost").port(echo.uri("/").getPort()).client(each.client());
  }

  private static Observed call(Case each, URI uri) {
    return Observed.of(() -> String.valueOf(each.framework().get(uri)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("frameworks")
  void oneHit(Case each) {
    try (FaultInjection fault = Jinx.inject(target(each).latency(Duration.ofMillis(20)))) {
      assertThat(call(each, echo.uri("/path")).thrown()).isEmpty();
      assertThat(fault.matches()).isEqualTo(1);
      assertThat(fault.injections()).isEqualTo(1);
      assertThat(echo.requests()).hasSize(1);
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("frameworks")
  void twins(Case each) {
    Map<String, String> headers = Map.of("Content-Type", "text/plain");
    failing.answering(TOO_MANY);
    assertTwins(each, target(each).response(429, headers, "no"));
    failing.answering(RealServer.RESET);
    assertTwins(each, target(each).error(NamedError.CONNECTION_RESET));
    failing.answering(RealServer.END);
    assertTwins(each, target(each).error(NamedError.UNEXPECTED_EOF));
  }

  private static void assertTwins(Case each, HttpFault twin) {
    Observed real = call(each, failing.uri("/path"));

    try (FaultInjection fault = Jinx.inject(twin)) {
      assertThat(call(each, echo.uri("/path")).outcome()).as("%s", twin).isEqualTo(real.outcome());
      assertThat(fault.injections()).isEqualTo(failing.requests().size());
      assertThat(echo.requests()).isEmpty();
    }
  }
}
