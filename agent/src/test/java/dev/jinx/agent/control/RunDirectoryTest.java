package dev.jinx.agent.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jinx.agent.control.RunDirectory.Running;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunDirectoryTest {
  private static final long SELF = ProcessHandle.current().pid();

  @TempDir Path parent;

  private RunDirectory directory() {
    return new RunDirectory(parent.resolve("jinx-me"));
  }

  @Test
  void an_agent_is_found_until_it_is_removed() throws IOException {
    assertThat(directory().list()).isEmpty();
    directory().add(Running.here("http://127.0.0.1:7117"));
    assertThat(directory().list())
        .singleElement()
        .satisfies(
            agent -> {
              assertThat(agent.pid()).isEqualTo(SELF);
              assertThat(agent.url()).isEqualTo("http://127.0.0.1:7117");
              assertThat(agent.command()).doesNotContain(" ");
            });
    directory().remove(SELF);
    assertThat(directory().list()).isEmpty();
  }

  @Test
  void it_is_private() throws IOException {
    directory().add(Running.here(null));
    assertThat(
            PosixFilePermissions.toString(Files.getPosixFilePermissions(parent.resolve("jinx-me"))))
        .isEqualTo("rwx------");
    assertThat(directory().list())
        .singleElement()
        .satisfies(agent -> assertThat(agent.url()).isNull());
  }

  @Test
  void files_of_ended_processes_and_of_their_numbers_taken_again_are_removed() throws Exception {
    Process ended = new ProcessBuilder("true").start();
    ended.waitFor();
    directory().add(new Running(ended.pid(), null, "ended", null));
    directory().add(new Running(SELF, null, "another", "1577836800000"));
    Files.writeString(parent.resolve("jinx-me/1.agent"), "half-writ");
    Files.writeString(parent.resolve("jinx-me/x.agent"), "pid=x\ncommand=y\n");
    assertThat(directory().list()).isEmpty();
    try (var files = Files.list(parent.resolve("jinx-me"))) {
      assertThat(files).isEmpty();
    }
  }

  @Test
  void a_directory_that_others_may_write_is_refused() throws IOException {
    Path open = Files.createDirectory(parent.resolve("jinx-me"));
    Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
    assertThatThrownBy(() -> directory().add(Running.here(null))).hasMessageContaining("chmod 700");
    assertThatThrownBy(() -> directory().list()).hasMessageContaining("chmod 700");
  }

  @Test
  void a_symlink_is_refused() throws IOException {
    Path elsewhere = Files.createDirectory(parent.resolve("elsewhere"));
    Files.setPosixFilePermissions(elsewhere, PosixFilePermissions.fromString("rwx------"));
    Files.createSymbolicLink(parent.resolve("jinx-me"), elsewhere);
    assertThatThrownBy(() -> directory().add(Running.here(null)))
        .hasMessageContaining("not a directory");
  }
}
