package dev.jinx.agent.weave;

import java.lang.instrument.Instrumentation;
import java.lang.instrument.UnmodifiableClassException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Classes that are there already when something is to become of them: the JVM gives them again. */
final class LoadedClasses {
  private final Instrumentation instrumentation;
  private final Catalogue catalogue;
  private final WovenClasses woven;
  private final ClassLoader own = LoadedClasses.class.getClassLoader();
  private final Object weavingAgain = new Object();

  LoadedClasses(Instrumentation instrumentation, Catalogue catalogue, WovenClasses woven) {
    this.instrumentation = instrumentation;
    this.catalogue = catalogue;
    this.woven = woven;
  }

  /** Those that may have to be hooked, landmarks among them. */
  List<Class<?>> concerned() {
    List<Class<?>> concerned = new ArrayList<>();
    for (Class<?> type : instrumentation.getAllLoadedClasses()) {
      if (type.getClassLoader() != own
          && !type.isArray()
          && !type.isHidden()
          && !type.isPrimitive()
          && catalogue.mayConcern(name(type))
          && instrumentation.isModifiableClass(type)) {
        concerned.add(type);
      }
    }
    return concerned;
  }

  /**
   * Hooks what has slipped through: a class that another thread was loading while the transformer
   * came in was in nobody's list then.
   */
  void mend() {
    for (Class<?> type : concerned()) {
      String name = name(type);
      ClassHooks hooks = catalogue.landmark(name) == null ? catalogue.hooks(name) : null;
      if (hooks != null && hooks.onDemand() == 0 && !woven.has(name)) {
        weave(type);
      }
    }
  }

  /** Those that are hooked on demand only, when the demand has changed. */
  void weaveOnDemand() {
    synchronized (weavingAgain) {
      for (Class<?> type : concerned()) {
        ClassHooks hooks = hooks(type);
        if (hooks != null && hooks.onDemand() != 0) {
          weave(type);
        }
      }
    }
  }

  private @Nullable ClassHooks hooks(Class<?> type) {
    String name = name(type);
    ClassHooks hooks = catalogue.hooks(name);
    if (hooks == null && !type.isInterface()) {
      Class<?>[] interfaces = type.getInterfaces();
      String[] names = new String[interfaces.length];
      for (int i = 0; i < names.length; i++) {
        names[i] = name(interfaces[i]);
      }
      hooks = catalogue.find(name, null, names);
    }
    return hooks;
  }

  void weave(Class<?> type) {
    try {
      instrumentation.retransformClasses(type);
    } catch (UnmodifiableClassException | LinkageError e) {
      woven.note(new Woven("", type.getName(), null, null, List.of(), List.of(), e.toString()));
    }
  }

  private static String name(Class<?> type) {
    return type.getName().replace('.', '/');
  }
}
