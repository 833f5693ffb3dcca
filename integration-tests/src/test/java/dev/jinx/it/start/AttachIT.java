package dev.jinx.it.start;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The command line, on a JVM that was started without the agent and has loaded all that is to be
 * hooked.
 */
@Timeout(120)
class AttachIT {
  private static final Path JAVA = Path.of(System.getProperty("java.home"), "bin", "java");

  @SuppressWarnings("NullAway.Init")
  private Process application;

  @SuppressWarnings("NullAway.Init")
  private BufferedWriter in;

  @SuppressWarnings("NullAway.Init")
  private BufferedReader out;

  @BeforeEach
  void start() throws IOException {
    String classes = LookUps.class.getProtectionDomain().getCodeSource().getLocation().getPath();
    application =
        new ProcessBuilder(JAVA.toString(), "-cp", classes, LookUps.class.getName())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    in = application.outputWriter(StandardCharsets.UTF_8);
    out = application.inputReader(StandardCharsets.UTF_8);
    assertThat(out.readLine()).isEqualTo("ready");
  }

  @AfterEach
  void stop() {
    application.destroyForcibly();
  }

  private record Said(int exit, String text) {}

  private Said jinx(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(JAVA.toString(), "-jar", Jvm.AGENT));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return new Said(process.exitValue(), text);
  }

  private String lookUp(String host) throws IOException {
    in.write(host + "\n");
    in.flush();
    return out.readLine();
  }

  @Test
  void attachInjectClear() throws Exception {
    String pid = Long.toString(application.pid());
    assertThat(lookUp("localhost")).isEqualTo("true");

    assertThat(jinx("attach", pid, "port=0")).as("attach").extracting(Said::exit).isEqualTo(0);
    Said inject =
        jinx(
            "inject",
            "{\"id\": \"no-dns\", \"target\": {\"kind\": \"dns\", \"host\": \"localhost\"},"
                + " \"effect\": {\"error\": \"unknownHost\"}}",
            "--pid",
            pid);
    assertThat(inject.exit()).as(inject.text()).isZero();
    assertThat(lookUp("localhost"))
        .isEqualTo("java.net.UnknownHostException: localhost: Name or service not known");

    Said list = jinx("list", "--pid", pid);
    assertThat(list.text()).contains("no-dns");
    assertThat(jinx("clear", "no-dns", "--pid", pid).exit()).isZero();
    assertThat(lookUp("localhost")).isEqualTo("true");
    assertThat(jinx("ps").text()).contains(pid).contains(LookUps.class.getName());
  }

  @Test
  void aRefusedDocumentNamesTheField() throws Exception {
    String pid = Long.toString(application.pid());
    jinx("attach", pid, "port=0");

    Said inject =
        jinx("inject", "{\"target\": {\"kind\": \"dns\", \"hots\": \"x\"}}", "--pid", pid);

    assertThat(inject.exit()).isEqualTo(1);
    assertThat(inject.text()).contains("target.hots");
  }
}
