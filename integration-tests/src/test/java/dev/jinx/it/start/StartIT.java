package dev.jinx.it.start;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whatever befalls the agent at its start: one clear line, and the application runs as if nothing
 * had been.
 */
class StartIT {

  @Test
  void saysWhereItListensAndEndsWithTheApplication() throws Exception {
    Jvm jvm = Jvm.run("-javaagent:" + Jvm.AGENT + "=port=0");

    assertUnharmed(jvm);
    assertThat(jvm.said())
        .allMatch(
            line -> line.matches("jinx: ready on http://127\\.0\\.0\\.1:\\d+ \\(pid \\d+\\)"));
  }

  @Test
  void switchedOff() throws Exception {
    Jvm jvm = Jvm.run("-javaagent:" + Jvm.AGENT + "=enabled=false");

    assertUnharmed(jvm);
    assertThat(jvm.err()).isEmpty();
  }

  @Test
  void loadedTwice() throws Exception {
    String agent = "-javaagent:" + Jvm.AGENT + "=port=off";

    Jvm jvm = Jvm.run(agent, agent);

    assertUnharmed(jvm);
    assertThat(jvm.said())
        .contains("jinx: already running in this JVM; the second agent is ignored");
  }

  @Test
  void badOptions() throws Exception {
    Jvm jvm = Jvm.run("-javaagent:" + Jvm.AGENT + "=prot=1");

    assertUnharmed(jvm);
    assertThat(jvm.said()).hasSize(1);
    assertThat(jvm.err())
        .contains("jinx: not started, the application runs without it: unknown option \"prot\"");
  }

  @Test
  void badOptionFromTheEnvironment() throws Exception {
    Jvm jvm = Jvm.run(Map.of("JINX_PORT", "x"), List.of(), "-javaagent:" + Jvm.AGENT);

    assertUnharmed(jvm);
    assertThat(jvm.err()).contains("the option port must be a whole number");
  }

  @Test
  void withoutTheModulesOfTheHttpServerAndOfJdbc() throws Exception {
    Jvm jvm =
        Jvm.run(
            "--limit-modules", "java.base,java.instrument", "-javaagent:" + Jvm.AGENT + "=port=0");

    assertUnharmed(jvm);
    assertThat(jvm.said())
        .allMatch(line -> line.contains("jdk.httpserver") || line.contains("without an endpoint"));
  }

  @Test
  void takenPort() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Jvm jvm = Jvm.run("-javaagent:" + Jvm.AGENT + "=port=" + taken.getLocalPort());

      assertUnharmed(jvm);
      // the endpoint comes up beside the application, which may be over before it
      assertThat(jvm.said()).allMatch(line -> line.contains(String.valueOf(taken.getLocalPort())));
    }
  }

  @Test
  void faultsOfTheFileAreArmedBeforeMain(@TempDir Path folder) throws Exception {
    Path faults =
        write(
            folder,
            """
        [{"id": "no-dns", "target": {"kind": "dns", "host": "localhost"}, "effect": {"error": "unknownHost"},
          "selection": {"first": 1}}]
        """);

    Jvm jvm =
        Jvm.run(
            Map.of(),
            List.of("localhost", "localhost"),
            "-javaagent:" + Jvm.AGENT + "=port=off,faults=" + faults);

    assertThat(jvm.out().lines())
        .containsExactly(
            "hello",
            "java.net.UnknownHostException: localhost: Name or service not known",
            "localhost true");
    assertThat(jvm.exit()).isZero();
  }

  @Test
  void aBrokenFaultsFileIsNamed(@TempDir Path folder) throws Exception {
    Path faults =
        write(
            folder,
            "{\"target\": {\"kind\": \"dns\", \"hots\": \"x\"}, \"effect\": {\"drop\": {}}}");

    Jvm jvm = Jvm.run("-javaagent:" + Jvm.AGENT + "=port=off,faults=" + faults);

    assertUnharmed(jvm);
    assertThat(jvm.err()).contains(faults.toString()).contains("target.hots");
  }

  @Test
  void aMissingFaultsFileIsNamed(@TempDir Path folder) throws Exception {
    Jvm jvm =
        Jvm.run("-javaagent:" + Jvm.AGENT + "=port=off,faults=" + folder.resolve("none.json"));

    assertUnharmed(jvm);
    assertThat(jvm.err()).contains("none.json");
  }

  @Test
  void anArchiveOfSharedClassesStaysInUse(@TempDir Path folder) throws Exception {
    Path archive = folder.resolve("app.jsa");
    Jvm.runJar(folder, "-XX:ArchiveClassesAtExit=" + archive, "-Xlog:disable");

    Jvm jvm =
        Jvm.runJar(
            folder,
            "-XX:SharedArchiveFile=" + archive,
            "-Xshare:on",
            "-Xlog:class+load",
            "-javaagent:" + Jvm.AGENT + "=port=off");

    assertThat(jvm.out().lines())
        .anyMatch(
            line ->
                line.contains(Application.class.getName() + " source: shared objects file (top)"));
    assertUnharmed(jvm);
    assertThat(jvm.out() + jvm.err()).doesNotContain("warning");
  }

  private static Path write(Path folder, String faults) throws IOException {
    return Files.writeString(folder.resolve("faults.json"), faults);
  }

  private static void assertUnharmed(Jvm jvm) {
    assertThat(jvm.out().lines()).as(jvm.err()).contains("hello");
    assertThat(jvm.exit()).as(jvm.err()).isZero();
  }
}
