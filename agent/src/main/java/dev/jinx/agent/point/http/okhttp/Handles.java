package dev.jinx.agent.point.http.okhttp;

import dev.jinx.agent.weave.Access;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import org.jspecify.annotations.Nullable;

/** The fields and constructors of the library that differ from version to version. */
final class Handles {
  private static final MethodType GET = MethodType.methodType(Object.class, Object.class);
  private static final MethodType SET =
      MethodType.methodType(void.class, Object.class, Object.class);

  private final Access access;
  private final ClassLoader library;

  Handles(Access access, ClassLoader library) {
    this.access = access;
    this.library = library;
  }

  /** The class of that name in {@code okhttp3.internal}; null where this version has none. */
  @Nullable Class<?> find(String name) {
    try {
      return Class.forName("okhttp3.internal." + name, false, library);
    } catch (ClassNotFoundException e) {
      return null;
    }
  }

  Class<?> required(String name) throws ClassNotFoundException {
    return Class.forName("okhttp3.internal." + name, false, library);
  }

  /** Reads the first of these fields that the class has. */
  MethodHandle getter(Class<?> type, String... names) throws ReflectiveOperationException {
    for (String name : names) {
      for (Field field : type.getDeclaredFields()) {
        if (field.getName().equals(name)) {
          return access.in(type).unreflectGetter(field).asType(GET);
        }
      }
    }
    throw new NoSuchFieldException(type.getName() + "." + String.join(" or ", names));
  }

  MethodHandle setter(Class<?> type, String name) throws ReflectiveOperationException {
    Field field = type.getDeclaredField(name);
    return access.in(type).unreflectSetter(field).asType(SET);
  }

  static @Nullable Object get(MethodHandle getter, Object from) {
    try {
      return (Object) getter.invokeExact(from);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  static void set(MethodHandle setter, Object on, Object value) {
    try {
      setter.invokeExact(on, value);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  static <T> T present(@Nullable T value) {
    if (value == null) {
      throw new IllegalStateException();
    }
    return value;
  }

  /** Makes an object with arguments found by their types; 0 and null where there is none. */
  static Object make(Constructor<?> constructor, @Nullable Object... known) {
    Class<?>[] types = constructor.getParameterTypes();
    @Nullable Object[] arguments = new @Nullable Object[types.length];
    for (int i = 0; i < types.length; i++) {
      arguments[i] = types[i] == int.class ? 0 : null;
      for (Object each : known) {
        if (types[i].isInstance(each)) {
          arguments[i] = each;
          break;
        }
      }
    }
    try {
      return constructor.newInstance(arguments);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }
}
