package dev.jinx.junit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AgentJarTest {

  @TempDir Path folder;

  @Test
  void is_found_on_the_class_path() throws IOException {
    Path agent = file("b/jinx-agent-1.2.jar");
    String classPath =
        String.join(
            File.pathSeparator,
            file("jinx-api-1.2.jar").toString(),
            file("jinx-agent-1.2-sources.jar").toString(),
            folder.resolve("missing/jinx-agent.jar").toString(),
            agent.toString(),
            file("jinx-agent.jar").toString());

    assertThat(AgentJar.onClassPath(classPath)).isEqualTo(agent);
    assertThat(AgentJar.onClassPath("")).isNull();
  }

  @Test
  void is_found_in_the_repository_that_holds_the_api() throws IOException {
    Path agent = file("dev/jinx/jinx-agent/1.2/jinx-agent-1.2.jar");

    assertThat(AgentJar.inRepositoryOf(file("dev/jinx/jinx-api/1.2/jinx-api-1.2.jar")))
        .isEqualTo(agent);
    assertThat(AgentJar.inRepositoryOf(file("dev/jinx/jinx-api/1.3/jinx-api-1.3.jar"))).isNull();
    assertThat(AgentJar.inRepositoryOf(Path.of("/"))).isNull();
  }

  private Path file(String name) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.createFile(file);
  }
}
