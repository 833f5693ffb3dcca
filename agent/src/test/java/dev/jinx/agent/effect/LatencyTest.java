package dev.jinx.agent.effect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.jinx.agent.document.Doc;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class LatencyTest {

  private static Latency read(Object value) {
    return Latency.read(Doc.of(Map.of("latency", value), "effect"));
  }

  private static double millis(Latency latency, double quantile) {
    return latency.sample(quantile) / 1e6;
  }

  @Test
  void a_fixed_delay_is_always_the_same() {
    for (Object form : new Object[] {"800ms", Map.of("fixed", "800ms")}) {
      assertThat(millis(read(form), 0.001)).isEqualTo(800);
      assertThat(millis(read(form), 0.999)).isEqualTo(800);
    }
  }

  @Test
  void uniform_runs_from_min_to_max() {
    Latency latency = read(Map.of("uniform", Map.of("min", "100ms", "max", "300ms")));
    assertThat(millis(latency, 1e-9)).isCloseTo(100, within(0.01));
    assertThat(millis(latency, 0.25)).isCloseTo(150, within(0.01));
    assertThat(millis(latency, 1 - 1e-9)).isCloseTo(300, within(0.01));
  }

  @Test
  void normal_has_its_quantiles_and_never_falls_below_nothing() {
    Latency latency = read(Map.of("normal", Map.of("mean", "100ms", "stddev", "20ms")));
    assertThat(millis(latency, 0.5)).isCloseTo(100, within(0.001));
    assertThat(millis(latency, 0.8413447)).isCloseTo(120, within(0.001));
    assertThat(millis(latency, 0.0227501)).isCloseTo(60, within(0.001));
    assertThat(millis(latency, 0.99)).isCloseTo(146.527, within(0.001));
    assertThat(latency.sample(1e-15)).isZero();
    // both tails are one
    assertThat(millis(latency, 0.001) + millis(latency, 0.999)).isCloseTo(200, within(0.001));
  }

  @Test
  void lognormal_has_its_median_and_its_p99() {
    Latency latency = read(Map.of("lognormal", Map.of("median", "20ms", "p99", "2s")));
    assertThat(millis(latency, 0.5)).isCloseTo(20, within(0.001));
    assertThat(millis(latency, 0.99)).isCloseTo(2000, within(0.1));
    Latency narrow = read(Map.of("lognormal", Map.of("median", "20ms", "p99", "20ms")));
    assertThat(millis(narrow, 0.1)).isCloseTo(20, within(0.001));
  }

  @Test
  void percentiles_are_joined_by_straight_lines() {
    Latency latency = read(Map.of("percentiles", Map.of("50", "20ms", "99", "2s", "99.9", "3s")));
    assertThat(millis(latency, 0.25)).isCloseTo(10, within(0.01));
    assertThat(millis(latency, 0.5)).isCloseTo(20, within(0.01));
    assertThat(millis(latency, 0.745)).isCloseTo(1010, within(0.01));
    assertThat(millis(latency, 0.99)).isCloseTo(2000, within(0.01));
    assertThat(millis(latency, 0.9999)).isCloseTo(3000, within(0.01));
    Latency one = read(Map.of("percentiles", Map.of("0", "5ms", "100", "5ms")));
    assertThat(millis(one, 0.3)).isCloseTo(5, within(0.01));
  }

  @Test
  void a_floor_stands_alone_or_beside_a_distribution() {
    Latency alone = read(Map.of("floor", "1s"));
    assertThat(alone.floor()).isEqualTo(TimeUnit.SECONDS.toNanos(1));
    assertThat(alone.sample(0.5)).isZero();
    Latency both = read(Map.of("floor", "1s", "fixed", "10ms"));
    assertThat(millis(both, 0.5)).isEqualTo(10);
    assertThat(both.longest()).isEqualTo(TimeUnit.SECONDS.toNanos(1));
  }

  @Test
  void the_longest_is_what_a_thousand_calls_would_see() {
    assertThat(read("3s").longest()).isEqualTo(TimeUnit.SECONDS.toNanos(3));
    assertThat(read(Map.of("uniform", Map.of("min", "0s", "max", "10s"))).longest())
        .isBetween(TimeUnit.MILLISECONDS.toNanos(9900), TimeUnit.SECONDS.toNanos(10));
  }
}
