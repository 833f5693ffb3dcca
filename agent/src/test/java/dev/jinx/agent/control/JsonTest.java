package dev.jinx.agent.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jinx.agent.document.InvalidDocument;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {

  @Test
  void reads_a_tree_in_the_order_of_the_text() {
    Map<?, ?> tree =
        Tree.read(
            """
            {"z": 1, "a": [2147483648, 0.25, -1e3, true, false, null, "\\u00e9\\n"], "m": {}}
            """);
    assertThat(tree)
        .isEqualTo(
            Map.of(
                "z",
                1,
                "a",
                Arrays.asList(2147483648L, 0.25, -1000.0, true, false, null, "é\n"),
                "m",
                Map.of()));
    assertThat(tree.keySet().toString()).isEqualTo("[z, a, m]");
  }

  @Test
  void writes_what_it_reads() {
    String text = "{\"b\":[1,2.5,true,null,\"\\\"\\\\\\n\"],\"a\":{\"c\":9007199254740993}}";
    assertThat(Json.write(Json.read(text))).isEqualTo(text);
    assertThat(Json.write(List.of())).isEqualTo("[]");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "  ",
        "{",
        "[1,]",
        "{\"a\":1}{",
        "1 2",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "// x\n1",
        "[NaN]",
        "[Infinity]",
        "[01]",
        "[1e999]",
        "[99999999999999999999]",
        "\"\t\"",
        "nul",
        "{\"a\":1,\"a\":2}",
        "{\"x\":{\"a\":1,\"b\":2,\"a\":2}}"
      })
  void what_is_not_strictly_json_is_an_error_with_its_place(String text) {
    assertThatThrownBy(() -> Json.read(text))
        .isInstanceOf(InvalidDocument.class)
        .hasMessageStartingWith("not JSON: ")
        .hasMessageMatching(text.isBlank() ? ".*is empty" : "(?s).*\\(line \\d+, column \\d+\\)");
  }

  @Test
  void says_line_and_column() {
    assertThatThrownBy(() -> Json.read("{\n  \"a\": 1,\n  \"a\": 2\n}"))
        .hasMessageContaining("line 3, column");
  }

  @Test
  void nesting_is_limited() {
    assertThat(Json.read("[".repeat(50) + "]".repeat(50))).isInstanceOf(List.class);
    assertThatThrownBy(() -> Json.read("[".repeat(100_000))).isInstanceOf(InvalidDocument.class);
    assertThatThrownBy(() -> Json.read("[" + "1".repeat(2000) + "]"))
        .isInstanceOf(InvalidDocument.class);
  }
}
