package dev.jinx.agent.point;

import dev.jinx.agent.call.CallReader;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Fault;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.fault.OwnThread;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.MethodHook;
import dev.jinx.agent.weave.Original;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * A hooked method at which faults of one operation hit: reads its calls and carries injections out.
 */
public abstract class HookPoint implements Handler, CallReader, Armory.Choice {
  private final Armory armory;
  private final Operation operation;

  protected HookPoint(Armory armory, Operation operation) {
    this.armory = armory;
    this.operation = operation;
  }

  public final Armory armory() {
    return armory;
  }

  public final Operation operation() {
    return operation;
  }

  @Override
  public final long hits() {
    return operation.bit();
  }

  /**
   * A hook of this point that opens with its operation; the class is not what was expected without
   * the method.
   */
  public final MethodHook on(String method, String descriptor, int argument) {
    return new MethodHook(method, descriptor, argument, operation.bit(), this, true);
  }

  @Override
  public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
      Original original, Object self, @Nullable Object argument) {
    try {
      if (OwnThread.isCurrent() || !concerns(self, argument)) {
        return null;
      }
      Injection injection = armory.match(operation, this, this, self, argument);
      if (injection == null) {
        return null;
      }
      return new BiFunction<>() {
        @Override
        public @Nullable Object apply(Object it, Object[] arguments) {
          return HookPoint.this.<RuntimeException>carryOut(injection, original, it, arguments);
        }
      };
    } catch (Throwable e) {
      OwnFailures.note(e);
      return null;
    }
  }

  /**
   * Checked exceptions pass through the ticket, whose type cannot declare them: the hooked method
   * can.
   */
  @SuppressWarnings("unchecked")
  private <E extends Throwable> @Nullable Object carryOut(
      Injection injection, Original original, Object self, Object[] arguments) throws E {
    try {
      return inject(injection, original, self, arguments);
    } catch (Throwable e) {
      throw (E) e;
    }
  }

  /** Whether a call is one of those that faults are about at all; cheap, for every call. */
  protected boolean concerns(Object self, @Nullable Object argument) {
    return true;
  }

  @Override
  public boolean carries(Fault fault, Object self, @Nullable Object argument) {
    return true;
  }

  /**
   * Carries an injection out in place of the method. Whatever happens, {@link Injection#finish} is
   * to be called in the end.
   *
   * @return the method's result
   */
  protected abstract @Nullable Object inject(
      Injection injection, Original original, Object self, Object[] arguments) throws Throwable;
}
