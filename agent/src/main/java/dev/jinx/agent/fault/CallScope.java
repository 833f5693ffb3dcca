package dev.jinx.agent.fault;

import dev.jinx.agent.call.Kind;
import dev.jinx.agent.call.Operation;
import org.jspecify.annotations.Nullable;

/**
 * Marks the current thread as inside of a call that has been decided on, so that hooked calls of
 * the same kind beneath it pass: one logical call, one hit.
 */
public final class CallScope implements AutoCloseable {
  private static final ThreadLocal<@Nullable CallScope> CURRENT = new ThreadLocal<>();

  private final @Nullable Kind kind;
  private final @Nullable Operation operation;
  private final @Nullable CallScope outer;

  private CallScope(@Nullable Kind kind, @Nullable Operation operation, @Nullable CallScope outer) {
    this.kind = kind;
    this.operation = operation;
    this.outer = outer;
  }

  /**
   * Enters a call; to be closed on the same thread.
   *
   * @param kind null for all kinds
   */
  public static CallScope enter(@Nullable Kind kind) {
    return push(new CallScope(kind, null, CURRENT.get()));
  }

  /** Enters a call beneath which other operations of its kind are calls of their own. */
  public static CallScope enterOnly(Operation operation) {
    return push(new CallScope(operation.kind(), operation, CURRENT.get()));
  }

  private static CallScope push(CallScope scope) {
    CURRENT.set(scope);
    return scope;
  }

  /** Whether a call of that operation on this thread is to pass. */
  public static boolean isInside(Operation operation) {
    for (CallScope scope = CURRENT.get(); scope != null; scope = scope.outer) {
      if (scope.kind == null
          || (scope.operation == null
              ? scope.kind == operation.kind()
              : scope.operation == operation)) {
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
