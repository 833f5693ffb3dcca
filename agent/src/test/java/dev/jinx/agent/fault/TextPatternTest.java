package dev.jinx.agent.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jinx.agent.document.InvalidDocument;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TextPatternTest {

  private static TextPattern host(String... patterns) {
    return new TextPattern(List.of(patterns), (char) 0, true, "target.host");
  }

  private static TextPattern path(String... patterns) {
    return new TextPattern(List.of(patterns), '/', false, "target.path");
  }

  @ParameterizedTest
  @CsvSource({
    "payments,payments,true",
    "payments,PAYMENTS,true",
    "payments,payments.svc,false",
    "payments.*,payments.svc.local,true",
    "payments.*,payments,false",
    "*.local,payments.svc.local,true",
    "*pay*,my-payments,true",
    "p*y*s,payments,true",
    "*,'',true",
    "**,anything,true",
    "/^pay/,payments,true",
    "/^pay/,xpay,false",
    "/MENTS$/,payments,true",
    "/,/,true"
  })
  void hosts(String pattern, String text, boolean matches) {
    assertThat(host(pattern).matches(text)).isEqualTo(matches);
  }

  @ParameterizedTest
  @CsvSource({
    "/v1/charges,/v1/charges,true",
    "/v1/charges,/V1/charges,false",
    "/v1/*,/v1/charges,true",
    "/v1/*,/v1/charges/7,false",
    "/v1/*/refunds,/v1/7/refunds,true",
    "/v1/*/refunds,/v1/7/8/refunds,false",
    "/v1/**,/v1/charges/7,true",
    "/v1/**,/v1/,true",
    "/v1/**,/v1,true",
    "/v1/**,/v10,false",
    "/*/**,/v1,true",
    "/**,/,true",
    "**/refunds,/a/b/refunds,true",
    "/**/7/*,/a/7/b/7/c,true",
    "/**/x*z/y,/a/x/z/xz/y,true",
    "/v1/,/v1/,true",
    "/v1/,/a/v1/b,false",
    "'/v\\d+/','/api/v22',true",
    "'/^\\/v1$/',/v1,true"
  })
  void paths(String pattern, String text, boolean matches) {
    assertThat(path(pattern).matches(text)).isEqualTo(matches);
  }

  @Test
  void any_of_several_and_none_of_the_excluded() {
    TextPattern pattern = host("payments*", "refunds", "^payments-test", "^*.local");
    assertThat(pattern.matches("payments")).isTrue();
    assertThat(pattern.matches("refunds")).isTrue();
    assertThat(pattern.matches("payments-test")).isFalse();
    assertThat(pattern.matches("payments.local")).isFalse();
    assertThat(pattern.matches("orders")).isFalse();
    assertThat(host("^orders").matches("payments")).isTrue();
    assertThat(host("^orders").matches("orders")).isFalse();
  }

  @Test
  void what_a_call_does_not_have_is_only_accepted_by_exclusions() {
    assertThat(host("*").matches(null)).isFalse();
    assertThat(host("payments").matches(null)).isFalse();
    assertThat(host("/./").matches(null)).isFalse();
    assertThat(host("^payments").matches(null)).isTrue();
  }

  @Test
  void wrong_patterns_name_the_field() {
    for (String wrong : List.of("", "^", "/(/", "/[/")) {
      assertThatThrownBy(() -> host(wrong))
          .isInstanceOfSatisfying(
              InvalidDocument.class, e -> assertThat(e.field()).isEqualTo("target.host"));
    }
  }

  @Test
  void many_stars_take_no_more_than_a_moment() {
    String text = "a".repeat(5000);
    Assertions.assertTimeoutPreemptively(
        Duration.ofSeconds(20),
        () -> {
          assertThat(host("*a".repeat(20) + "b").matches(text)).isFalse();
          assertThat(path("*a".repeat(20) + "b").matches(text)).isFalse();
          assertThat(path("**a*a*a*a*a*b").matches(text)).isFalse();
        });
  }

  @Test
  void globs_are_what_regular_expressions_make_of_them() {
    Random random = new Random(1);
    String[] parts = {"a", "b", "/", "*", "**"};
    for (int i = 0; i < 20_000; i++) {
      StringBuilder pattern = new StringBuilder("b");
      StringBuilder text = new StringBuilder("b");
      for (int n = random.nextInt(7); n > 0; n--) {
        pattern.append(parts[random.nextInt(5)]);
      }
      for (int n = random.nextInt(8); n > 0; n--) {
        text.append(parts[random.nextInt(3)]);
      }
      String expression =
          pattern
              .toString()
              .replaceAll("(/\\*\\*)+$", "(/>)?")
              .replace("**", ">")
              .replace("*", "[^/]*")
              .replace(">", ".*");
      assertThat(path(pattern.toString()).matches(text.toString()))
          .as(pattern + " on " + text)
          .isEqualTo(Pattern.matches(expression, text));
    }
  }
}
