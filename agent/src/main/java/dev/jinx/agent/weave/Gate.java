package dev.jinx.agent.weave;

import java.io.IOException;
import java.io.InputStream;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.BinaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The agent's side of {@code java.lang.JinxGate}. The class is defined through a private look-up,
 * which, unlike appending to the boot loader's search, prints nothing and leaves an archive of
 * shared classes in use.
 */
public final class Gate {
  static final String CLASS = "java/lang/JinxGate";

  private final Access access;
  private final VarHandle open;
  private final VarHandle hooks;
  private final VarHandle commands;
  private final List<BiFunction<Object, Object, BiFunction<Object, Object[], Object>>> table =
      new ArrayList<>();

  private Gate(Access access, Class<?> type) throws ReflectiveOperationException {
    this.access = access;
    MethodHandles.Lookup lookup = access.in(type);
    open = lookup.findStaticVarHandle(type, "open", long.class);
    hooks = lookup.findStaticVarHandle(type, "hooks", BiFunction[].class);
    commands = lookup.findStaticVarHandle(type, "commands", BinaryOperator.class);
  }

  /** Defines the gate's class, shut. */
  public static Gate define(Access access) throws IOException, ReflectiveOperationException {
    try (InputStream in = Gate.class.getClassLoader().getResourceAsStream(CLASS + ".class")) {
      if (in == null) {
        throw new IOException("the jar is incomplete: " + CLASS + " is missing");
      }
      return new Gate(access, access.in(Object.class).defineClass(in.readAllBytes()));
    }
  }

  /** Opens the gate for these operations and shuts it for all others. */
  public void open(long operations) {
    open.setVolatile(operations);
  }

  /** Connects the Java facade. */
  public void commands(BinaryOperator<String> bridge) {
    commands.setVolatile(bridge);
  }

  /** Gives a hooked method its number. */
  synchronized int register(Handler handler, String className, MethodHook hook, boolean isStatic) {
    Original original =
        new Original(access, className.replace('/', '.'), hook.name(), hook.descriptor(), isStatic);
    table.add(new Entry(handler, original));
    hooks.setVolatile(table.toArray(new BiFunction<?, ?, ?>[0]));
    return table.size() - 1;
  }

  private record Entry(Handler handler, Original original)
      implements BiFunction<Object, Object, BiFunction<Object, Object[], Object>> {
    @Override
    @SuppressWarnings("NullAway") // null is the gate's word for "let it go on"
    public @Nullable BiFunction<Object, Object[], Object> apply(Object self, Object argument) {
      return handler.enter(original, self, argument);
    }
  }
}
