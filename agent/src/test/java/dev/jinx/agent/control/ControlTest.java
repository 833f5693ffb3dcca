package dev.jinx.agent.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.agent.fault.Armory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ControlTest {
  @TempDir Path directory;

  private final Armory armory = Armories.create();
  private final LinkedBlockingQueue<String> said = new LinkedBlockingQueue<>();
  private @Nullable Control control;

  @AfterEach
  void close() {
    if (control != null) {
      control.close();
    }
  }

  private Control start(
      @Nullable Integer port, @Nullable String tokenFile, @Nullable String faults) {
    Control started =
        Control.start(
            new ControlOptions("1", port, "127.0.0.1", null, tokenFile, faults),
            armory,
            List::of,
            List::of,
            line -> said.add("info: " + line),
            line -> said.add("warn: " + line));
    control = started;
    return started;
  }

  private String next() throws InterruptedException {
    return String.valueOf(said.poll(30, TimeUnit.SECONDS));
  }

  private static int port(String ready) {
    return Integer.parseInt(ready.replaceAll(".*:(\\d+) \\(pid.*", "$1"));
  }

  @Test
  void says_where_it_is_ready_and_is_found_there() throws Exception {
    start(0, null, null);
    String ready = next();
    long pid = ProcessHandle.current().pid();
    assertThat(ready).matches("info: ready on http://127\\.0\\.0\\.1:\\d+ \\(pid " + pid + "\\)");
    assertThat(Wire.ask(port(ready), "GET /v1/status HTTP/1.1\nHost: localhost", "").status())
        .isEqualTo(200);
  }

  @Test
  void without_an_endpoint_the_bridge_and_the_file_work() throws Exception {
    Path faults = directory.resolve("faults.json");
    Files.writeString(faults, Armories.fault("f"));
    Control started = start(-1, null, faults.toString());
    // armed before start returned
    assertThat(armory.get("f")).isNotNull();
    assertThat(next()).startsWith("info: 1 fault from");
    assertThat(next()).startsWith("info: ready, without an endpoint (pid");
    assertThat(started.bridge().apply("GET /v1/faults/f", "")).startsWith("{\"status\":200,");
  }

  @Test
  void the_file_is_watched() throws Exception {
    Path faults = directory.resolve("faults.json");
    Files.writeString(faults, "[]");
    start(-1, null, faults.toString());
    assertThat(next()).startsWith("info: 0 faults");
    assertThat(next()).startsWith("info: ready");
    Files.writeString(faults, Armories.fault("f"));
    assertThat(next()).startsWith("info: 1 fault from");
    assertThat(armory.get("f")).isNotNull();
  }

  @Test
  void a_taken_port_is_said_and_nothing_else_happens() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      start(taken.getLocalPort(), null, null);
      assertThat(next()).startsWith("warn: no endpoint: cannot listen on");
      close(); // waits for the start
      assertThat(said).isEmpty();
    }
  }

  @Test
  void the_token_is_read_from_its_file_and_never_left_out() throws Exception {
    Path token = directory.resolve("token");
    start(0, token.toString(), null);
    assertThat(next()).startsWith("warn: no endpoint: the tokenFile");
    Files.writeString(token, "abc\n");
    close();
    start(0, token.toString(), null);
    int port = port(next());
    String request = "GET /v1/status HTTP/1.1\nHost: localhost";
    assertThat(Wire.ask(port, request, "").status()).isEqualTo(401);
    assertThat(Wire.ask(port, request + "\nAuthorization: Bearer abc", "").status()).isEqualTo(200);
  }
}
