package dev.jinx;

import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SortedMap;

/** How long a call is held: {@code effect.latency} of a fault document. Each call draws its own. */
public final class Latency {

  private final Map<String, Object> json;

  private Latency(Map<String, Object> json) {
    this.json = json;
  }

  /** Any time between the two, each as likely. */
  public static Latency uniform(Duration min, Duration max) {
    return of("uniform", "min", min, "max", max);
  }

  /** A normal distribution, cut off at zero. */
  public static Latency normal(Duration mean, Duration stddev) {
    return of("normal", "mean", mean, "stddev", stddev);
  }

  /**
   * A log-normal distribution: the long tail of a real service. One call in a hundred takes longer
   * than {@code p99}.
   */
  public static Latency lognormal(Duration median, Duration p99) {
    return of("lognormal", "median", median, "p99", p99);
  }

  /**
   * A measured distribution.
   *
   * @param percentiles the latency by percentile, such as 50 and 99.9; what lies between is
   *     interpolated
   */
  public static Latency percentiles(SortedMap<? extends Number, Duration> percentiles) {
    Map<String, Object> points = new LinkedHashMap<>();
    percentiles.forEach((percentile, duration) -> points.put(percentile + "", text(duration)));
    return new Latency(Map.of("percentiles", points));
  }

  /** Pads a call that would end sooner to this; a call that takes longer by itself is not held. */
  public static Latency atLeast(Duration floor) {
    return new Latency(Map.of("floor", text(floor)));
  }

  /** The same distribution, with every call padded to at least this. */
  public Latency floor(Duration floor) {
    Map<String, Object> padded = new LinkedHashMap<>(json);
    padded.put("floor", text(floor));
    return new Latency(padded);
  }

  Map<String, Object> json() {
    return json;
  }

  private static Latency of(String name, String a, Duration first, String b, Duration second) {
    return new Latency(Map.of(name, Json.fields(a, text(first), b, text(second))));
  }

  /**
   * A duration as documents write it: to the microsecond, in the largest unit that keeps it whole.
   */
  static String text(Duration duration) {
    Duration rounded = duration.plusNanos(500).truncatedTo(ChronoUnit.MICROS);
    long seconds = rounded.getSeconds();
    int micros = rounded.getNano() / 1000;
    if (micros % 1000 != 0) {
      return Math.addExact(Math.multiplyExact(seconds, 1_000_000), micros) + "us";
    } else if (micros != 0 || seconds == 0) {
      return rounded.toMillis() + "ms";
    } else if (seconds % 3600 == 0) {
      return seconds / 3600 + "h";
    }
    return seconds % 60 == 0 ? seconds / 60 + "m" : seconds + "s";
  }
}
