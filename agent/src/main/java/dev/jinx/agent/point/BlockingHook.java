package dev.jinx.agent.point;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Ending;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.effect.Response;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.BodyFlow;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.weave.Original;
import org.jspecify.annotations.Nullable;

/**
 * A hooked method that blocks its caller, as the real failure would. What its library says about it
 * is for subclasses.
 */
public abstract class BlockingHook extends HookPoint {

  protected BlockingHook(Armory armory, Operation operation) {
    super(armory, operation);
  }

  /**
   * Nanoseconds that the caller's own settings let a call wait; {@code Long.MAX_VALUE} for ever.
   */
  protected abstract long patience(Phase phase, Object self, Object[] arguments) throws Throwable;

  /** What the library does once that patience is over. */
  protected abstract Outcome outOfPatience(Phase phase, Object self, Object[] arguments)
      throws Throwable;

  /** How the library fails. */
  protected abstract Outcome failed(Failure failure, Phase phase, Object self, Object[] arguments)
      throws Throwable;

  /** How the library gives an answer that never came over the wire; only http. */
  protected Outcome answered(Response response, Phase phase, Object self, Object[] arguments)
      throws Throwable {
    return Outcome.GO_ON;
  }

  /** The call's real result with its body made to come as it is to; only http. */
  protected @Nullable Object flowing(
      @Nullable Object result, BodyFlow flow, Object self, Object[] arguments) throws Throwable {
    return result;
  }

  /** Whether an interrupt ends a call of this kind for real. */
  protected boolean interruptible(Object self) {
    return false;
  }

  /**
   * What the library does when the waiting thread was interrupted (only where {@link
   * #interruptible}).
   */
  protected Outcome interrupted(Object self, Object[] arguments) throws Throwable {
    return Outcome.GO_ON;
  }

  /** What the library does when what the call works on is closed meanwhile. */
  protected Outcome closed(Object self, Object[] arguments) throws Throwable {
    return Outcome.GO_ON;
  }

  /** A real outcome that is not handed on, as its bearer never arrived: closes what it holds. */
  protected void discard(@Nullable Object result, Object self) throws Throwable {}

  /**
   * Called around the wait, so that {@link Injection#close} can be called when what the call works
   * on is closed.
   */
  protected Injection.Waited await(Injection injection, Phase phase, long limit, Object self)
      throws Throwable {
    return injection.await(phase, limit, interruptible(self));
  }

  /** What is beneath the call and part of it: all of its kind. */
  protected CallScope scope() {
    return CallScope.enter(operation().kind());
  }

  /** The real call, where nothing comes in its place. */
  protected @Nullable Object proceed(Original original, Object self, Object[] arguments)
      throws Throwable {
    return original.call(self, arguments);
  }

  @Override
  protected @Nullable Object inject(
      Injection injection, Original original, Object self, Object[] arguments) throws Throwable {
    try (CallScope scope = scope()) {
      Outcome before = outcome(injection, Phase.BEFORE, self, arguments);
      if (before != Outcome.GO_ON) {
        return before.get();
      }
      Object result = proceed(original, self, arguments);
      Outcome after =
          injection.hasAfter() ? outcome(injection, Phase.AFTER, self, arguments) : Outcome.GO_ON;
      if (after != Outcome.GO_ON) {
        discard(result, self);
        return after.get();
      }
      return flowing(injection, result, self, arguments);
    } finally {
      injection.finish();
    }
  }

  private @Nullable Object flowing(
      Injection injection, @Nullable Object result, Object self, Object[] arguments) {
    BodyFlow flow = injection.flow();
    try {
      return flow == null ? result : flowing(result, flow, self, arguments);
    } catch (Throwable e) {
      OwnFailures.note(e);
      return result;
    }
  }

  private Outcome outcome(Injection injection, Phase phase, Object self, Object[] arguments) {
    try {
      switch (await(injection, phase, patience(phase, self, arguments), self)) {
        case TIMED_OUT -> {
          return outOfPatience(phase, self, arguments);
        }
        case INTERRUPTED -> {
          return interrupted(self, arguments);
        }
        case CLOSED -> {
          return closed(self, arguments);
        }
        case ELAPSED -> {}
      }
      Ending ending = injection.ending(phase);
      if (ending instanceof Response response) {
        return answered(response, phase, self, arguments);
      }
      return ending instanceof Failure failure
          ? failed(failure, phase, self, arguments)
          : Outcome.GO_ON;
    } catch (Throwable e) {
      OwnFailures.note(e);
      return Outcome.GO_ON;
    }
  }
}
