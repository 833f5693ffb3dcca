package dev.jinx.agent.effect;

import dev.jinx.agent.document.Doc;
import dev.jinx.agent.document.Durations;
import dev.jinx.agent.document.InvalidDocument;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The call takes longer: {@code "800ms"}, or an object with one distribution, or {@code "floor"}
 * (the whole call takes at least that long), or both. Every distribution is sampled through its
 * quantile function from one uniform draw, so that a delay depends on the seed and the number of
 * the decision alone.
 *
 * @param distribution null where only a floor is asked for
 * @param floor nanoseconds, 0 for none
 */
public record Latency(@Nullable Distribution distribution, long floor) {

  /** Nanoseconds at a quantile. */
  public sealed interface Distribution {
    /**
     * @param quantile above 0 and below 1
     */
    double at(double quantile);
  }

  record Fixed(long nanos) implements Distribution {
    @Override
    public double at(double quantile) {
      return nanos;
    }
  }

  record Uniform(long min, long max) implements Distribution {
    @Override
    public double at(double quantile) {
      return min + quantile * (max - min);
    }
  }

  record Normal(long mean, long stddev) implements Distribution {
    @Override
    public double at(double quantile) {
      return mean + stddev * standardNormal(quantile);
    }
  }

  record Lognormal(double mu, double sigma) implements Distribution {
    static Lognormal of(long median, long p99) {
      double mu = Math.log(median);
      return new Lognormal(mu, (Math.log(p99) - mu) / standardNormal(0.99));
    }

    @Override
    public double at(double quantile) {
      return Math.exp(mu + sigma * standardNormal(quantile));
    }
  }

  /**
   * Straight lines between the given percentiles; from 0 up to the lowest, level above the highest.
   */
  record Percentiles(TreeMap<Double, Long> points) implements Distribution {
    @Override
    public double at(double quantile) {
      double percent = quantile * 100;
      Map.Entry<Double, Long> low = points.floorEntry(percent);
      Map.Entry<Double, Long> high = points.ceilingEntry(percent);
      if (high == null) {
        return points.lastEntry().getValue();
      }
      double fromPercent = low == null ? 0 : low.getKey();
      double fromNanos = low == null ? 0 : low.getValue();
      double width = high.getKey() - fromPercent;
      return width == 0
          ? high.getValue()
          : fromNanos + (percent - fromPercent) / width * (high.getValue() - fromNanos);
    }
  }

  static Latency read(Doc effect) {
    if (effect.value("latency") instanceof String) {
      return new Latency(new Fixed(required(effect, "latency")), 0);
    }
    if (!(effect.value("latency") instanceof Map)) {
      throw new InvalidDocument(
          effect.path("latency"),
          effect.path("latency")
              + " must be a duration such as \"800ms\", or an object with a distribution, not "
              + Doc.show(effect.value("latency")));
    }
    Doc latency = Doc.of(effect.value("latency"), effect.path("latency"));
    Long floor = latency.duration("floor");
    Distribution distribution = null;
    for (String name : new String[] {"fixed", "uniform", "normal", "lognormal", "percentiles"}) {
      if (latency.has(name)) {
        if (distribution != null) {
          throw new InvalidDocument(
              latency.path(name), latency.path() + " takes one distribution only");
        }
        distribution = distribution(latency, name);
      }
    }
    latency.done();
    if (distribution == null && floor == null) {
      throw new InvalidDocument(
          latency.path(),
          latency.path()
              + " needs a distribution (uniform, normal, lognormal, percentiles) or a floor");
    }
    return new Latency(distribution, floor == null ? 0 : floor);
  }

  private static Distribution distribution(Doc latency, String name) {
    if (name.equals("fixed")) {
      return new Fixed(required(latency, name));
    }
    Doc given = Doc.of(latency.value(name), latency.path(name));
    if (name.equals("percentiles")) {
      return percentiles(given);
    }
    Distribution distribution =
        switch (name) {
          case "uniform" -> new Uniform(required(given, "min"), atLeast("min", given, "max"));
          case "normal" -> new Normal(required(given, "mean"), required(given, "stddev"));
          default -> Lognormal.of(positive(given, "median"), atLeast("median", given, "p99"));
        };
    given.done();
    return distribution;
  }

