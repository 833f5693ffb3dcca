package dev.jinx.it.start;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.util.List;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.Test;

/** Only what must be visible is visible. */
class JarContentIT {
  private static final File JAR = new File(System.getProperty("jinx.agent.jar", ""));

  @Test
  void theLauncherIsTheOnlyClassOnTheClassPath() throws IOException {
    assertThat(files())
        .filteredOn(name -> name.endsWith(".class"))
        .containsExactly("dev/jinx/launcher/Launcher.class");
  }

  @Test
  void allElseStandsUnderThePrefix() throws IOException {
    assertThat(files())
        .filteredOn(name -> !name.startsWith("jinx/"))
        .containsExactlyInAnyOrder(
            "META-INF/MANIFEST.MF", "META-INF/LICENSE", "dev/jinx/launcher/Launcher.class");
    assertThat(files())
        .contains("jinx/java/lang/JinxGate.classdata", "jinx/dev/jinx/agent/Agent.classdata");
  }

  @Test
  void noServiceAndNoModuleIsOffered() throws IOException {
    assertThat(files())
        .noneMatch(name -> name.startsWith("META-INF/services/"))
        .noneMatch(name -> name.contains("META-INF/versions/"))
        .noneMatch(name -> name.contains("module-info"));
  }

  @Test
  void anyJvmSince8CanReadTheLauncher() throws IOException {
    try (JarFile jar = new JarFile(JAR);
        var in = jar.getInputStream(jar.getEntry("dev/jinx/launcher/Launcher.class"))) {
      byte[] header = in.readNBytes(8);
      assertThat(header[7]).as("class file version").isEqualTo((byte) 52);
    }
  }

  @Test
  void theManifestNamesTheLauncher() throws IOException {
    try (JarFile jar = new JarFile(JAR)) {
      Attributes manifest = jar.getManifest().getMainAttributes();
      for (String key : List.of("Premain-Class", "Agent-Class", "Main-Class")) {
        assertThat(manifest.getValue(key)).as(key).isEqualTo("dev.jinx.launcher.Launcher");
      }
      assertThat(manifest.getValue("Can-Retransform-Classes")).isEqualTo("true");
      assertThat(manifest.getValue("Implementation-Version")).isNotBlank();
      assertThat(manifest.getValue("Multi-Release")).isNull();
    }
  }

  @Test
  void itIsSmall() {
    assertThat(JAR.length()).isLessThan(10L << 20);
  }

  private static List<String> files() throws IOException {
    try (JarFile jar = new JarFile(JAR)) {
      return jar.stream().filter(entry -> !entry.isDirectory()).map(ZipEntry::getName).toList();
    }
  }
}
