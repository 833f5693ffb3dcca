package dev.jinx.agent.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.jinx.agent.document.Doc;
import dev.jinx.agent.document.InvalidDocument;
import dev.jinx.agent.fault.Selection.Skip;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SelectionTest {

  private static Selection read(Map<String, ?> selection) {
    return Selection.read(Doc.of(selection, "selection"), 42);
  }

  /** The decisions as a text: {@code x} for a hit, {@code .} for none. */
  private static String decisions(Selection selection, int count) {
    StringBuilder text = new StringBuilder();
    for (int n = 0; n < count; n++) {
      text.append(selection.decide(n) == null ? 'x' : '.');
    }
    return text.toString();
  }

  @Test
  void without_a_word_every_call_is_hit() {
    assertThat(decisions(Selection.read(null, 1), 5)).isEqualTo("xxxxx");
    assertThat(decisions(read(Map.of()), 5)).isEqualTo("xxxxx");
  }

  @Test
  void after_first_and_every_count_one_behind_the_other() {
    assertThat(decisions(read(Map.of("after", 2)), 6)).isEqualTo("..xxxx");
    assertThat(decisions(read(Map.of("first", 2)), 6)).isEqualTo("xx....");
    assertThat(decisions(read(Map.of("every", 3)), 9)).isEqualTo("..x..x..x");
    assertThat(decisions(read(Map.of("after", 1, "first", 3)), 6)).isEqualTo(".xxx..");
    assertThat(decisions(read(Map.of("after", 1, "first", 4, "every", 2)), 8))
        .isEqualTo("..x.x...");
  }

  @Test
  void a_sequence_is_gone_through_once() {
    assertThat(decisions(read(Map.of("sequence", "fail,fail,pass,fail")), 7)).isEqualTo("xx.x...");
    assertThat(decisions(read(Map.of("sequence", "fail, pass", "after", 1)), 5)).isEqualTo(".x...");
    assertThat(decisions(read(Map.of("sequence", "fail,pass,fail", "every", 2)), 8))
        .isEqualTo(".x...x..");
  }

  @Test
  void each_skip_has_its_reason() {
    assertThat(read(Map.of("after", 1)).decide(0)).isEqualTo(Skip.AFTER);
    assertThat(read(Map.of("first", 1)).decide(1)).isEqualTo(Skip.FIRST);
    assertThat(read(Map.of("every", 2)).decide(0)).isEqualTo(Skip.EVERY);
    assertThat(read(Map.of("sequence", "pass")).decide(0)).isEqualTo(Skip.SEQUENCE);
    assertThat(read(Map.of("rate", 0)).decide(0)).isEqualTo(Skip.RATE);
  }

  @ParameterizedTest
  @CsvSource({"0.01", "0.25", "0.5", "0.9"})
  void the_rate_is_the_share_that_is_hit_whatever_the_seed(double rate) {
    for (long seed : new long[] {0, 1, 2, 1L << 52}) {
      Selection selection = read(Map.of("rate", rate, "seed", seed));
      int count = 100_000;
      long hits = IntStream.range(0, count).filter(n -> selection.decide(n) == null).count();
      // five standard deviations
      double bound = 5 * Math.sqrt(rate * (1 - rate) / count);
      assertThat((double) hits / count).isCloseTo(rate, within(bound));
    }
  }

  @Test
  void the_rates_ends_are_never_and_always() {
    assertThat(decisions(read(Map.of("rate", 0.0)), 1000)).doesNotContain("x");
    assertThat(decisions(read(Map.of("rate", 1)), 1000)).doesNotContain(".");
  }

  @Test
  void draws_are_uniform_and_neighbours_have_nothing_in_common() {
    Selection selection = read(Map.of("seed", 7));
    int count = 100_000;
    int[] buckets = new int[16];
    double products = 0;
    for (int n = 0; n < count; n++) {
      double draw = selection.draw(n, 0);
      assertThat(draw > 0 && draw < 1).isTrue();
      buckets[(int) (draw * 16)]++;
      products += (draw - 0.5) * (selection.draw(n + 1, 0) - 0.5);
    }
    double expected = count / 16.0;
    double chiSquare = 0;
    for (int bucket : buckets) {
      chiSquare += (bucket - expected) * (bucket - expected) / expected;
    }
    // 15 degrees of freedom, one in a hundred thousand
    assertThat(chiSquare).isLessThan(50);
    // the correlation, in units of its variance
    assertThat(products / count * 12).isCloseTo(0, within(5 / Math.sqrt(count)));
  }

  @Test
  void decisions_are_replayed_by_the_seed_in_any_order() {
    Map<String, ?> document = Map.of("rate", 0.3, "seed", 99);
    String once = decisions(read(document), 500);
    assertThat(decisions(read(document), 500)).isEqualTo(once);
    Selection again = read(document);
    for (int n = 499; n >= 0; n--) {
      assertThat(again.decide(n) == null).isEqualTo(once.charAt(n) == 'x');
    }
    assertThat(decisions(read(Map.of("rate", 0.3, "seed", 100)), 500)).isNotEqualTo(once);
    // as it was in the first version: a seed in a bug report stays good
    assertThat(decisions(read(Map.of("rate", 0.5, "seed", 1)), 32)).isEqualTo(FIRST_VERSION);
  }

  private static final String FIRST_VERSION = "x.x.x..xxx..x..x..xx.x..xx..xx.x";

  @Test
  void the_streams_of_one_decision_are_apart() {
    Selection selection = read(Map.of("seed", 5));
    List<Double> decisions = new ArrayList<>();
    List<Double> delays = new ArrayList<>();
    for (int n = 0; n < 100; n++) {
      decisions.add(selection.draw(n, 0));
      delays.add(selection.draw(n, 1));
    }
    assertThat(decisions).doesNotContainAnyElementsOf(delays);
  }

  @ParameterizedTest
  @CsvSource({
    "rate,1.1",
    "rate,-0.1",
    "after,-1",
    "first,0",
    "every,0",
    "maxInjections,0",
    "maxActive,0",
    "seed,-1",
    "after,0.5"
  })
  void numbers_out_of_range_name_the_field(String field, double value) {
    Object number = value == Math.rint(value) ? (Object) (int) value : (Object) value;
    assertThatThrownBy(() -> read(Map.of(field, number)))
        .isInstanceOfSatisfying(
            InvalidDocument.class, e -> assertThat(e.field()).isEqualTo("selection." + field));
  }

  @ParameterizedTest
  @CsvSource({"''", "fial", "'fail,,pass'", "FAIL", "'fail,'"})
  void a_sequence_has_two_words(String sequence) {
    assertThatThrownBy(() -> read(Map.of("sequence", sequence)))
        .isInstanceOfSatisfying(
            InvalidDocument.class, e -> assertThat(e.field()).isEqualTo("selection.sequence"));
  }
}