  private static Percentiles percentiles(Doc given) {
    TreeMap<Double, Long> points = new TreeMap<>();
    for (String key : given.keys()) {
      try {
        double percent = Double.parseDouble(key);
        if (percent >= 0 && percent <= 100) {
          points.put(percent, required(given, key));
          continue;
        }
      } catch (NumberFormatException e) {
        // said below
      }
      throw new InvalidDocument(
          given.path(key), given.path(key) + ": a percentile is a number from 0 to 100");
    }
    long last = 0;
    for (Map.Entry<Double, Long> point : points.entrySet()) {
      if (point.getValue() < last) {
        throw new InvalidDocument(
            given.path(), given.path() + " must not fall: a higher percentile is at least as long");
      }
      last = point.getValue();
    }
    if (points.isEmpty()) {
      throw new InvalidDocument(given.path(), given.path() + " needs at least one percentile");
    }
    return new Percentiles(points);
  }

  private static long required(Doc doc, String key) {
    Long nanos = doc.duration(key);
    if (nanos == null) {
      throw new InvalidDocument(doc.path(key), doc.path(key) + " is missing");
    }
    return nanos;
  }

  private static long positive(Doc doc, String key) {
    long nanos = required(doc, key);
    if (nanos == 0) {
      throw new InvalidDocument(doc.path(key), doc.path(key) + " must be more than 0");
    }
    return nanos;
  }

  private static long atLeast(String lowKey, Doc doc, String key) {
    long nanos = required(doc, key);
    if (nanos < required(doc, lowKey)) {
      throw new InvalidDocument(
          doc.path(key), doc.path(key) + " must be at least " + doc.path(lowKey));
    }
    return nanos;
  }

  /**
   * A delay.
   *
   * @param quantile above 0 and below 1
   * @return nanoseconds, 0 or more
   */
  public long sample(double quantile) {
    return distribution == null
        ? 0
        : (long) Math.max(0, Math.min(distribution.at(quantile), Long.MAX_VALUE / 4.0));
  }

  /**
   * The longest delay that is likely (of a thousand), to hold against the limit of what may be
   * asked for.
   */
  public long longest() {
    return Math.max(floor, sample(0.999));
  }

  public String summary() {
    return distribution instanceof Fixed fixed
        ? "latency " + Durations.format(fixed.nanos)
        : "latency";
  }

  /**
   * The inverse of the standard normal distribution, after P. J. Acklam; relative error below
   * 1.2e-9.
   */
  private static double standardNormal(double p) {
    if (p < 0.02425) {
      return tail(Math.sqrt(-2 * Math.log(p)));
    }
    if (p > 1 - 0.02425) {
      return -tail(Math.sqrt(-2 * Math.log(1 - p)));
    }
    double q = p - 0.5;
    double r = q * q;
    return (((((-3.969683028665376e+01 * r + 2.209460984245205e+02) * r - 2.759285104469687e+02) * r
                            + 1.383577518672690e+02)
                        * r
                    - 3.066479806614716e+01)
                * r
            + 2.506628277459239e+00)
        * q
        / (((((-5.447609879822406e+01 * r + 1.615858368580409e+02) * r - 1.556989798598866e+02) * r
                            + 6.680131188771972e+01)
                        * r
                    - 1.328068155288572e+01)
                * r
            + 1);
  }

  private static double tail(double q) {
    return (((((-7.784894002430293e-03 * q - 3.223964580411365e-01) * q - 2.400758277161838e+00) * q
                            - 2.549732539343734e+00)
                        * q
                    + 4.374664141464968e+00)
                * q
            + 2.938163982698783e+00)
        / ((((7.784695709041462e-03 * q + 3.224671290700398e-01) * q + 2.445134137142996e+00) * q
                    + 3.754408661907416e+00)
                * q
            + 1);
  }
}
