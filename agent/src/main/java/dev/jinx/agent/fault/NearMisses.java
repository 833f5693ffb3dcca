package dev.jinx.agent.fault;

import dev.jinx.agent.call.CallReader;
import dev.jinx.agent.call.Field;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Why a fault did not hit: which condition failed, how often (about), and the last values that were
 * seen instead; or that what it asks for cannot be done to the calls that match.
 */
public final class NearMisses {
  private static final int KEPT = 4;

  /**
   * One condition that failed.
   *
   * @param field the condition's; {@code effect} for what cannot be done
   * @param seen the last few values that the calls had instead
   */
  public record Miss(String field, String asked, List<String> seen, long count) {}

  private final List<Target.Condition> conditions;
  // counted without a fence, on the way of every call: a lost step does not matter
  private final long[] counts;
  private final @Nullable String[][] values;

  private volatile @Nullable Miss never;

  NearMisses(List<Target.Condition> conditions) {
    this.conditions = conditions;
    this.counts = new long[conditions.size()];
    this.values = new @Nullable String[conditions.size()][KEPT];
  }

  void note(int condition, CallReader reader, Object self, @Nullable Object argument) {
    Target.Condition failed = conditions.get(condition);
    Field field = failed.field();
    String value =
        field == Field.CALLER || field == Field.THREAD
            ? null
            : reader.read(field, failed.name(), self, argument);
    values[condition][(int) (counts[condition]++ % KEPT)] = value;
  }

  /** Notes a value of an indexed field, once for each distinct value. */
  void note(Field field, String value) {
    for (int i = 0; i < conditions.size(); i++) {
      if (conditions.get(i).field() == field) {
        values[i][(int) (counts[i]++ % KEPT)] = value;
      }
    }
  }

  /** Notes a call that matches, and to which its library can never do that. */
  void never(Fault fault, String why) {
    Miss before = never;
    Object effect = fault.document().get("effect");
    String asked = effect instanceof Map<?, ?> keys ? keys.keySet().toString() : "";
    never = new Miss("effect", asked, List.of(why), before == null ? 1 : before.count() + 1);
  }

  List<Miss> seen() {
    List<Miss> misses = new ArrayList<>();
    Miss cannot = never;
    if (cannot != null) {
      misses.add(cannot);
    }
    for (int i = 0; i < counts.length; i++) {
      if (counts[i] > 0) {
        Set<String> seen = new LinkedHashSet<>();
        for (String value : values[i]) {
          if (value != null) {
            seen.add(value);
          }
        }
        misses.add(
            new Miss(
                conditions.get(i).json(),
                conditions.get(i).pattern().toString(),
                List.copyOf(seen),
                counts[i]));
      }
    }
    return misses;
  }
}
