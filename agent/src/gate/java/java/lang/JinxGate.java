package java.lang;

import java.util.function.BiFunction;
import java.util.function.BinaryOperator;

/**
 * The one class of Jinx that hooked code calls. It stands in {@code java.lang} because every class
 * loader delegates that package, OSGi's and JBoss Modules' included, and names JDK types only. The
 * agent sets its fields through a private look-up; until then, and whenever no fault is armed, the
 * gate is shut.
 */
public final class JinxGate {

  /** A bit for each operation that an armed fault may hit. */
  private static volatile long open;

  /**
   * By hook number: asks whether a call (its object, one argument) is hit, and answers with a
   * ticket or null.
   */
  private static volatile BiFunction<Object, Object, BiFunction<Object, Object[], Object>>[] hooks;

  private static volatile BinaryOperator<String> commands;

  private JinxGate() {}

  /** All that a hooked method costs while nothing is armed: one volatile read. */
  public static boolean isOpen(long operations) {
    return (open & operations) != 0;
  }

  /** The ticket of a call that is hit, or null for every other; never throws (fail open). */
  public static BiFunction<Object, Object[], Object> enter(int hook, Object self, Object argument) {
    try {
      return hooks[hook].apply(self, argument);
    } catch (Throwable bugOfOurs) {
      return null;
    }
  }

  /**
   * The bridge of the Java facade.
   *
   * @param request a line as of HTTP, {@code POST /v1/faults}
   * @param body a JSON document, or the empty string
   * @return {@code {"status":…,"body":…}}
   */
  public static String command(String request, String body) {
    BinaryOperator<String> agent = commands;
    if (agent == null) {
      return "{\"status\":503,\"body\":{\"title\":\"Not ready\",\"status\":503,\"detail\":\"the agent is not up\"}}";
    }
    return agent.apply(request, body);
  }
}
