package dev.jinx.agent.fault;

import dev.jinx.agent.call.Kind;
import org.jspecify.annotations.Nullable;

/**
 * Marks the current thread as inside of a call that has been decided on, so that hooked calls of
 * the same kind beneath it pass: one logical call, one hit.
 */
public final class CallScope implements AutoCloseable {
  private static final ThreadLocal<@Nullable CallScope> CURRENT = new ThreadLocal<>();

  private final @Nullable Kind kind;
  private final @Nullable CallScope outer;

  private CallScope(@Nullable Kind kind, @Nullable CallScope outer) {
    this.kind = kind;
    this.outer = outer;
  }

  /**
   * Enters a call; to be closed on the same thread.
   *
   * @param kind null for all kinds
   */
  public static CallScope enter(@Nullable Kind kind) {
    CallScope scope = new CallScope(kind, CURRENT.get());
    CURRENT.set(scope);
    return scope;
  }

  /** Whether a call of that kind on this thread is to pass. */
  public static boolean isInside(Kind kind) {
    for (CallScope scope = CURRENT.get(); scope != null; scope = scope.outer) {
      if (scope.kind == null || scope.kind == kind) {
        return true;
      }
    }
    return false;
  }

  @Override
  public void close() {
    if (outer == null) {
      CURRENT.remove();
    } else {
      CURRENT.set(outer);
    }
  }
}
