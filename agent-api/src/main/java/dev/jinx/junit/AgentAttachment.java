package dev.jinx.junit;

import dev.jinx.Jinx;
import java.io.IOException;
import java.lang.module.ModuleFinder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Brings the agent into this JVM where it was started without: once, through a child JVM. */
final class AgentAttachment {

  // attaching may take seconds; what failed once is not tried for each test again
  private static @Nullable String failure;

  private AgentAttachment() {}

  /**
   * Returns once there is an agent in this JVM.
   *
   * @throws IllegalStateException where there is none and none can be attached; says the way out
   */
  static synchronized void ensure() {
    if (Jinx.isInstalled()) {
      return;
    }
    if (failure == null) {
      failure = attach();
    }
    if (failure != null) {
      throw new IllegalStateException(failure);
    }
  }

  private static @Nullable String attach() {
    Path jar = AgentJar.find();
    if (jar == null) {
      return "There is no Jinx agent in this JVM, and no jinx-agent.jar to attach: start the JVM with"
          + " -javaagent:jinx-agent.jar, name the jar with -Djinx.agent.jar=…, or put"
          + " dev.jinx:jinx-agent on the test class path.";
    }
    String instead = " Start the JVM with -javaagent:" + jar + "=port=off instead.";
    if (ModuleFinder.ofSystem().find("jdk.attach").isEmpty()) {
      return "The Jinx agent cannot be attached: this Java runtime has no module jdk.attach."
          + instead;
    }
    String said;
    try {
      said = runAttacher(jar);
    } catch (IOException e) {
      said = e.toString();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      said = "interrupted";
    }
    if (said == null && !Jinx.isInstalled()) {
      said = "it did not start; see what it said on standard error";
    }
    return said == null
        ? null
        : "The Jinx agent could not be attached: " + said.replaceFirst("\\.*$", ".") + instead;
  }

  /** By a JVM of its own, because a JVM may not attach to itself; null where it went well. */
  private static @Nullable String runAttacher(Path jar) throws IOException, InterruptedException {
    ProcessBuilder attacher =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            AgentJar.ownPlace().toString(),
            Attacher.class.getName(),
            Long.toString(ProcessHandle.current().pid()),
            jar.toString(),
            options());
    // these hold this JVM's own agents and debugger, whose port is taken
    attacher
        .environment()
        .keySet()
        .removeAll(List.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"));
    Process process = attacher.redirectErrorStream(true).start();
    process.getOutputStream().close();
    if (!process.waitFor(60, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      return "no answer within 60 s";
    }
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return process.exitValue() == 0 ? null : output.strip();
  }

  private static String options() {
    boolean portChosen =
        System.getenv("JINX_PORT") != null || System.getProperty("jinx.port") != null;
    return portChosen ? "" : "port=off";
  }
}
