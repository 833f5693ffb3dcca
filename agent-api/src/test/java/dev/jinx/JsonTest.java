package dev.jinx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {

  @Test
  void writes_every_kind_of_value() {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("text", "a");
    object.put("list", Arrays.asList(1, 2.5, true, null));
    object.put("empty", Map.of());

    assertThat(Json.write(object))
        .isEqualTo("{\"text\":\"a\",\"list\":[1,2.5,true,null],\"empty\":{}}");
  }

  @Test
  void escapes_what_would_break_out_of_a_text() {
    assertThat(Json.write("\"\\\n\t\u0000\uD800/ä"))
        .isEqualTo("\"\\\"\\\\\\n\\u0009\\u0000\\ud800/ä\"");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "\"", "\\", "a\r\n\tb", "\b\f\u001f\u007f", "😀", "\u2028ü", "\uDC00\uD800"})
  void reads_back_the_text_that_it_wrote(String text) {
    assertThat(Json.read(Json.write(Map.of(text, text)))).isEqualTo(Map.of(text, text));
  }

  @Test
  void writes_no_number_that_json_cannot_hold() {
    assertThatIllegalArgumentException().isThrownBy(() -> Json.write(Double.NaN));
    assertThatIllegalArgumentException().isThrownBy(() -> Json.write(new Object()));
  }

  @Test
  void reads_every_kind_of_value() {
    assertThat(
            Json.read(
                " { \"a\" : [ 1 , -2.5e3, true, false, null, {}, [] ] , \"b\":\"\\u00e4\\/\" }\n"))
        .isEqualTo(
            Map.of(
                "a",
                Arrays.asList(1L, -2500.0, true, false, null, Map.of(), List.of()),
                "b",
                "ä/"));
  }

  @Test
  void keeps_all_bits_of_a_whole_number() {
    assertThat(Json.read("9223372036854775807")).isEqualTo(Long.MAX_VALUE);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "[1",
        "{\"a\"}",
        "{\"a\":1,}",
        "[1 2]",
        "\"a",
        "\"\\x\"",
        "\"\\u00g0\"",
        "tru",
        "1x",
        "{} {}",
        "{a:1}"
      })
  void refuses_what_is_not_json(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Json.read(text))
        .withMessageContaining("Not JSON at character");
  }
}
