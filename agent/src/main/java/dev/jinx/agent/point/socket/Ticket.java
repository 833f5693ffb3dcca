package dev.jinx.agent.point.socket;

import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * What comes in place of a hooked method, with the checked exceptions that the method may throw.
 */
abstract class Ticket implements BiFunction<Object, Object[], @Nullable Object> {

  abstract @Nullable Object call(Object self, Object[] arguments) throws Throwable;

  @Override
  public final @Nullable Object apply(Object self, Object[] arguments) {
    return this.<RuntimeException>result(self, arguments);
  }

  @SuppressWarnings("unchecked")
  private <E extends Throwable> @Nullable Object result(Object self, Object[] arguments) throws E {
    try {
      return call(self, arguments);
    } catch (Throwable e) {
      throw (E) e;
    }
  }
}
