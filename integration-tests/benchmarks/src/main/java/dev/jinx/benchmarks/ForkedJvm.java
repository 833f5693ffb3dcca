package dev.jinx.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A JVM of the same JDK, started to be measured; closing kills it. */
final class ForkedJvm implements AutoCloseable {
  private final long start = System.nanoTime();
  private final Process process;
  private final BufferedReader output;
  private final StringBuilder said = new StringBuilder();

  ForkedJvm(List<String> options, List<String> application) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.addAll(application);
    process = new ProcessBuilder(command).redirectErrorStream(true).start();
    output = process.inputReader(StandardCharsets.UTF_8);
  }

  /** Since just before the process was started. */
  double millis() {
    return (System.nanoTime() - start) / 1e6;
  }

  /** Waits until it says something, and gives back what the pattern's group captures of it. */
  String await(String pattern) throws IOException {
    Matcher matcher = Pattern.compile(pattern).matcher(said);
    while (!matcher.reset().find()) {
      String line = output.readLine();
      if (line == null) {
        throw new IOException("never said " + pattern + ", but:\n" + said);
      }
      said.append(line).append('\n');
    }
    return matcher.group(1);
  }

  /** Waits for its end, which must be a good one. */
  void join() throws IOException, InterruptedException {
    for (String line = output.readLine(); line != null; line = output.readLine()) {
      said.append(line).append('\n');
    }
    if (process.waitFor() != 0) {
      throw new IOException("ended with " + process.exitValue() + ":\n" + said);
    }
  }

  /** The most MiB that it ever had resident; not a number where the system does not tell. */
  double residentMiB() throws IOException {
    Path status = Path.of("/proc/" + process.pid() + "/status");
    if (Files.exists(status)) {
      for (String line : Files.readAllLines(status)) {
        if (line.startsWith("VmHWM:")) {
          return Long.parseLong(line.replaceAll("\\D", "")) / 1024.0;
        }
      }
    }
    return Double.NaN;
  }

  @Override
  public void close() {
    process.destroyForcibly().onExit().join();
  }
}
