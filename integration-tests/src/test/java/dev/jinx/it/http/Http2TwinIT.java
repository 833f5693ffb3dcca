package dev.jinx.it.http;

import static dev.jinx.Jinx.http;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.FaultInjection;
import dev.jinx.HttpFault;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import dev.jinx.it.real.Http2Server;
import dev.jinx.it.real.Http2Server.Answer;
import dev.jinx.it.real.Observed;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Version;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The same call on an HTTP/2 connection that is open meets the real and the injected failure. */
@Timeout(60)
class Http2TwinIT {
  @SuppressWarnings("NullAway.Init")
  private static Http2Server server;

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

  private record Call(boolean async, String method, Duration limit) {
    Style.Answer on(HttpClient client) throws Exception {
      var request = Style.request(method, server.uri("/"), limit);
      HttpResponse<byte[]> response =
          async
              ? client.sendAsync(request, BodyHandlers.ofByteArray()).get()
              : client.send(request, BodyHandlers.ofByteArray());
      assertThat(response.version()).isEqualTo(Version.HTTP_2);
      return Style.answer(response);
    }
  }

  private static HttpClient connected() throws Exception {
    server.answering(Answer.ECHO);
    HttpClient client = Style.client(Version.HTTP_2, Style.PATIENT);
    client.send(Style.request("GET", server.uri("/"), Style.PATIENT), BodyHandlers.ofByteArray());
    return client;
  }

  @ParameterizedTest
  @CsvSource({
    "false,GET,SILENCE",
    "true,GET,SILENCE",
    "false,POST,RESET",
    "true,GET,RESET",
    "false,GET,END",
    "true,POST,END",
    "false,GET,UNAVAILABLE",
    "true,POST,UNAVAILABLE"
  })
  void twins(boolean async, String method, Answer answer) throws Exception {
    Duration limit = answer == Answer.SILENCE ? Duration.ofMillis(500) : Style.PATIENT;
    Call call = new Call(async, method, limit);
    HttpClient first = connected();
    server.answering(answer);
    Observed real = Observed.of(() -> call.on(first));
    int attempts = server.requests();

    HttpClient second = connected();
    server.answering(Answer.ECHO);
    try (FaultInjection fault = Jinx.inject(twin(answer))) {
      Observed injected = Observed.of(() -> call.on(second));

      assertThat(injected.outcome()).isEqualTo(real.outcome());
      assertThat(fault.injections()).isEqualTo(attempts);
      assertThat(server.requests()).isZero();
    }
  }

  private static HttpFault twin(Answer answer) {
    return switch (answer) {
      case SILENCE -> target().drop();
      case RESET -> target().error(NamedError.CONNECTION_RESET);
      case END -> target().error(NamedError.UNEXPECTED_EOF);
      default ->
          target()
              .response(503, Map.of("Retry-After", "7", "Content-Type", "text/plain"), "try again");
    };
  }

  @ParameterizedTest
  @CsvSource({"false,GET", "true,POST"})
  void latency(boolean async, String method) throws Exception {
    HttpClient client = connected();

    try (FaultInjection fault = Jinx.inject(target().latency(Duration.ofMillis(250)))) {
      Observed late = Observed.of(() -> new Call(async, method, Style.PATIENT).on(client));

      assertThat(late.thrown()).isEmpty();
      assertThat(late.elapsed()).isGreaterThanOrEqualTo(Duration.ofMillis(250));
      assertThat(fault.injections()).isEqualTo(1);
    }
  }
}
