package dev.jinx.it.start;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import javax.tools.ToolProvider;
import kotlin.Unit;
import okhttp3.OkHttpClient;
import okio.Okio;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.loader.launch.JarLauncher;

/** However an application and its client are packed, its calls are hit. */
@Timeout(120)
class PackagingIT {
  private static final String URL = "http://localhost:1/charges";
  private static final List<Path> LIBRARIES =
      List.of(jar(OkHttpClient.class), jar(Okio.class), jar(Unit.class));

  @TempDir static Path folder;

  @SuppressWarnings("NullAway.Init")
  private static String agent;

  @BeforeAll
  static void arm() throws IOException {
    Path faults =
        Files.writeString(
            folder.resolve("faults.json"),
            """
            {"target": {"kind": "http", "host": "localhost", "port": 1, "client": "okhttp"},
             "effect": {"response": {"status": 418, "body": "canned"}}}
            """);
    agent = "-javaagent:" + Jvm.AGENT + "=port=off,log=warn,faults=" + faults;
  }

  @Test
  void aClassPath() throws Exception {
    assertHit(agent, "-cp", Jvm.classes() + joined(), OneCall.class.getName(), URL);
  }

  @Test
  void aJarOfJars() throws Exception {
    Path jar = folder.resolve("application.jar");
    var manifest = new Manifest();
    manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
    manifest.getMainAttributes().put(Attributes.Name.MAIN_CLASS, JarLauncher.class.getName());
    manifest.getMainAttributes().putValue("Start-Class", OneCall.class.getName());
    try (var out = new JarOutputStream(Files.newOutputStream(jar), manifest);
        var loader = new JarFile(jar(JarLauncher.class).toFile())) {
      for (JarEntry entry : loader.stream().filter(e -> e.getName().endsWith(".class")).toList()) {
        try (InputStream in = loader.getInputStream(entry)) {
          store(out, entry.getName(), in.readAllBytes());
        }
      }
      for (String folder : new String[] {"", "classes/", "lib/"}) {
        store(out, "BOOT-INF/" + folder, new byte[0]);
      }
      String call = OneCall.class.getName().replace('.', '/') + ".class";
      store(out, "BOOT-INF/classes/" + call, Files.readAllBytes(Path.of(Jvm.classes(), call)));
      for (Path library : LIBRARIES) {
        store(out, "BOOT-INF/lib/" + library.getFileName(), Files.readAllBytes(library));
      }
    }

    assertHit(agent, "-jar", jar.toString(), URL);
  }

  private static void store(JarOutputStream out, String name, byte[] bytes) throws IOException {
    // the loader reads nested jars where they are, so they must not be compressed
    var entry = new ZipEntry(name);
    var crc = new CRC32();
    crc.update(bytes);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(bytes.length);
    entry.setCrc(crc.getValue());
    out.putNextEntry(entry);
    out.write(bytes);
    out.closeEntry();
  }

  @Test
  void aModularApplication() throws Exception {
    Path root = folder.resolve("source");
    Path source = Files.createDirectories(root.resolve("app"));
    String call =
        Files.readString(
            Path.of("src/test/java", OneCall.class.getName().replace('.', '/') + ".java"));
    Path oneCall =
        Files.writeString(
            source.resolve("OneCall.java"),
            call.replace("package dev.jinx.it.start", "package app"));
    Path module =
        Files.writeString(
            root.resolve("module-info.java"),
            "module app { requires okhttp3; requires kotlin.stdlib; }");
    Path classes = folder.resolve("module");
    compile("-d", classes.toString(), "-p", joined().substring(1), module + "", oneCall + "");

    assertHit(agent, "-p", classes + joined(), "-m", "app/app.OneCall", URL);
  }

  /** Another version, whose classes are not where they are looked for: said once, and no harm. */
  @Test
  void aLibraryWithoutTheClassThatIsHooked() throws Exception {
    Jvm jvm = runWith("moved", "okhttp3", "OkHttpClient", "public class OkHttpClient {}");

    assertThat(jvm.out()).contains("hello").contains("\"unhooked\":[{\"library\":\"okhttp\"");
    assertThat(jvm.said())
        .singleElement()
        .asString()
        .contains(
            "okhttp is in use and is not hooked as it should be, so faults may miss it: expected but not there: class okhttp3.internal");
  }

  @Test
  void aLibraryWithoutTheMethodThatIsHooked() throws Exception {
    Jvm jvm =
        runWith(
            "doctored",
            "okhttp3.internal.connection",
            "ConnectInterceptor",
            "public class ConnectInterceptor { public Object interceptor() { return this; } }");

    assertThat(jvm.out())
        .contains("hello")
        .contains(
            "expected but not there: intercept(Lokhttp3/Interceptor$Chain;)Lokhttp3/Response;");
    assertThat(jvm.said())
        .singleElement()
        .asString()
        .contains("okhttp is in use and is not hooked as it should be", "intercept(");
  }

  /** An application with one class of a library's name. */
  private static Jvm runWith(String name, String packageName, String type, String source)
      throws Exception {
    Path root = folder.resolve(name);
    Path doctored =
        Files.writeString(
            Files.createDirectories(root.resolve(packageName.replace('.', '/')))
                .resolve(type + ".java"),
            "package " + packageName + "; " + source);
    Path main =
        Files.writeString(
            root.resolve("Main.java"),
            """
            public class Main {
              public static void main(String[] arguments) throws Exception {
                new %s();
                System.in.read();
                System.out.println("hello");
                System.out.println(
                    Class.forName("java.lang.JinxGate")
                        .getMethod("command", String.class, String.class)
                        .invoke(null, "GET /v1/status", ""));
              }
            }
            """
                .formatted(packageName + "." + type));
    Path classes = folder.resolve(name + "-classes");
    compile("-d", classes.toString(), doctored.toString(), main.toString());
    return Jvm.until("jinx: okhttp", Map.of(), List.of(agent, "-cp", classes + "", "Main"));
  }

  private static void compile(String... arguments) {
    var said = new java.io.ByteArrayOutputStream();
    int result = ToolProvider.getSystemJavaCompiler().run(null, said, said, arguments);
    assertThat(result).as(said.toString(StandardCharsets.UTF_8)).isZero();
  }

  private static void assertHit(String... line) throws Exception {
    Jvm jvm = Jvm.java(Map.of(), List.of(line));

    assertThat(jvm.out().strip()).as(jvm.err()).isEqualTo("418 canned");
    assertThat(jvm.said()).isEmpty();
    assertThat(jvm.exit()).isZero();
  }

  /** The jars of the client's, with a separator before each. */
  private static String joined() {
    var path = new StringWriter();
    LIBRARIES.forEach(jar -> path.append(File.pathSeparator).append(jar.toString()));
    return path.toString();
  }

  private static Path jar(Class<?> type) {
    return Path.of(type.getProtectionDomain().getCodeSource().getLocation().getPath());
  }
}
