package dev.jinx.agent.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Source;
import org.junit.jupiter.api.Test;

class MetricsTest {

  @Test
  void tells_the_counters_of_each_fault() {
    Armory armory = Armories.create();
    new Commands(armory, Armories.status())
        .run(
            Source.ENDPOINT,
            "POST",
            "/v1/faults",
            null,
            Armories.fault("a:1").replace("\"effect\"", "\"selection\":{\"after\":1},\"effect\""));
    Armories.call(armory, "payments");
    Armories.call(armory, "payments");
    Armories.call(armory, "payments");
    assertThat(Metrics.of(armory).lines())
        .contains(
            "# TYPE jinx_faults_armed gauge",
            "jinx_faults_armed 1",
            "jinx_calls_active 0",
            "jinx_halted 0",
            "jinx_logged_total 2",
            "# TYPE jinx_injections_total counter",
            "jinx_injections_total{fault=\"a:1\",kind=\"http\"} 2",
            "jinx_matched_total{fault=\"a:1\",kind=\"http\"} 3",
            "jinx_skipped_total{fault=\"a:1\",reason=\"after\"} 1")
        .anyMatch(line -> line.matches("jinx_internal_failures_total \\d+"));
    armory.halt("enough");
    assertThat(Metrics.of(armory).lines())
        .contains("jinx_halted 1", "jinx_faults_armed 0", "jinx_logged_total 2");
  }

  @Test
  void label_values_are_escaped() {
    assertThat(Metrics.escaped("a\"b\\c\nd")).isEqualTo("a\\\"b\\\\c\\nd");
  }
}
