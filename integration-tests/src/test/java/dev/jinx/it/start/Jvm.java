package dev.jinx.it.start;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarOutputStream;
import java.util.zip.ZipEntry;
import org.jspecify.annotations.Nullable;

/** A JVM of the same JDK as the test's, run to its end. */
record Jvm(int exit, String out, String err) {
  static final String AGENT = System.getProperty("jinx.agent.jar", "");

  /** Runs {@link Application} with these JVM options. */
  static Jvm run(String... options) throws IOException, InterruptedException {
    return run(Map.of(), List.of(), options);
  }

  /** The same with the application in a jar, as an archive of shared classes needs it. */
  static Jvm runJar(Path folder, String... options) throws IOException, InterruptedException {
    Path jar = folder.resolve("application.jar");
    if (!Files.exists(jar)) {
      String entry = Application.class.getName().replace('.', '/') + ".class";
      try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
        out.putNextEntry(new ZipEntry(entry));
        out.write(Files.readAllBytes(Path.of(classes(), entry)));
      }
    }
    return run(jar.toString(), Map.of(), List.of(), options);
  }

  static Jvm run(Map<String, String> environment, List<String> arguments, String... options)
      throws IOException, InterruptedException {
    return run(classes(), environment, arguments, options);
  }

  private static Jvm run(
      String classPath, Map<String, String> environment, List<String> arguments, String... options)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(options));
    command.addAll(List.of("-cp", classPath, Application.class.getName()));
    command.addAll(arguments);
    return java(environment, command);
  }

  /** Runs {@code java} with that command line. */
  static Jvm java(Map<String, String> environment, List<String> line)
      throws IOException, InterruptedException {
    return until(null, environment, line);
  }

  /** The same, with its standard input open until standard error tells that, if anything. */
  static Jvm until(@Nullable String said, Map<String, String> environment, List<String> line)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(line);
    File out = File.createTempFile("jinx-it", ".out");
    File err = File.createTempFile("jinx-it", ".err");
    try {
      ProcessBuilder builder = new ProcessBuilder(command).redirectOutput(out).redirectError(err);
      builder.environment().putAll(environment);
      Process process = builder.start();
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
      while (said != null
          && !Files.readString(err.toPath()).contains(said)
          && System.nanoTime() < deadline
          && !process.waitFor(20, TimeUnit.MILLISECONDS)) {
        // not yet
      }
      process.getOutputStream().close();
      if (!process.waitFor(60, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new AssertionError(
            "still running after a minute: " + command + "\n" + Files.readString(err.toPath()));
      }
      return new Jvm(
          process.exitValue(), Files.readString(out.toPath()), Files.readString(err.toPath()));
    } finally {
      out.delete();
      err.delete();
    }
  }

  /** The folder of the tests' own classes. */
  static String classes() {
    return new File(Jvm.class.getProtectionDomain().getCodeSource().getLocation().getPath())
        .getPath();
  }

  /** The lines of the agent, in all that went to standard error. */
  List<String> said() {
    return err.lines().filter(line -> line.startsWith("jinx:")).toList();
  }
}
