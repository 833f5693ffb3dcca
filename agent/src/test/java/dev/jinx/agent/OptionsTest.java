package dev.jinx.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jinx.agent.document.InvalidDocument;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OptionsTest {

  @Test
  void defaults() {
    Options options = Options.read(null, Map.of(), Map.of());

    assertThat(options)
        .isEqualTo(
            new Options(
                true,
                null,
                "127.0.0.1",
                null,
                null,
                null,
                TimeUnit.MINUTES.toNanos(10),
                10_000,
                Long.MAX_VALUE,
                "info"));
  }

  @Test
  void theAgentsOwnOptionsWinOverTheEnvironmentAndThatOverProperties() {
    Map<String, String> environment =
        Map.of("JINX_PORT", "2", "JINX_TOKEN_FILE", "from-environment");
    Map<String, String> properties =
        Map.of("jinx.port", "3", "jinx.tokenFile", "from-property", "jinx.host", "::1");

    Options options = Options.read("port=1", environment, properties);

    assertThat(options.port()).isEqualTo(1);
    assertThat(options.tokenFile()).isEqualTo("from-environment");
    assertThat(options.host()).isEqualTo("::1");
  }

  @Test
  void portOff() {
    assertThat(Options.read("port=off", Map.of(), Map.of()).port()).isEqualTo(-1);
  }

  @Test
  void aValueMayHoldAnEqualsSign() {
    assertThat(Options.read("token=ab==", Map.of(), Map.of()).token()).isEqualTo("ab==");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "prot=1|unknown option \"prot\"; known: enabled, port",
        "port|the option \"port\" has no value",
        "port=seven|the option port must be a whole number from 0 to 65535, not \"seven\"",
        "port=70000|the option port must be a whole number from 0 to 65535",
        "enabled=yes|the option enabled must be true or false",
        "log=loud|the option log must be off, warn, info or debug",
        "maxDelay=5|the option maxDelay must be a duration such as",
      })
  void aBadOptionIsNamed(String arguments, String sentence) {
    assertThatThrownBy(() -> Options.read(arguments, Map.of(), Map.of()))
        .isInstanceOf(InvalidDocument.class)
        .hasMessageStartingWith(sentence);
  }
}
