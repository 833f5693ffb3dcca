package dev.jinx.agent.point;

import dev.jinx.agent.weave.Access;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import org.jspecify.annotations.Nullable;

/**
 * Adapters: what must touch a library's own types is plain Java compiled against that library, and
 * defined once per class loader of that library by a small loader that sees both the agent and the
 * library. The agent's own loader never links it.
 *
 * @param <T> what the agent knows the adapter as
 */
public final class Adapters<T> {
  private final String className;
  private final Class<T> type;
  private final Access access;
  private final @Nullable String home;

  // kept by the library's class, so that an undeployed application takes its adapter along
  private final ClassValue<T> adapters =
      new ClassValue<>() {
        @Override
        protected T computeValue(Class<?> library) {
          return define(library);
        }
      };

  /**
   * @param className the adapter, as {@code dev.jinx…Point$Adapter}: public, with a constructor
   *     without parameters, that implements {@code type}; where it stands in a package of its own,
   *     all of that package belongs to it
   */
  public Adapters(String className, Class<T> type, Access access) {
    this(className, type, access, null);
  }

  /**
   * For a library that others carry along under a name of their own.
   *
   * @param home the package, as {@code io.netty.}, that the adapter is compiled against; elsewhere
   *     another stands in its place, as in {@code io.grpc.netty.shaded.io.netty.}
   */
  public Adapters(String className, Class<T> type, Access access, @Nullable String home) {
    this.className = className;
    this.type = type;
    this.access = access;
    this.home = home;
  }

  /** The adapter for the loader of that class of the library. */
  public T of(Class<?> library) {
    return adapters.get(library);
  }

  private T define(Class<?> library) {
    try {
      String own = className.substring(0, className.lastIndexOf('.') + 1);
      boolean hasPackage = !own.equals(type.getPackageName().concat("."));
      ClassLoader loader =
          new AdapterLoader(hasPackage ? own : className, library.getClassLoader(), moved(library));
      access.lend(library, loader.getUnnamedModule());
      var constructor = loader.loadClass(className).getDeclaredConstructor();
      constructor.setAccessible(true);
      return type.cast(constructor.newInstance());
    } catch (InvocationTargetException e) {
      throw new IllegalStateException(e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Where the library is, if not at home: its classes are called the same beneath. */
  private @Nullable Moved moved(Class<?> library) {
    if (home == null || library.getName().startsWith(home)) {
      return null;
    }
    int end = library.getName().indexOf(home);
    return end < 0 ? null : new Moved(home, library.getName().substring(0, end) + home);
  }

  private static final class AdapterLoader extends ClassLoader {
    private static final ClassLoader AGENT = AdapterLoader.class.getClassLoader();

    private final String adapter;
    private final @Nullable ClassLoader library;
    private final @Nullable Moved moved;

    AdapterLoader(String adapter, @Nullable ClassLoader library, @Nullable Moved moved) {
      super(AGENT);
      this.adapter = adapter;
      this.library = library;
      this.moved = moved;
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      if (!isAdapters(name)) {
        return name.startsWith("dev.jinx.agent.")
            ? AGENT.loadClass(name)
            : Class.forName(name, false, library);
      }
      synchronized (getClassLoadingLock(name)) {
        Class<?> known = findLoadedClass(name);
        return known == null ? define(name) : known;
      }
    }

    /**
     * Whether a class belongs to the adapter: any of its package; or itself, its nested ones, and
     * those without a name that the compiler adds to the outer class (the table of a switch over an
     * enum).
     */
    private boolean isAdapters(String name) {
      if (adapter.endsWith(".")) {
        return name.startsWith(adapter);
      }
      int nested = adapter.indexOf('$') + 1;
      return name.equals(adapter)
          || name.startsWith(adapter + "$")
          || (nested > 0
              && name.length() > nested
              && name.startsWith(adapter.substring(0, nested))
              && Character.isDigit(name.charAt(nested)));
    }

    private Class<?> define(String name) throws ClassNotFoundException {
      try (InputStream in = AGENT.getResourceAsStream(name.replace('.', '/') + ".class")) {
        if (in == null) {
          throw new ClassNotFoundException(name);
        }
        byte[] bytes = moved == null ? in.readAllBytes() : moved.rename(in.readAllBytes());
        return defineClass(name, bytes, 0, bytes.length);
      } catch (IOException e) {
        throw new ClassNotFoundException(name, e);
      }
    }
  }
}
