package dev.jinx.agent.fault;

import dev.jinx.agent.call.CallReader;
import dev.jinx.agent.call.Field;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Why a fault did not match: which condition failed, how often (about), and the last values that
 * were seen instead.
 */
public final class NearMisses {
  private static final int KEPT = 4;

  /**
   * One condition that failed.
   *
   * @param seen the last few values that the calls had instead
   */
  public record Miss(String field, String asked, List<String> seen, long count) {}

  private final List<Target.Condition> conditions;
  // counted without a fence, on the way of every call: a lost step does not matter
  private final long[] counts;
  private final @Nullable String[][] values;

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

  List<Miss> seen() {
    List<Miss> misses = new ArrayList<>();
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
