package dev.jinx.agent.weave;

import java.lang.instrument.ClassFileTransformer;
import java.lang.instrument.Instrumentation;
import java.lang.ref.WeakReference;
import java.net.URL;
import java.security.CodeSource;
import java.security.ProtectionDomain;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;

/**
 * Inserts prologues and epilogues into the classes that points ask for, as they load. A class that
 * nobody hooks costs one hash look-up. Nothing here may load a class, log or format: a {@code
 * ClassCircularityError} inside of a transformer poisons the call site that was being linked for
 * good (JDK-8164165).
 */
public final class Weaver implements ClassFileTransformer {
  private final Gate gate;
  private final Catalogue catalogue;
  private final ClassLoader own = Weaver.class.getClassLoader();
  private final Map<String, Integer> numbers = new ConcurrentHashMap<>();
  private final WovenClasses woven = new WovenClasses();
  private final List<Sighting> sightings = new ArrayList<>();
  private volatile @Nullable Thread reader;
  private volatile @Nullable LoadedClasses loaded;
  private volatile long demanded;
  private volatile boolean mended;

  /** A landmark that has been loaded. */
  private record Sighting(
      Landmark landmark, @Nullable WeakReference<ClassLoader> loader, @Nullable URL from) {}

  public Weaver(Gate gate, Catalogue catalogue) {
    this.gate = gate;
    this.catalogue = catalogue;
  }

  /** The thread to be unparked whenever {@link #woven} may tell of something missing. */
  public void reader(Thread thread) {
    reader = thread;
    LockSupport.unpark(thread);
  }

  /** Starts to hook classes as they load, and those that are loaded already. */
  public void install(Instrumentation instrumentation) {
    preload();
    LoadedClasses there = new LoadedClasses(instrumentation, catalogue, woven);
    loaded = there;
    instrumentation.addTransformer(this, true);
    for (Class<?> type : there.concerned()) {
      Landmark landmark = catalogue.landmark(type.getName().replace('.', '/'));
      if (landmark == null) {
        there.weave(type);
      } else {
        sighted(landmark, type.getClassLoader(), type.getProtectionDomain());
      }
    }
  }

  /**
   * Hooks the classes that wait for one of these operations before it returns, and sets those free
   * that wait for others.
   */
  public void demand(long operations) {
    LoadedClasses there = loaded;
    if (there == null) {
      return; // nothing is hooked yet
    }
    if (!mended) {
      mended = true;
      there.mend();
      LockSupport.unpark(reader);
    }
    long before = demanded;
    long now = operations & catalogue.onDemand();
    if (now == before) {
      return;
    }
    demanded = now;
    if ((now & ~before) != 0) {
      there.weaveOnDemand();
      LockSupport.unpark(reader);
    } else { // a hook behind a shut gate is in nobody's way meanwhile
      Thread thread = new Thread(there::weaveOnDemand, "jinx-weaver");
      thread.setDaemon(true);
      thread.start();
    }
  }

  /** What became of the classes so far. */
  public List<Woven> woven() {
    lookAround();
    return woven.all();
  }

  /** Looks for the classes that are expected beside the landmarks seen; never while one loads. */
  private void lookAround() {
    List<Sighting> fresh;
    synchronized (sightings) {
      fresh = List.copyOf(sightings);
      sightings.clear();
    }
    for (Sighting seen : fresh) {
      ClassLoader loader = seen.loader() == null ? null : seen.loader().get();
      if (seen.loader() != null && loader == null) {
        continue;
      }
      List<String> missing = new ArrayList<>();
      for (List<String> any : seen.landmark().expected()) {
        if (!isThere(any, loader)) {
          missing.add("class ".concat(any.get(any.size() - 1).replace('/', '.')));
        }
      }
      if (!missing.isEmpty()) {
        note(
            new Woven(
                seen.landmark().library(),
                seen.landmark().className(),
                loader == null ? null : loader.getClass().getName(),
                seen.from(),
                List.of(),
                missing,
                null));
      }
    }
  }

  private static boolean isThere(List<String> any, @Nullable ClassLoader loader) {
    for (String each : any) {
      String resource = each.concat(".class");
      if ((loader == null ? ClassLoader.getSystemResource(resource) : loader.getResource(resource))
          != null) {
        return true;
      }
    }
    return false;
  }

