package dev.jinx.agent.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jinx.agent.control.Wire.Answer;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.OwnThread;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EndpointTest {
  private final Armory armory = Armories.create();
  private final Bridge bridge = new Bridge(armory, Armories.status());
  private final List<Endpoint> opened = new ArrayList<>();
  private int port;

  @BeforeEach
  void open() throws Exception {
    port = open("127.0.0.1", 0, null).port();
  }

  @AfterEach
  void close() {
    opened.forEach(Endpoint::close);
  }

  private Endpoint open(String host, @Nullable Integer port, @Nullable String token)
      throws Exception {
    FutureTask<Endpoint> task =
        new FutureTask<>(() -> Endpoint.open(host, port, token, bridge, armory));
    OwnThread.of("test", task).start();
    try {
      Endpoint endpoint = task.get();
      opened.add(endpoint);
      return endpoint;
    } catch (java.util.concurrent.ExecutionException e) {
      throw (Exception) e.getCause();
    }
  }

  private Answer get(String path, String... headers) throws IOException {
    return Wire.ask(port, "GET " + path + " HTTP/1.1\nHost: localhost" + lines(headers), "");
  }

  private Answer post(String body, String... headers) throws IOException {
    return Wire.ask(
        port,
        "POST /v1/faults HTTP/1.1\nHost: localhost\nContent-Length: "
            + body.length()
            + lines(headers),
        body);
  }

  private static String lines(String... headers) {
    return headers.length == 0 ? "" : "\n" + String.join("\n", headers);
  }

  private static final String JSON = "Content-Type: application/json";

  // ---- what it answers

  @Test
  void faults_come_and_go() throws IOException {
    Answer created = post(Armories.fault("f"), JSON);
    assertThat(created.status()).isEqualTo(201);
    assertThat(created.headers())
        .containsEntry("content-type", "application/json")
        .containsEntry("cache-control", "no-store")
        .containsEntry("x-content-type-options", "nosniff");
    assertThat(created.json().get("source")).isEqualTo("endpoint");
    assertThat(post(Armories.fault("f"), "content-type: Application/JSON; charset=utf-8").status())
        .isEqualTo(200);
    assertThat((List<?>) get("/v1/faults").json().get("faults")).hasSize(1);
    Answer deleted = Wire.ask(port, "DELETE /v1/faults/f HTTP/1.1\nHost: localhost", "");
    assertThat(deleted.status()).isEqualTo(200);
    assertThat(armory.all()).isEmpty();
  }

  @Test
  void errors_are_problem_details() throws IOException {
    Answer answer = post("{\"target\":{\"kind\":\"htp\"},\"effect\":{}}", JSON);
    assertThat(answer.status()).isEqualTo(422);
    assertThat(answer.headers()).containsEntry("content-type", "application/problem+json");
    assertThat(answer.json().get("field")).isEqualTo("target.kind");
    assertThat(answer.json().get("status")).isEqualTo(422);
    assertThat(post("{\"target\"", JSON).status()).isEqualTo(400);
    assertThat(get("/v1/nowhere").status()).isEqualTo(404);
    Answer method = Wire.ask(port, "PUT /v1/status HTTP/1.1\nHost: localhost\n" + JSON, "");
    assertThat(method.status()).isEqualTo(405);
    assertThat(method.headers()).containsEntry("allow", "GET");
    assertThat(Wire.ask(port, "DELETE /metrics HTTP/1.1\nHost: localhost", "").headers())
        .containsEntry("allow", "GET");
  }

  @Test
  void a_body_that_is_not_utf_8_is_a_problem() throws IOException {
    try (java.net.Socket socket = new java.net.Socket(InetAddress.getLoopbackAddress(), port)) {
      socket
          .getOutputStream()
          .write(
              ("POST /v1/faults HTTP/1.1\r\nHost: localhost\r\n"
                      + JSON
                      + "\r\nContent-Length: 3\r\nConnection: close\r\n\r\n\"\u00ff\"")
                  .getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
      assertThat(
              new String(
                  socket.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8))
          .startsWith("HTTP/1.1 400")
          .contains("UTF-8");
    }
  }

  @Test
  void injections_come_as_lines_too() throws IOException {
    post(Armories.fault("f"), JSON);
    Armories.call(armory, "payments");
    Armories.call(armory, "payments");
    Answer answer = get("/v1/injections?after=0&limit=10", "Accept: application/x-ndjson");
    assertThat(answer.headers()).containsEntry("content-type", "application/x-ndjson");
    assertThat(answer.body().lines()).hasSize(2).allMatch(line -> Json.read(line) instanceof Map);
    assertThat((List<?>) get("/v1/injections").json().get("injections")).hasSize(2);
    assertThat(get("/v1/injections?limit=no", "Accept: application/x-ndjson").status())
        .isEqualTo(422);
  }

  @Test
  void metrics_and_the_root_are_text() throws IOException {
    Answer metrics = get("/metrics");
    assertThat(metrics.headers().get("content-type")).startsWith("text/plain; version=0.0.4");
    assertThat(metrics.body()).contains("jinx_faults_armed 0\n");
    assertThat(get("/").body()).contains("/v1/openapi.json");
    assertThat(get("/v1/openapi.json").json().get("openapi")).isEqualTo("3.1.0");
  }

  @Test
  void a_head_has_no_body() throws IOException {
    try (Wire wire = new Wire(port)) {
      wire.send("HEAD /v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
      assertThat(wire.receive().status()).isEqualTo(200);
      assertThat(wire.isCut()).isTrue();
    }
  }

  @Test
  void one_connection_serves_many_requests() throws IOException {
    try (Wire wire = new Wire(port)) {
      for (int i = 0; i < 3; i++) {
        wire.send("GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assertThat(wire.receive().status()).isEqualTo(200);
      }
    }
  }

  // ---- whom it answers

  @ParameterizedTest
  @ValueSource(
      strings = {
        "localhost",
        "LOCALHOST:80",
        "127.0.0.1",
        "127.0.0.1:7117",
        "127.1.2.3",
        "[::1]",
        "[::1]:7117",
        "[0:0:0:0:0:0:0:1]:1"
      })
  void a_loopback_name_is_welcome(String host) throws IOException {
    assertThat(Wire.ask(port, "GET /v1/status HTTP/1.1\nHost: " + host, "").status())
        .isEqualTo(200);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "evil.example",
        "evil.example:7117",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil.example:127.0.0.1",
        "10.0.0.1",
        "[::2]",
        "0.0.0.0",
        "127.0.0.1@evil.example",
        "",
        "localhost:",
        "localhost:80:80",
        "1270.0.1",
        "127.0.0.1x",
        "evil.example#localhost"
      })
  void a_name_that_is_not_ours_is_refused(String host) throws IOException {
    Answer answer = Wire.ask(port, "GET /v1/status HTTP/1.1\nHost: " + host, "");
    assertThat(answer.status()).as(answer.toString()).isIn(400, 403);
  }

  @Test
  void no_host_and_two_hosts_are_refused() throws IOException {
    assertThat(Wire.ask(port, "GET /v1/status HTTP/1.0", "").status()).isIn(400, 403);
    assertThat(
            Wire.ask(port, "GET /v1/status HTTP/1.1\nHost: localhost\nHost: evil.example", "")
                .status())
        .isIn(400, 403);
    assertThat(
            Wire.ask(port, "GET http://localhost/v1/status HTTP/1.1\nHost: evil.example", "")
                .status())
        .isIn(400, 403);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "http://evil.example",
        "null",
        "https://localhost",
        "http://localhost:1",
        "http://127.0.0.1",
        "http://localhost.evil.example",
        ""
      })
  void an_origin_that_is_not_our_own_is_refused(String origin) throws IOException {
    assertThat(get("/v1/status", "Origin: " + origin).status()).isEqualTo(403);
    assertThat(post(Armories.fault("f"), JSON, "Origin: " + origin).status()).isEqualTo(403);
    assertThat(armory.all()).isEmpty();
  }

  @Test
  void our_own_origin_may() throws IOException {
    assertThat(get("/v1/status", "Origin: http://localhost").status()).isEqualTo(200);
    assertThat(
            get("/v1/status", "Origin: http://localhost", "Origin: http://evil.example").status())
        .isEqualTo(403);
  }

  @Test
  void nothing_is_said_to_a_preflight() throws IOException {
    Answer answer =
        Wire.ask(
            port,
            "OPTIONS /v1/faults HTTP/1.1\nHost: localhost\nOrigin: http://evil.example\n"
                + "Access-Control-Request-Method: POST",
            "");
    assertThat(answer.status()).isEqualTo(403);
    assertThat(answer.headers().keySet()).noneMatch(name -> name.startsWith("access-control"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "X-None: 1",
        "Content-Type: text/plain",
        "Content-Type: application/x-www-form-urlencoded",
        "Content-Type: application/jsonx",
        "Content-Type: text/plain; application/json",
        "Content-Type: application/merge-patch+json"
      })
  void a_write_that_is_not_declared_json_is_refused(String header) throws IOException {
    assertThat(post(Armories.fault("f"), header).status()).isEqualTo(415);
    assertThat(armory.all()).isEmpty();
  }

  @Test
  void halt_and_resume_are_writes_too() throws IOException {
    assertThat(Wire.ask(port, "POST /v1/halt HTTP/1.1\nHost: localhost", "").status())
        .isEqualTo(415);
    assertThat(Wire.ask(port, "POST /v1/halt HTTP/1.1\nHost: localhost\n" + JSON, "").status())
        .isEqualTo(200);
  }

  @Test
  void a_patch_may_come_under_its_own_name() throws IOException {
    post(Armories.fault("f"), JSON);
    String patch = "{\"ttl\":\"1m\"}";
    assertThat(
            Wire.ask(
                    port,
                    "PATCH /v1/faults/f HTTP/1.1\nHost: localhost\nContent-Length: "
                        + patch.length()
                        + "\nContent-Type: application/merge-patch+json",
                    patch)
                .status())
        .isEqualTo(200);
  }

  @Test
  void bodies_are_limited() throws IOException {
    String large = " ".repeat((4 << 20) + 1);
    assertThat(post(large, JSON).status()).isEqualTo(413);
    String chunked = Integer.toHexString(large.length()) + "\r\n" + large + "\r\n0\r\n\r\n";
    assertThat(
            Wire.ask(
                    port,
                    "POST /v1/faults HTTP/1.1\nHost: localhost\nTransfer-Encoding: chunked\n"
                        + JSON,
                    chunked)
                .status())
        .isEqualTo(413);
    StringBuilder all = new StringBuilder("[");
    for (int i = 0; i < 10_000; i++) {
      all.append(i == 0 ? "" : ",").append(Armories.fault("a-fault-with-a-long-name-" + i));
    }
    assertThat(post(all.append("]").toString(), JSON).status()).isEqualTo(201);
  }

  @Test
  void the_token_is_asked_of_everyone() throws Exception {
    int port = open("127.0.0.1", 0, "s3cret").port();
    for (String path : List.of("/", "/metrics", "/v1/status", "/v1/nowhere")) {
      Answer answer = Wire.ask(port, "GET " + path + " HTTP/1.1\nHost: localhost", "");
      assertThat(answer.status()).as(path).isEqualTo(401);
      assertThat(answer.headers()).containsEntry("www-authenticate", "Bearer");
      assertThat(answer.body()).doesNotContain("s3cret");
    }
    String request = "GET /v1/status HTTP/1.1\nHost: localhost\nAuthorization: ";
    for (String wrong :
        List.of("Bearer ", "Bearer s3cre", "Bearer s3cretx", "Basic s3cret", "s3cret")) {
      assertThat(Wire.ask(port, request + wrong, "").status()).as(wrong).isEqualTo(401);
    }
    assertThat(Wire.ask(port, "GET /v1/status?token=s3cret HTTP/1.1\nHost: localhost", "").status())
        .isEqualTo(401);
    assertThat(Wire.ask(port, request + "Bearer s3cret", "").status()).isEqualTo(200);
    assertThat(Wire.ask(port, request + "bearer s3cret", "").status()).isEqualTo(200);
  }

  // ---- where it listens

  @Test
  void an_address_that_is_not_loopback_needs_a_token() throws Exception {
    assertThatThrownBy(() -> open("0.0.0.0", 0, null)).hasMessageContaining("token");
    int port = open("0.0.0.0", 0, "t").port();
    String request = "GET /v1/status HTTP/1.1\nAuthorization: Bearer t\nHost: ";
    assertThat(Wire.ask(port, request + "0.0.0.0:1", "").status()).isEqualTo(200);
    assertThat(Wire.ask(port, request + "evil.example", "").status()).isEqualTo(403);
  }

  @Test
  void a_port_that_was_asked_for_and_is_taken_is_an_error() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      assertThatThrownBy(() -> open("127.0.0.1", taken.getLocalPort(), null))
          .isInstanceOf(IOException.class)
          .hasMessageContaining(String.valueOf(taken.getLocalPort()))
          .hasMessageContaining("port=0");
    }
  }

  @Test
  void the_default_port_gives_way_to_the_next_that_is_free() throws Exception {
    int first = open("127.0.0.1", null, null).port();
    int second = open("127.0.0.1", null, null).port();
    assertThat(first).isGreaterThanOrEqualTo(Endpoint.DEFAULT_PORT);
    assertThat(second).isGreaterThan(first);
  }

  @Test
  void an_unknown_host_is_an_error() {
    assertThatThrownBy(() -> open("no.such.host.invalid", 0, null))
        .hasMessageContaining("no.such.host.invalid");
  }

  // ---- what it withstands

  @Test
  void clients_that_dawdle_do_not_lock_out_the_others() throws Exception {
    List<Wire> slow = new ArrayList<>();
    try {
      for (int i = 0; i < 40; i++) {
        Wire wire = new Wire(port);
        slow.add(wire);
        // half in the headers, half in the body
        wire.send(
            i % 2 == 0
                ? "GET /v1/status HTTP/1.1\r\nHost: loc"
                : "POST /v1/faults HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
                    + JSON
                    + "\r\n\r\n[");
      }
      assertThat(get("/v1/status").status()).isEqualTo(200);
      // sixteen at least had to go for it
      assertThat(slow.get(0).isCut()).isTrue();
    } finally {
      for (Wire wire : slow) {
        wire.close();
      }
    }
    assertThat(get("/v1/status").status()).isEqualTo(200);
  }

  @Test
  void its_threads_are_daemons_of_jinx() throws Exception {
    assertThat(get("/v1/status").status()).isEqualTo(200);
    assertThat(
            Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("HTTP-Dispatcher")))
        .isNotEmpty()
        .allSatisfy(
            thread -> {
              assertThat(thread.isDaemon()).isTrue();
              assertThat(thread.getThreadGroup().getName()).isEqualTo("jinx");
            });
  }

  @ParameterizedTest
  @CsvSource({"NONSENSE", "GET", "GET /", "'GET /v1/faults%zz HTTP/1.1'"})
  void nonsense_gets_an_answer_and_does_no_harm(String line) throws IOException {
    assertThat(Wire.ask(port, line + "\nHost: localhost", "").status()).isEqualTo(400);
    assertThat(get("/v1/status").status()).isEqualTo(200);
  }
}
