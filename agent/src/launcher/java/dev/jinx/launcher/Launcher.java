package dev.jinx.launcher;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.lang.instrument.Instrumentation;
import java.lang.reflect.InvocationTargetException;
import java.net.MalformedURLException;
import java.net.URL;
import java.security.ProtectionDomain;
import java.util.Collections;
import java.util.Enumeration;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;

/**
 * What the JVM starts, and the only class of Jinx on the application's class path. It is also the
 * class loader of all the rest, which stands in the jar under {@code jinx/} with the suffix {@code
 * .classdata}, where no class path scanner looks. Java 8 byte code, so that an old JVM can be told
 * so in one line.
 */
public final class Launcher extends ClassLoader {

  private static final String PREFIX = "jinx/";
  private static final String SUFFIX = "classdata";

  private final File file;
  private final JarFile jar;
  private final ProtectionDomain domain = Launcher.class.getProtectionDomain();

  private Launcher(File file, ClassLoader parent) throws IOException {
    super(parent);
    this.file = file;
    this.jar = new JarFile(file, false);
  }

  /** With {@code -javaagent}, before {@code main}. */
  public static void premain(String options, Instrumentation instrumentation) {
    start(options, instrumentation, false);
  }

  /** Attached to a running JVM. */
  public static void agentmain(String options, Instrumentation instrumentation) {
    start(options, instrumentation, true);
  }

  /** {@code java -jar jinx-agent.jar …}: the command line. */
  public static void main(String[] arguments) throws Throwable {
    String reason = unsupported();
    if (reason != null) {
      System.err.println("jinx: " + reason);
      System.exit(2);
    }
    try {
      open()
          .loadClass("dev.jinx.agent.cli.Main")
          .getMethod("main", String[].class)
          .invoke(null, (Object) arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  private static void start(String options, Instrumentation instrumentation, boolean attached) {
    try {
      String reason = unsupported();
      if (reason != null) {
        System.err.println("jinx: not started: " + reason);
      } else if (alreadyThere()) {
        System.err.println("jinx: already running in this JVM; the second agent is ignored");
      } else {
        open()
            .loadClass("dev.jinx.agent.Agent")
            .getMethod("start", String.class, Instrumentation.class, File.class, boolean.class)
            .invoke(null, options, instrumentation, jarFile(), attached);
      }
    } catch (Throwable e) {
      Throwable cause = e instanceof InvocationTargetException ? e.getCause() : e;
      System.err.println("jinx: not started, the application runs without it: " + cause);
    }
  }

  private static String unsupported() {
    String version = System.getProperty("java.specification.version", "");
    String runtime = "Java " + version + " (" + System.getProperty("java.vm.name") + ")";
    if (System.getProperty("org.graalvm.nativeimage.imagecode") != null) {
      return "a native image cannot be hooked; run the application on a JVM (17 or later)";
    }
    try {
      return version.startsWith("1.") || Integer.parseInt(version) < 17
          ? "needs Java 17 or later, this is " + runtime
          : null;
    } catch (NumberFormatException e) {
      return "needs Java 17 or later, this is " + runtime;
    }
  }

  private static boolean alreadyThere() {
    try {
      Class.forName("java.lang.JinxGate", false, null);
      return true;
    } catch (ClassNotFoundException e) {
      return false;
    }
  }

  private static File jarFile() throws Exception {
    return new File(Launcher.class.getProtectionDomain().getCodeSource().getLocation().toURI());
  }

  private static Launcher open() throws Exception {
    File file = jarFile();
    // the platform loader, reached without reflection: that would load 60 classes more at every
    // start
    ClassLoader platform = ClassLoader.getSystemClassLoader();
    while (platform.getParent() != null) {
      platform = platform.getParent();
    }
    Launcher loader = new Launcher(file, platform);
    if (!file.isFile()
        || loader.jar.getEntry(PREFIX) == null && loader.jar.getEntry(PREFIX + "dev/") == null) {
      throw new IllegalStateException(
          "the launcher must stay in jinx-agent.jar, but stands in " + file);
    }
    return loader;
  }

  static {
    registerAsParallelCapable();
  }

  @Override
  protected Class<?> findClass(String name) throws ClassNotFoundException {
    byte[] bytes;
    try {
      bytes = read(PREFIX + name.replace('.', '/') + '.' + SUFFIX);
    } catch (IOException e) {
      throw new ClassNotFoundException(name, e);
    }
    if (bytes == null) {
      throw new ClassNotFoundException(name);
    }
    return defineClass(name, bytes, 0, bytes.length, domain);
  }

  private byte[] read(String name) throws IOException {
    JarEntry entry = jar.getJarEntry(name);
    if (entry == null) {
      return null;
    }
    try (InputStream in = jar.getInputStream(entry)) {
      // one array of the right size: every start pays for what is thrown away here
      byte[] bytes = new byte[(int) entry.getSize()];
      int end = 0;
      for (int n = in.read(bytes); n > 0; n = in.read(bytes, end, bytes.length - end)) {
        end += n;
      }
      return bytes;
    }
  }

  /** Straight from the jar: the way over a URL would load dozens of classes at every start. */
  @Override
  public InputStream getResourceAsStream(String name) {
    try {
      JarEntry entry = jar.getJarEntry(PREFIX + inner(name));
      return entry == null ? super.getResourceAsStream(name) : jar.getInputStream(entry);
    } catch (IOException e) {
      return null;
    }
  }

  private static String inner(String name) {
    return name.endsWith(".class")
        ? name.substring(0, name.length() - "class".length()) + SUFFIX
        : name;
  }

  @Override
  protected URL findResource(String name) {
    String inner = inner(name);
    if (jar.getJarEntry(PREFIX + inner) == null) {
      return null;
    }
    try {
      return new URL("jar:" + file.toURI() + "!/" + PREFIX + inner);
    } catch (MalformedURLException e) {
      return null;
    }
  }

  @Override
  protected Enumeration<URL> findResources(String name) {
    URL url = findResource(name);
    return url == null
        ? Collections.<URL>emptyEnumeration()
        : Collections.enumeration(Collections.singleton(url));
  }
}
