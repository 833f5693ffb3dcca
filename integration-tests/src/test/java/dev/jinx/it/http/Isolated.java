package dev.jinx.it.http;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.Arrays;

/**
 * A library of clients once more, in another version and a loader of its own: that of the jars in
 * {@code target/clients/<folder>} and of the one class that calls them. Of the class path it sees
 * only the tests' own interfaces.
 */
final class Isolated {
  private Isolated() {}

  /**
   * @param folder that of the jars, filled by the build
   */
  static ClientLibrary library(String folder, Class<? extends ClientLibrary> type) {
    File[] jars = new File("target/clients/" + folder).listFiles();
    if (jars == null) {
      throw new IllegalStateException("the build has not copied target/clients/" + folder);
    }
    try {
      var loader = new Loader(Arrays.stream(jars).map(Isolated::url).toArray(URL[]::new), type);
      return (ClientLibrary) loader.loadClass(type.getName()).getConstructor().newInstance();
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  private static URL url(File jar) {
    try {
      return jar.toURI().toURL();
    } catch (MalformedURLException e) {
      throw new IllegalStateException(e);
    }
  }

  private static final class Loader extends URLClassLoader {
    private final Class<?> type;

    Loader(URL[] jars, Class<?> type) {
      super(jars, ClassLoader.getPlatformClassLoader());
      this.type = type;
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
      if (name.equals(type.getName()) || name.startsWith(type.getName() + "$")) {
        try (InputStream in =
            type.getClassLoader().getResourceAsStream(name.replace('.', '/') + ".class")) {
          if (in == null) {
            throw new ClassNotFoundException(name);
          }
          byte[] bytes = in.readAllBytes();
          return defineClass(name, bytes, 0, bytes.length);
        } catch (IOException e) {
          throw new ClassNotFoundException(name, e);
        }
      }
      return name.startsWith("dev.jinx.")
          ? Class.forName(name, false, type.getClassLoader())
          : super.findClass(name);
    }
  }
}
