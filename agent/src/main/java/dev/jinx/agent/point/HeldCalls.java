package dev.jinx.agent.point;

import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.Original;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * The calls that injections hold, by the object whose closing or cancelling ends them; and the hook
 * of the methods that do so. Keeps none of these objects alive.
 */
public final class HeldCalls implements Handler {
  private final WeakIdentityMap<Object, Injection> all = new WeakIdentityMap<>();

  /** A call on that object is held. */
  public void hold(Object on, Injection injection) {
    all.put(on, injection);
  }

  /** It is held no more. */
  public void release(Object on, Injection injection) {
    if (all.get(on) == injection) {
      all.remove(on);
    }
  }

  /** Ends what is held on that object. */
  public void close(Object on) {
    Injection injection = all.get(on);
    if (injection != null) {
      injection.close();
    }
  }

  /** The hooked method closes or cancels {@code self}, and goes on. */
  @Override
  public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
      Original original, Object self, @Nullable Object argument) {
    close(self);
    return null;
  }
}
