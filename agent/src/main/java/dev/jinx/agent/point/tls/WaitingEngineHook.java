package dev.jinx.agent.point.tls;

import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.point.tls.Handshakes.Handshake;
import dev.jinx.agent.weave.Original;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * The method by which a library hands to its engine what has been received, and which leaves where
 * it is what the engine does not take. While a handshake is held it does nothing, and no thread
 * waits: a timer has it called again. What is to fail then fails in the engine ({@link
 * JdkSslEngine}), with all that the library makes of that.
 */
abstract class WaitingEngineHook extends EngineHook {
  private static final BiFunction<Object, Object[], @Nullable Object> NOTHING =
      new BiFunction<>() {
        @Override
        public @Nullable Object apply(Object self, Object[] arguments) {
          return null;
        }
      };

  WaitingEngineHook(Armory armory, Handshakes handshakes) {
    super(armory, handshakes);
  }

  @Override
  final boolean canWait() {
    return true;
  }

  /** Whether a first handshake is under way, and something of the peer's is there. */
  abstract boolean isAnswered(Object self) throws Throwable;

  /** What is to come in place of the method of a handshake that is held no more. */
  @Nullable BiFunction<Object, Object[], @Nullable Object> due(
      Handshake handshake, Original original, Object self) {
    return null;
  }

  /** Has the hooked method called again, on a thread of the library's. */
  abstract void resume(Object self, Object[] arguments) throws Throwable;

  @Override
  public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
      Original original, Object self, @Nullable Object argument) {
    try {
      Handshake handshake = handshakes.of(engine(self));
      if (handshake != null) {
        return handshake.isHeld() ? NOTHING : due(handshake, original, self);
      }
      return isAnswered(self) ? super.enter(original, self, argument) : null;
    } catch (Throwable e) {
      OwnFailures.note(e);
      return null;
    }
  }

  @Override
  protected @Nullable Object inject(
      Injection injection, Original original, Object self, Object[] arguments) throws Throwable {
    Handshake handshake = handshakes.of(engine(self));
    if (handshake != null) {
      handshake.plan(injection);
    }
    if (handshake == null || injection.delay(Phase.BEFORE, Long.MAX_VALUE) <= 0) {
      injection.finish();
      var due = handshake == null ? null : due(handshake, original, self);
      return due == null ? original.call(self, arguments) : due.apply(self, arguments);
    }
    handshake.hold(injection);
    injection.later(
        Phase.BEFORE,
        Long.MAX_VALUE,
        waited -> {
          handshake.release();
          injection.finish();
          try {
            resume(self, arguments);
          } catch (Throwable e) {
            OwnFailures.note(e);
          }
        });
    return null;
  }
}
