package dev.jinx.junit;

import java.io.File;
import java.net.URISyntaxException;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.Arrays;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Where the agent's jar is on this machine. */
final class AgentJar {

  private static final Pattern NAME = Pattern.compile("jinx-agent(-\\d.*)?\\.jar");
  private static final Pattern NOT_THE_JAR = Pattern.compile(".*-(sources|javadoc|tests)\\.jar");

  private AgentJar() {}

  /**
   * The first of: the system property {@code jinx.agent.jar}, the environment variable {@code
   * JINX_AGENT_JAR}, the class path, the Maven repository that this class came from; null where
   * none of them has it.
   *
   * @throws IllegalStateException for a jar that is named but not there
   */
  static @Nullable Path find() {
    String named = System.getProperty("jinx.agent.jar", System.getenv("JINX_AGENT_JAR"));
    if (named != null) {
      Path jar = Path.of(named).toAbsolutePath();
      if (!Files.isRegularFile(jar)) {
        throw new IllegalStateException("jinx.agent.jar (or JINX_AGENT_JAR) names no file: " + jar);
      }
      return jar;
    }
    Path onClassPath = onClassPath(System.getProperty("java.class.path", ""));
    return onClassPath != null ? onClassPath : inRepositoryOf(ownPlace());
  }

  static @Nullable Path onClassPath(String classPath) {
    return Arrays.stream(classPath.split(Pattern.quote(File.pathSeparator)))
        .filter(entry -> isAgent(new File(entry).getName()))
        .map(entry -> Path.of(entry).toAbsolutePath())
        .filter(Files::isRegularFile)
        .findFirst()
        .orElse(null);
  }

  /** The agent of the same version in the Maven repository that holds this jar of the API. */
  static @Nullable Path inRepositoryOf(Path api) {
    Path version = api.getParent();
    Path group =
        version == null || version.getParent() == null ? null : version.getParent().getParent();
    if (version == null || group == null) {
      return null;
    }
    Path jar =
        group.resolve(
            Path.of(
                "jinx-agent",
                version.getFileName().toString(),
                "jinx-agent-" + version.getFileName() + ".jar"));
    return Files.isRegularFile(jar) ? jar : null;
  }

  /** The jar or the folder that holds this class. */
  static Path ownPlace() {
    CodeSource source = AgentJar.class.getProtectionDomain().getCodeSource();
    if (source == null) {
      throw new IllegalStateException("This class has no place of its own on the class path");
    }
    try {
      return Path.of(source.getLocation().toURI());
    } catch (URISyntaxException | IllegalArgumentException | FileSystemNotFoundException e) {
      throw new IllegalStateException("Not a jar or a folder: " + source.getLocation(), e);
    }
  }

  private static boolean isAgent(String name) {
    return NAME.matcher(name).matches() && !NOT_THE_JAR.matcher(name).matches();
  }
}
