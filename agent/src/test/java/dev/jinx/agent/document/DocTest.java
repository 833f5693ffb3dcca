package dev.jinx.agent.document;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class DocTest {

  private static Doc doc(@Nullable Object... keysAndValues) {
    Map<Object, @Nullable Object> map = new LinkedHashMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      map.put(String.valueOf(keysAndValues[i]), keysAndValues[i + 1]);
    }
    return Doc.of(map, "effect");
  }

  private static void refused(String field, ThrowingCallable reading) {
    assertThatThrownBy(reading)
        .isInstanceOfSatisfying(InvalidDocument.class, e -> assertThat(e.field()).isEqualTo(field));
  }

  @Test
  void reads_values_of_their_types() {
    Doc doc = doc("t", "x", "n", 3, "l", 4L, "d", 0.5, "o", Map.of("k", "v"), "w", "2s");
    assertThat(doc.text("t")).isEqualTo("x");
    assertThat(doc.whole("n", 0, 10)).isEqualTo(3);
    assertThat(doc.whole("l", 0, 10)).isEqualTo(4);
    assertThat(doc.number("d", 0, 1)).isEqualTo(0.5);
    assertThat(doc.number("n", 0, 3)).isEqualTo(3.0);
    assertThat(doc.duration("w")).isEqualTo(2_000_000_000L);
    Doc object = doc.object("o");
    assertThat(object == null ? null : object.path("k")).isEqualTo("effect.o.k");
    doc.done();
  }

  @Test
  void what_is_absent_is_null() {
    Doc doc = doc();
    assertThat(doc.text("a")).isNull();
    assertThat(doc.whole("a", 0, 1)).isNull();
    assertThat(doc.number("a", 0, 1)).isNull();
    assertThat(doc.duration("a")).isNull();
    assertThat(doc.object("a")).isNull();
    assertThat(doc.texts("a")).isNull();
    assertThat(doc.has("a")).isFalse();
  }

  @Test
  void wrong_types_and_ranges_name_the_field() {
    refused("effect.a", () -> doc("a", 1).text("a"));
    refused("effect.a", () -> doc("a", null).text("a"));
    refused("effect.a", () -> doc().requiredText("a"));
    refused("effect.a", () -> doc("a", "1").whole("a", 0, 5));
    refused("effect.a", () -> doc("a", 1.0).whole("a", 0, 5));
    refused("effect.a", () -> doc("a", 6).whole("a", 0, 5));
    refused("effect.a", () -> doc("a", -1).whole("a", 0, 5));
    refused("effect.a", () -> doc("a", 1.1).number("a", 0, 1));
    refused("effect.a", () -> doc("a", Double.NaN).number("a", 0, 1));
    refused("effect.a", () -> doc("a", true).number("a", 0, 1));
    refused("effect.a", () -> doc("a", List.of()).object("a"));
    refused("effect.a", () -> doc("a", 5).duration("a"));
    refused("effect", () -> Doc.of("text", "effect"));
    refused("", () -> Doc.of(null, ""));
  }

  @Test
  void texts_are_one_or_several_texts_or_numbers() {
    assertThat(doc("a", "x").texts("a")).containsExactly("x");
    assertThat(doc("a", 8080).texts("a")).containsExactly("8080");
    assertThat(doc("a", List.of("x", 80L)).texts("a")).containsExactly("x", "80");
    refused("effect.a", () -> doc("a", List.of()).texts("a"));
    refused("effect.a", () -> doc("a", true).texts("a"));
    refused("effect.a", () -> doc("a", List.of(List.of())).texts("a"));
    refused("effect.a", () -> doc("a", Arrays.asList("x", null)).texts("a"));
    refused("effect.a", () -> doc("a", 1.5).texts("a"));
  }

  @Test
  void a_field_that_nobody_asked_for_is_an_error_that_says_what_is_known() {
    Doc doc = doc("latency", "1s", "latnecy", "1s");
    doc.has("error");
    doc.text("latency");
    assertThatThrownBy(doc::done)
        .hasMessage("unknown field effect.latnecy; known here: error, latency");
    refused("effect.latnecy", doc::done);
  }
}
