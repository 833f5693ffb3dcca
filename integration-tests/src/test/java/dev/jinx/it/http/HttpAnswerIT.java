package dev.jinx.it.http;

import static dev.jinx.Jinx.http;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.FaultInjection;
import dev.jinx.HttpFault;
import dev.jinx.Jinx;
import dev.jinx.it.real.Certificates;
import dev.jinx.it.real.RealServer;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.stream.Collectors;
import javax.net.ssl.HttpsURLConnection;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** An injected answer comes the way of every answer: through parsers, body handlers and streams. */
@Timeout(60)
class HttpAnswerIT {
  @SuppressWarnings("NullAway.Init")
  private static RealServer server;

  @BeforeAll
  static void start() {
    server = RealServer.http(RealServer.ECHO);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @BeforeEach
  void forget() {
    server.answering(RealServer.ECHO);
  }

  private static HttpFault target() {
    return http().port(server.uri("/").getPort());
  }

  private static byte[] bytes(int size) {
    byte[] bytes = new byte[size];
    new Random(1).nextBytes(bytes);
    return bytes;
  }

  private static HttpFault binary(byte[] body) {
    String base64 = Base64.getEncoder().encodeToString(body);
    return target()
        .with("effect.response", Map.of("status", 200, "body", Map.of("base64", base64)));
  }

  @ParameterizedTest
  @EnumSource
  void text(Style style) throws Exception {
    String json = "{\"naïve\": \"日本\"}";
    try (var fault =
        Jinx.inject(target().response(200, Map.of("Content-Type", "application/json"), json))) {
      Style.Answer answer = style.call("GET", server.uri("/"));

      assertThat(answer.status()).isEqualTo(200);
      assertThat(new String(answer.body().getBytes(ISO_8859_1), UTF_8)).isEqualTo(json);
      assertThat(answer.headers())
          .containsEntry("content-type", "application/json")
          .containsEntry("content-length", "" + json.getBytes(UTF_8).length);
    }
  }

  @ParameterizedTest
  @EnumSource
  void withoutBody(Style style) throws Exception {
    for (int status : new int[] {200, 204, 304, 404, 500}) {
      try (var fault = Jinx.inject(target().response(status))) {
        Style.Answer answer = style.call("GET", server.uri("/"));

        assertThat(answer.status()).isEqualTo(status);
        assertThat(answer.body()).isEmpty();
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
    assertThat(style.call("GET", server.uri("/")).body()).isEqualTo("hello");
  }

  @ParameterizedTest
  @EnumSource
  void head(Style style) throws Exception {
    try (var fault = Jinx.inject(target().response(200, "four"))) {
      Style.Answer answer = style.call("HEAD", server.uri("/"));

      assertThat(answer.headers()).containsEntry("content-length", "4");
      assertThat(answer.body()).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource
  void redirect(Style style) throws Exception {
    try (var fault =
        Jinx.inject(target().response(302, Map.of("Location", "/elsewhere"), "").first(1))) {
      assertThat(style.call("GET", server.uri("/")).headers())
          .containsEntry("x-request", "GET /elsewhere");
      assertThat(fault.matches()).isEqualTo(2);
    }
  }

  @Test
  void urlConnectionStreamsABinaryBody() throws Exception {
    byte[] body = bytes(1 << 20);
    try (var fault = Jinx.inject(binary(body))) {
      var connection = (HttpURLConnection) server.uri("/").toURL().openConnection();
      try (InputStream in = connection.getInputStream()) {
        assertThat(in.readAllBytes()).isEqualTo(body);
      }
      assertThat(connection.getContentLength()).isEqualTo(body.length);
      assertThat(connection.getResponseMessage()).isEqualTo("OK");
    }
  }

  @Test
  void everyBodyHandler(@TempDir Path dir) throws Exception {
    byte[] body = bytes(1 << 20);
    HttpClient client = Style.client(Style.PATIENT);
    var request = Style.request("GET", server.uri("/"), Style.PATIENT);
    try (var fault = Jinx.inject(binary(body))) {
      assertThat(client.send(request, BodyHandlers.ofByteArray()).body()).isEqualTo(body);
      try (InputStream in = client.send(request, BodyHandlers.ofInputStream()).body()) {
        assertThat(in.readAllBytes()).isEqualTo(body);
      }
      Path file = client.send(request, BodyHandlers.ofFile(dir.resolve("body"))).body();
      assertThat(Files.readAllBytes(file)).isEqualTo(body);
      assertThat(
              client
                  .sendAsync(request, BodyHandlers.buffering(BodyHandlers.ofByteArray(), 1000))
                  .get()
                  .body())
          .isEqualTo(body);
      assertThat(client.send(request, BodyHandlers.discarding()).statusCode()).isEqualTo(200);
      assertThat(OneByOne.read(client.send(request, BodyHandlers.ofPublisher()).body()))
          .isEqualTo(body);
      assertThat(fault.injections()).isEqualTo(6);
    }
    try (var fault = Jinx.inject(target().response(200, "one\ntwo"))) {
      assertThat(client.send(request, BodyHandlers.ofLines()).body().collect(Collectors.toList()))
          .containsExactly("one", "two");
    }
  }

  /** A subscriber that asks for one item at a time. */
  private static final class OneByOne implements Flow.Subscriber<List<ByteBuffer>> {
    private final List<Byte> all = new ArrayList<>();
    private final CompletableFuture<byte[]> body = new CompletableFuture<>();

    @SuppressWarnings("NullAway.Init")
    private Flow.Subscription subscription;

    static byte[] read(Flow.Publisher<List<ByteBuffer>> publisher) throws Exception {
      var subscriber = new OneByOne();
      publisher.subscribe(subscriber);
      return subscriber.body.get();
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
      subscription = given;
      subscription.request(1);
    }

    @Override
    public void onNext(List<ByteBuffer> buffers) {
      for (ByteBuffer buffer : buffers) {
        while (buffer.hasRemaining()) {
          all.add(buffer.get());
        }
      }
      subscription.request(1);
    }

    @Override
    public void onError(Throwable failure) {
      body.completeExceptionally(failure);
    }

    @Override
    public void onComplete() {
      byte[] bytes = new byte[all.size()];
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] = all.get(i);
      }
      body.complete(bytes);
    }
  }

  /** The tunnel that a proxy is asked for is no exchange of the application's. */
  @Test
  void throughAProxysTunnel() throws Exception {
    URI uri = URI.create("https://localhost:1/path");
    try (var proxy =
            RealServer.http(
                (request, connection) -> connection.respond(502, Map.of(), new byte[0]));
        FaultInjection fault = Jinx.inject(http("localhost").port(1).response(200, "canned"))) {
      var connection =
          (HttpsURLConnection)
              uri.toURL()
                  .openConnection(
                      new Proxy(
                          Proxy.Type.HTTP,
                          new InetSocketAddress("localhost", proxy.uri("/").getPort())));
      connection.setSSLSocketFactory(Certificates.client().getSocketFactory());

      assertThat(connection.getInputStream().readAllBytes()).asString(UTF_8).isEqualTo("canned");
      assertThat(fault.matches()).isEqualTo(1);
      assertThat(proxy.connections()).isZero();
    }
  }

  @Test
  void theExecutorOfTheClientRunsWhatTheAnswerTriggers() throws Exception {
    try (var fault =
        Jinx.inject(target().response(200, "late").latency(java.time.Duration.ofMillis(50)))) {
      HttpResponse.BodyHandler<String> handler =
          info -> HttpResponse.BodySubscribers.replacing(Thread.currentThread().getName());
      assertThat(
              Style.client(Style.PATIENT)
                  .sendAsync(Style.request("GET", server.uri("/"), Style.PATIENT), handler)
                  .get()
                  .body())
          .startsWith("HttpClient-");
    }
  }
}
