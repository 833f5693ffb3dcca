package dev.jinx.agent.weave;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import org.jspecify.annotations.Nullable;

/** The body of a hooked method. Who calls it must see to it that the hook lets the call pass. */
public final class Original {
  private final Access access;
  private final String className;
  private final String method;
  private final String descriptor;
  private final boolean isStatic;

  // kept by the class itself, so that an unloaded application takes its handles along
  private final ClassValue<MethodHandle> handles =
      new ClassValue<>() {
        @Override
        protected MethodHandle computeValue(Class<?> declaring) {
          return find(declaring);
        }
      };

  Original(Access access, String className, String method, String descriptor, boolean isStatic) {
    this.access = access;
    this.className = className;
    this.method = method;
    this.descriptor = descriptor;
    this.isStatic = isStatic;
  }

  /** The hooked method's name. */
  public String method() {
    return method;
  }

  /** The hooked method's parameter and return types as in the class file. */
  public String descriptor() {
    return descriptor;
  }

  /**
   * Runs the body with the hooked class's own method, overriding methods of subclasses passed over.
   *
   * @param self as the handler got it
   */
  public @Nullable Object call(Object self, @Nullable Object[] arguments) throws Throwable {
    return (Object) handles.get(declaring(self)).invokeExact(self, arguments);
  }

  private Class<?> declaring(Object self) {
    Class<?> type = isStatic ? (Class<?>) self : self.getClass();
    while (!type.getName().equals(className)) {
      type = type.getSuperclass();
    }
    return type;
  }

  private MethodHandle find(Class<?> declaring) {
    try {
      MethodHandles.Lookup lookup = access.in(declaring);
      MethodType type =
          MethodType.fromMethodDescriptorString(descriptor, declaring.getClassLoader());
      MethodHandle handle =
          isStatic
              ? MethodHandles.dropArguments(
                  lookup.findStatic(declaring, method, type), 0, Object.class)
              : lookup.findSpecial(declaring, method, type, declaring);
      return handle
          .asSpreader(Object[].class, type.parameterCount())
          .asType(MethodType.methodType(Object.class, Object.class, Object[].class));
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }
}
