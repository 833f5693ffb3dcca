package dev.jinx.agent.weave;

import java.lang.instrument.Instrumentation;
import java.lang.invoke.MethodHandles;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** Private look-ups in classes of any module, opened to the agent's own module only. */
public final class Access {
  private final Instrumentation instrumentation;

  public Access(Instrumentation instrumentation) {
    this.instrumentation = instrumentation;
  }

  /** A look-up with all rights in that class. */
  public MethodHandles.Lookup in(Class<?> type) throws IllegalAccessException {
    Module module = type.getModule();
    Module own = Access.class.getModule();
    if (!module.isOpen(type.getPackageName(), own)) {
      instrumentation.redefineModule(
          module,
          Set.of(),
          Map.of(),
          Map.of(type.getPackageName(), Set.of(own)),
          Set.of(),
          Map.of());
    }
    return MethodHandles.privateLookupIn(type, MethodHandles.lookup());
  }

  /** Lets a module use all packages of a class's module, those too that it keeps to itself. */
  public void lend(Class<?> type, Module user) {
    Module module = type.getModule();
    if (module.isNamed()) {
      Map<String, Set<Module>> all = new HashMap<>();
      for (String name : module.getPackages()) {
        all.put(name, Set.of(user));
      }
      instrumentation.redefineModule(module, Set.of(), all, all, Set.of(), Map.of());
    }
  }

  /** All classes that are loaded now. */
  public Class<?>[] loaded() {
    return instrumentation.getAllLoadedClasses();
  }
}
