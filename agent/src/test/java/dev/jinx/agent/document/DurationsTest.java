package dev.jinx.agent.document;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DurationsTest {

  @ParameterizedTest
  @CsvSource({
    "250us,250000",
    "800ms,800000000",
    "2s,2000000000",
    "5m,300000000000",
    "1h,3600000000000",
    "1.5s,1500000000",
    "0ms,0",
    "0.5us,500"
  })
  void reads(String text, long nanos) {
    assertThat(Durations.parse(text, "ttl")).isEqualTo(nanos);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "5",
        "ms",
        "5 ms",
        "-5ms",
        "5MS",
        "5d",
        "1e3ms",
        "1.2.3s",
        ".s",
        "٣s",
        "5ms ",
        "99999999999999999h",
        "1m30s",
        "NaNs",
        "0x5s"
      })
  void what_is_no_duration_is_an_error_that_names_the_field(String text) {
    assertThatThrownBy(() -> Durations.parse(text, "selection.startIn"))
        .isInstanceOfSatisfying(
            InvalidDocument.class, e -> assertThat(e.field()).isEqualTo("selection.startIn"))
        .hasMessageContaining("\"800ms\"");
  }

  @Test
  void a_number_is_no_duration() {
    assertThatThrownBy(() -> Durations.parse(5, "ttl")).isInstanceOf(InvalidDocument.class);
    assertThatThrownBy(() -> Durations.parse(null, "ttl")).isInstanceOf(InvalidDocument.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"250us", "1500us", "800ms", "90s", "2s", "5m", "1h", "36h"})
  void formats_what_it_reads(String text) {
    assertThat(Durations.parse(Durations.format(Durations.parse(text, "")), ""))
        .isEqualTo(Durations.parse(text, ""));
  }

  @Test
  void formats_in_the_largest_unit_that_is_exact() {
    assertThat(Durations.format(TimeUnit.SECONDS.toNanos(300))).isEqualTo("5m");
    assertThat(Durations.format(TimeUnit.MILLISECONDS.toNanos(1500))).isEqualTo("1500ms");
    assertThat(Durations.format(0)).isEqualTo("0us");
  }

  @ParameterizedTest
  @CsvSource({"299s,4m59s", "3700s,1h1m", "59s,59s", "999ms,999ms", "0us,0ms"})
  void approximates_for_people(String given, String text) {
    assertThat(Durations.approximate(Durations.parse(given, ""))).isEqualTo(text);
  }
}