  private static final Handler NOBODY =
      new Handler() {
        @Override
        public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
            Original original, Object self, @Nullable Object argument) {
          return null;
        }
      };

  /** Loads all that the weaving needs, before it can be needed inside of class loading. */
  private void preload() {
    MethodHook start = new MethodHook("run", "()V", -1, 0, NOBODY, true);
    MethodHook end = new MethodHook("run", "()V", MethodHook.RESULT, 0, NOBODY, true);
    byte[] sample = read(Sample.class);
    weave(sample, new ClassHooks("", Sample.NAME, List.of(start, end)), new Result(), false);
    sightings.add(new Sighting(new Landmark("", "", List.of()), null, null));
    sightings.clear();
    LockSupport.unpark(null);
  }

  private static byte[] read(Class<?> type) {
    try (var in =
        type.getResourceAsStream(
            Sample.NAME.substring(Sample.NAME.lastIndexOf('/') + 1) + ".class")) {
      return in == null ? new byte[0] : in.readAllBytes();
    } catch (java.io.IOException e) {
      return new byte[0];
    }
  }

  /** A class to warm up with. */
  static final class Sample {
    static final String NAME = "dev/jinx/agent/weave/Weaver$Sample";

    void run() {}
  }

  @Override
  public byte @Nullable [] transform(
      @Nullable Module module,
      @Nullable ClassLoader loader,
      @Nullable String className,
      @Nullable Class<?> redefined,
      @Nullable ProtectionDomain domain,
      byte[] bytes) {
    if (className == null || loader == own) {
      return null;
    }
    if (!catalogue.mayConcern(className)) {
      return null;
    }
    try {
      Landmark landmark = catalogue.landmark(className);
      if (landmark != null) {
        sighted(landmark, loader, domain);
        return null;
      }
    } catch (Throwable e) { // the JVM would drop it without a word
      note(new Woven("", className, null, null, List.of(), List.of(), e.getClass().getName()));
      return null;
    }
    return weave(loader, className, domain, bytes);
  }

  private void sighted(
      Landmark landmark, @Nullable ClassLoader loader, @Nullable ProtectionDomain domain) {
    synchronized (sightings) {
      sightings.add(
          new Sighting(
              landmark, loader == null ? null : new WeakReference<>(loader), from(domain)));
    }
    LockSupport.unpark(reader);
  }

  private byte @Nullable [] weave(
      @Nullable ClassLoader loader,
      String className,
      @Nullable ProtectionDomain domain,
      byte[] bytes) {
    Result result = new Result();
    ClassHooks hooks = null;
    byte[] changed = null;
    String failure = null;
    try {
      hooks = catalogue.hooks(className);
      if (hooks == null) {
        ClassReader reader = new ClassReader(bytes);
        if ((reader.getAccess() & Opcodes.ACC_INTERFACE) != 0) {
          return null;
        }
        hooks = catalogue.find(className, reader.getSuperName(), reader.getInterfaces());
        if (hooks == null) {
          return null;
        }
      }
      if (hooks.onDemand() != 0 && (hooks.onDemand() & demanded) == 0) {
        woven.forget(className, from(domain));
        return null;
      }
      changed = weave(bytes, hooks, result, true);
    } catch (Throwable e) {
      failure = e.getClass().getName();
    }
    String library = hooks == null ? "" : hooks.library();
    String loaderClass = loader == null ? null : loader.getClass().getName();
    note(
        new Woven(
            library,
            className,
            loaderClass,
            from(domain),
            result.methods,
            result.missing,
            failure));
    return changed;
  }

  private void note(Woven each) {
    woven.note(each);
    if (each.failure() != null || !each.missing().isEmpty()) {
      LockSupport.unpark(reader);
    }
  }

  private static @Nullable URL from(@Nullable ProtectionDomain domain) {
    CodeSource source = domain == null ? null : domain.getCodeSource();
    return source == null ? null : source.getLocation();
  }

  private static final class Result {
    final List<String> methods = new ArrayList<>();
    final List<String> missing = new ArrayList<>();
  }

  private byte @Nullable [] weave(byte[] bytes, ClassHooks hooks, Result result, boolean register) {
    ClassReader reader = new ClassReader(bytes);
    ClassWriter writer = new ClassWriter(reader, 0);
    boolean frames = reader.readUnsignedShort(6) >= Opcodes.V1_6;
    List<MethodHook> found = new ArrayList<>();
    reader.accept(
        new ClassVisitor(Opcodes.ASM9, writer) {
          @Override
          public MethodVisitor visitMethod(
              int access,
              String name,
              String descriptor,
              @Nullable String signature,
              String @Nullable [] exceptions) {
            MethodVisitor method =
                super.visitMethod(access, name, descriptor, signature, exceptions);
            if ((access & (Opcodes.ACC_ABSTRACT | Opcodes.ACC_NATIVE)) != 0) {
              return method;
            }
            boolean isStatic = (access & Opcodes.ACC_STATIC) != 0;
            MethodHook start = find(hooks.methods(), name, descriptor, false);
            if (start != null) {
              method = new Prologue(method, call(method, start, isStatic), frames);
            }
            MethodHook end = find(hooks.methods(), name, descriptor, true);
            if (end != null) {
              method = new Epilogue(method, call(method, end, isStatic), frames);
            }
            return method;
          }

          private HookCall call(MethodVisitor method, MethodHook hook, boolean isStatic) {
            found.add(hook);
            int number = register ? number(hooks.className(), hook, isStatic) : 0;
            return new HookCall(method, hooks.className(), hook, number, isStatic);
          }
        },
        0);
    for (MethodHook hook : hooks.methods()) {
      if (isIn(found, hook)) {
        if (!hook.isAtEnd()) {
          result.methods.add(hook.name());
        }
      } else if (hook.required()) {
        result.missing.add(hook.name().concat(hook.descriptor()));
      }
    }
    return found.isEmpty() ? null : writer.toByteArray();
  }

  /** By identity: the equals method of a record would be linked here. */
  @SuppressWarnings("ReferenceEquality")
  private static boolean isIn(List<MethodHook> hooks, MethodHook hook) {
    for (int i = 0; i < hooks.size(); i++) {
      if (hooks.get(i) == hook) {
        return true;
      }
    }
    return false;
  }

  private int number(String className, MethodHook hook, boolean isStatic) {
    String key = className.concat(".").concat(hook.name()).concat(hook.descriptor());
    if (hook.isAtEnd()) {
      key = key.concat("end");
    }
    Integer number = numbers.get(key);
    if (number == null) {
      synchronized (numbers) {
        number = numbers.get(key);
        if (number == null) {
          number = gate.register(hook.handler(), className, hook, isStatic);
          numbers.put(key, number);
        }
      }
    }
    return number;
  }

  private static @Nullable MethodHook find(
      List<MethodHook> hooks, String name, String descriptor, boolean atEnd) {
    for (int i = 0; i < hooks.size(); i++) {
      MethodHook hook = hooks.get(i);
      if (hook.isAtEnd() == atEnd
          && hook.name().equals(name)
          && hook.descriptor().equals(descriptor)) {
        return hook;
      }
    }
    return null;
  }
}
