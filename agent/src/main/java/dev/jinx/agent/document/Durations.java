package dev.jinx.agent.document;

import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Durations as documents write them: {@code 250us}, {@code 800ms}, {@code 2s}, {@code 5m}, {@code
 * 1h}.
 */
public final class Durations {

  private enum Unit {
    us(TimeUnit.MICROSECONDS),
    ms(TimeUnit.MILLISECONDS),
    s(TimeUnit.SECONDS),
    m(TimeUnit.MINUTES),
    h(TimeUnit.HOURS);

    private final long nanos;

    Unit(TimeUnit unit) {
      this.nanos = unit.toNanos(1);
    }
  }

  private Durations() {}

  /**
   * Reads a duration.
   *
   * @param path the field, for the error message
   * @return nanoseconds, 0 or more
   */
  public static long parse(@Nullable Object value, String path) {
    if (value instanceof String text) {
      int unitAt = 0;
      while (unitAt < text.length()
          && (Character.isDigit(text.charAt(unitAt)) || text.charAt(unitAt) == '.')) {
        unitAt++;
      }
      for (Unit unit : Unit.values()) {
        if (unitAt > 0 && unit.name().equals(text.substring(unitAt))) {
          try {
            double nanos = Double.parseDouble(text.substring(0, unitAt)) * unit.nanos;
            if (nanos <= Long.MAX_VALUE / 4.0) {
              return Math.round(nanos);
            }
          } catch (NumberFormatException e) {
            break;
          }
        }
      }
    }
    throw new InvalidDocument(
        path,
        path
            + " must be a duration such as \"250us\", \"800ms\", \"2s\", \"5m\" or \"1h\", not "
            + Doc.show(value));
  }

  /** The shortest exact form. */
  public static String format(long nanos) {
    Unit[] units = Unit.values();
    for (int i = units.length - 1; i > 0; i--) {
      if (nanos != 0 && nanos % units[i].nanos == 0) {
        return nanos / units[i].nanos + units[i].name();
      }
    }
    return TimeUnit.NANOSECONDS.toMicros(nanos) + "us";
  }

  /** A rounded form for people, of two parts at most: {@code 4m59s}. */
  public static String approximate(long nanos) {
    long seconds = TimeUnit.NANOSECONDS.toSeconds(nanos);
    if (seconds >= 3600) {
      return seconds / 3600 + "h" + seconds % 3600 / 60 + "m";
    }
    if (seconds >= 60) {
      return seconds / 60 + "m" + seconds % 60 + "s";
    }
    return seconds >= 1 ? seconds + "s" : TimeUnit.NANOSECONDS.toMillis(nanos) + "ms";
  }
}
