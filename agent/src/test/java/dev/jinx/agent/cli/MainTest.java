package dev.jinx.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.jinx.agent.control.Control;
import dev.jinx.agent.control.ControlOptions;
import dev.jinx.agent.control.RunDirectory;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Limits;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MainTest {
  private static final String TOKEN = "s3cret";
  private static final Armory ARMORY =
      new Armory(new Limits(TimeUnit.MINUTES.toNanos(10), 100, 100), bits -> {});
  private static String url = "";

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private String input = "";
  private @Nullable String token = TOKEN;

  @BeforeAll
  static void start() throws InterruptedException {
    ARMORY.hookable(() -> -1L, fault -> {});
    LinkedBlockingQueue<String> said = new LinkedBlockingQueue<>();
    Control unused =
        Control.start(
            new ControlOptions("9.9", 0, "127.0.0.1", TOKEN, null, null),
            ARMORY,
            () -> List.of(Map.of("library", "jdk-socket")),
            List::of,
            said::add,
            said::add);
    String ready = String.valueOf(said.poll(30, TimeUnit.SECONDS));
    assertThat(ready).startsWith("ready on ");
    url = ready.split(" ", -1)[2];
  }

  @BeforeEach
  void clear() {
    ARMORY.resume();
    ARMORY.clear();
  }

  /** Runs with the endpoint named. */
  private int run(String... words) {
    String[] all = java.util.Arrays.copyOf(words, words.length + 1);
    all[words.length] = "--url=" + url;
    return runPlain(all);
  }

  private int runPlain(String... words) {
    out.reset();
    err.reset();
    Main main =
        new Main(
            RunDirectory.ofUser(),
            token,
            new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)),
            new PrintStream(out, true, StandardCharsets.UTF_8));
    return main.run(words, new PrintStream(err, true, StandardCharsets.UTF_8));
  }

  private String out() {
    return out.toString(StandardCharsets.UTF_8);
  }

  private String err() {
    return err.toString(StandardCharsets.UTF_8);
  }

  private static String fault(String id) {
    return "{\"id\":\"" + id + "\",\"target\":{\"kind\":\"dns\"},\"effect\":{\"drop\":{}}}";
  }

  @Test
  void help_is_help() {
    assertThat(runPlain("--help")).isZero();
    assertThat(out()).contains("attach PID", "Exit codes");
    assertThat(runPlain("help")).isZero();
  }

  @Test
  void wrong_command_lines_are_told_from_the_rest() {
    for (String[] words :
        new String[][] {
          {},
          {"nonsense"},
          {"status", "--nonsense"},
          {"status", "--pid"},
          {"watch"},
          {"targets"},
          {"inject"},
          {"inject", "a", "b"},
          {"inject", "/no/such/file"},
          {"halt"},
          {"clear", "a", "b"},
          {"attach"},
          {"attach", "nonsense"},
          {"status", "--url", "nonsense"},
          {"status", "--url", "file:///etc/passwd"}
        }) {
      assertThat(runPlain(words)).as(String.join(" ", words)).isEqualTo(2);
      assertThat(err()).startsWith("jinx: ").hasLineCount(1);
    }
  }

  @Test
  void faults_are_injected_listed_and_cleared(@TempDir Path directory) throws IOException {
    assertThat(run("list")).isZero();
    assertThat(out()).contains("no fault is armed");
    assertThat(run("inject", fault("a"))).isZero();
    assertThat(out().lines().toList())
        .satisfiesExactly(
            head -> assertThat(head).startsWith("ID  KIND  EFFECT"),
            row -> assertThat(row).matches("a +dns +\\{\"drop\":\\{}} +armed +(5m0s|4m\\d+s) .*"));
    Path file = directory.resolve("faults.json");
    Files.writeString(file, "[" + fault("b") + "," + fault("c") + "]");
    assertThat(run("inject", file.toString())).isZero();
    input = fault("d");
    assertThat(run("inject", "-")).isZero();
    assertThat(run("list")).isZero();
    assertThat(out().lines().skip(1).map(line -> line.substring(0, 1)))
        .containsExactly("a", "b", "c", "d");
    assertThat(run("clear", "b")).isZero();
    assertThat(ARMORY.all()).hasSize(3);
    assertThat(run("clear")).isZero();
    assertThat(out()).contains("cleared 3");
  }

  @Test
  void what_the_agent_refuses_is_said_as_it_says_it() {
    assertThat(run("inject", "{\"target\":{\"kind\":\"dsn\"}}")).isEqualTo(1);
    assertThat(err()).contains("unknown kind \"dsn\"; known:");
    assertThat(run("clear", "nothing")).isEqualTo(1);
    assertThat(run("halt", "too", "hot")).isZero();
    assertThat(ARMORY.haltReason()).isEqualTo("too hot");
    assertThat(run("inject", fault("a"))).isEqualTo(1);
    assertThat(err()).contains("too hot");
    assertThat(run("resume")).isZero();
    assertThat(ARMORY.haltReason()).isNull();
  }

  @Test
  void status_is_readable() {
    assertThat(run("status")).isZero();
    assertThat(out())
        .contains("Jinx 9.9 in process " + ProcessHandle.current().pid())
        .contains("halted     no")
        .contains("  jdk-socket");
  }

  @Test
  void the_agent_is_found_by_its_process() {
    String pid = Long.toString(ProcessHandle.current().pid());
    assertThat(runPlain("ps")).isZero();
    assertThat(out().lines()).anyMatch(line -> line.startsWith(pid) && line.contains(url));
    assertThat(runPlain("list", "--pid", pid)).isZero();
    assertThat(runPlain("attach", pid)).isEqualTo(1);
    assertThat(err()).contains("runs with Jinx already");
    assertThat(runPlain("list", "--pid", "1")).isEqualTo(3);
    assertThat(err()).contains("attach 1");
  }

  @Test
  void the_token_is_borne() {
    token = null;
    assertThat(run("list")).isEqualTo(1);
    assertThat(err()).contains("--token");
    assertThat(run("list", "--token", "wrong")).isEqualTo(1);
    assertThat(run("list", "--token", TOKEN)).isZero();
  }

  @Test
  void what_does_not_answer_or_is_not_jinx_is_said() throws IOException {
    assertThat(runPlain("list", "--url", "http://127.0.0.1:1")).isEqualTo(3);
    assertThat(err()).contains("no answer from http://127.0.0.1:1");
    HttpServer other =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    other.start();
    try {
      String elsewhere = "http://127.0.0.1:" + other.getAddress().getPort();
      assertThat(runPlain("list", "--url", elsewhere)).isEqualTo(3);
      assertThat(err()).contains("is not Jinx");
    } finally {
      other.stop(0);
    }
  }

  @Test
  void failures_to_attach_come_with_what_to_do() {
    assertThat(Attach.why(new IOException("No such process"))).contains("no such process");
    assertThat(
            Attach.why(
                new IOException(
                    "Failed to load agent library: Dynamic agent loading is not enabled. Use"
                        + " -XX:+EnableDynamicAgentLoading to launch target VM.")))
        .contains("-javaagent:");
    assertThat(Attach.why(new IOException("Operation not permitted"))).contains("another user");
    assertThat(Attach.why(new IllegalStateException("odd"))).contains("odd");
  }
}
