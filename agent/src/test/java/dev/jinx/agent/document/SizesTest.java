package dev.jinx.agent.document;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SizesTest {

  @ParameterizedTest
  @CsvSource({"0B,0", "512B,512", "64KB,65536", "1MB,1048576", "1.5KB,1536"})
  void reads(String text, long bytes) {
    assertThat(Sizes.parse(text, "effect.limit.after")).isEqualTo(bytes);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "5", "KB", "5 KB", "-5B", "5kb", "1GB", "1e3B", "9999999999B"})
  void refuses(String text) {
    assertThatThrownBy(() -> Sizes.parse(text, "effect.limit.after"))
        .isInstanceOf(InvalidDocument.class)
        .hasMessageContaining("effect.limit.after")
        .hasMessageContaining("64KB");
  }

  @ParameterizedTest
  @CsvSource({"500B/s,500", "64KB/s,65536", "0.5KB/s,512"})
  void readsRates(String text, long bytes) {
    assertThat(Sizes.parseRate(text, "effect.bandwidth")).isEqualTo(bytes);
  }

  @ParameterizedTest
  @ValueSource(strings = {"0B/s", "64KB", "64KB/m", "/s"})
  void refusesRates(String text) {
    assertThatThrownBy(() -> Sizes.parseRate(text, "effect.bandwidth"))
        .hasMessageContaining("64KB/s");
  }

  @Test
  void formats() {
    assertThat(Sizes.format(0)).isEqualTo("0B");
    assertThat(Sizes.format(1000)).isEqualTo("1000B");
    assertThat(Sizes.format(65536)).isEqualTo("64KB");
    assertThat(Sizes.format(3 << 20)).isEqualTo("3MB");
  }
}
