package dev.jinx.agent.weave;

import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** Who is asked when a hooked method is called while the gate is open for it. */
public interface Handler {

  /**
   * Asked at the start of every call, on the application's thread. Must not throw, block or (where
   * nothing is to happen) allocate.
   *
   * @param original the hooked method's own body
   * @param self the object whose method is called; for a static method its class
   * @param argument the one argument that the hook passes on
   * @return null to let the call go on; otherwise a ticket that gets the object and all arguments
   *     and gives the result in place of the method, or throws
   */
  @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
      Original original, Object self, @Nullable Object argument);

  /** The bits of the operations that faults can hit here; 0 where it only looks on. */
  default long hits() {
    return 0;
  }
}
