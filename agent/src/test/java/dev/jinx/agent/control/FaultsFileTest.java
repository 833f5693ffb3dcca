package dev.jinx.agent.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.agent.fault.ArmedFault;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Source;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FaultsFileTest {
  @TempDir Path directory;

  private final Armory armory = Armories.create();
  private final List<String> infos = new ArrayList<>();
  private final List<String> warnings = new ArrayList<>();
  private Path path = Path.of("");
  private FaultsFile file = file(path);

  @BeforeEach
  void setUp() {
    path = directory.resolve("faults.json");
    file = file(path);
  }

  private FaultsFile file(Path path) {
    return new FaultsFile(path.toFile(), armory, infos::add, warnings::add);
  }

  private List<String> armed() {
    return armory.all().stream().map(fault -> fault.fault().id()).sorted().toList();
  }

  private void write(String text) throws IOException {
    Files.writeString(path, text);
    file.arm();
  }

  @Test
  void one_fault_or_several_last_as_long_as_they_stand_there() throws IOException {
    write(Armories.fault("a"));
    assertThat(armed()).containsExactly("a");
    ArmedFault armedFault = armory.all().get(0);
    assertThat(armedFault.fault().source()).isEqualTo(Source.FILE);
    assertThat(armedFault.remaining()).isNull();
    write("[" + Armories.fault("a") + "," + Armories.fault("b") + "]");
    assertThat(armed()).containsExactly("a", "b");
    assertThat(armory.get("a")).isSameAs(armedFault);
    write("[]");
    assertThat(armed()).isEmpty();
    assertThat(warnings).isEmpty();
  }

  @Test
  void an_edit_that_cannot_be_read_keeps_the_last_good_set_and_says_why_once() throws IOException {
    write("[" + Armories.fault("a") + "]");
    write("[" + Armories.fault("a").substring(0, 30));
    file.arm();
    file.arm();
    assertThat(armed()).containsExactly("a");
    assertThat(warnings).hasSize(1);
    assertThat(warnings.get(0)).contains("not JSON", "line 1", path.toString(), "stays armed");
    write("[" + Armories.fault("b").replace("\"host\"", "\"hots\"") + "]");
    assertThat(armed()).containsExactly("a");
    assertThat(warnings).hasSize(2);
    assertThat(warnings.get(1)).contains("[0].target.hots");
    write("[" + Armories.fault("c") + "]");
    assertThat(armed()).containsExactly("c");
  }

  @Test
  void an_id_that_stands_there_twice_is_an_error() throws IOException {
    write("[" + Armories.fault("a") + "," + Armories.fault("a") + "]");
    assertThat(armed()).isEmpty();
    assertThat(warnings).singleElement().asString().contains("\"a\" stands there twice");
  }

  @Test
  void faults_of_other_sources_stay() throws IOException {
    new Commands(armory, Armories.status())
        .run(Source.ENDPOINT, "POST", "/v1/faults", null, Armories.fault("mine"));
    write(Armories.fault("a"));
    write("[]");
    assertThat(armed()).containsExactly("mine");
    write(Armories.fault("mine").replace("payments", "refunds"));
    assertThat(warnings).singleElement().asString().contains("taken");
  }

  @Test
  void a_file_that_is_not_there_is_said_and_armed_when_it_comes() throws IOException {
    file.arm();
    file.arm();
    assertThat(warnings).singleElement().asString().contains("no such file");
    write(Armories.fault("a"));
    assertThat(armed()).containsExactly("a");
  }

  @Test
  void a_file_that_is_gone_for_a_moment_clears_nothing() throws IOException {
    write(Armories.fault("a"));
    Files.delete(path);
    file.arm();
    assertThat(armed()).containsExactly("a");
    write(Armories.fault("a"));
    Files.delete(path);
    file.arm();
    file.arm();
    assertThat(armed()).isEmpty();
    write(Armories.fault("a"));
    assertThat(armed()).containsExactly("a");
  }

  @Test
  void the_symlink_swap_of_a_config_map_is_seen() throws IOException {
    Path one = Files.createDirectory(directory.resolve("..one"));
    Path two = Files.createDirectory(directory.resolve("..two"));
    Files.writeString(one.resolve("faults.json"), Armories.fault("a"));
    Files.writeString(two.resolve("faults.json"), Armories.fault("b"));
    // same size, same time: only the real path differs
    for (Path each : List.of(one, two)) {
      assertThat(each.resolve("faults.json").toFile().setLastModified(1_000_000_000_000L)).isTrue();
    }
    Path data = directory.resolve("..data");
    Files.createSymbolicLink(data, one);
    Files.createSymbolicLink(path, Path.of("..data", "faults.json"));
    file.arm();
    assertThat(armed()).containsExactly("a");
    Path swapped = directory.resolve("..tmp");
    Files.createSymbolicLink(swapped, two);
    Files.move(swapped, data, java.nio.file.StandardCopyOption.ATOMIC_MOVE);
    file.arm();
    assertThat(armed()).containsExactly("b");
  }

  @Test
  void an_edit_elsewhere_does_not_bring_back_what_had_its_time() throws IOException {
    String brief = Armories.fault("brief").replace("}}", "},\"ttl\":\"1h\"}");
    write("[" + brief + "]");
    armory.remove("brief");
    write("[" + brief + "," + Armories.fault("a") + "]");
    assertThat(armed()).containsExactly("a");
    write("[" + brief.replace("1h", "2h") + "]");
    assertThat(armed()).containsExactly("brief");
  }

  @Test
  void an_edit_while_halted_is_armed_after_the_resume() throws IOException {
    armory.halt("stop");
    write(Armories.fault("a"));
    assertThat(warnings).singleElement().asString().contains("halted (stop)");
    armory.resume();
    file.arm();
    assertThat(armed()).containsExactly("a");
  }
}
