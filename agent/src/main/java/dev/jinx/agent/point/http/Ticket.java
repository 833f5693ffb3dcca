package dev.jinx.agent.point.http;

import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** What a hooked method does in place of its own body. */
@FunctionalInterface
interface Ticket {

  @Nullable Object carryOut(Object self, Object[] arguments) throws Throwable;

  /** The same, with exceptions that a handler cannot declare, but the hooked method can throw. */
  static BiFunction<Object, Object[], @Nullable Object> of(Ticket ticket) {
    return (self, arguments) -> {
      try {
        return ticket.carryOut(self, arguments);
      } catch (Throwable e) {
        Ticket.<RuntimeException>rethrow(e);
        return null;
      }
    };
  }

  /** Throws what the compiler would not let pass. */
  @SuppressWarnings("unchecked")
  static <E extends Throwable> void rethrow(Throwable failure) throws E {
    throw (E) failure;
  }
}
