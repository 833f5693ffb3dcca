package dev.jinx.agent.point.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SqlTextTest {
  /**
   * A text of the corpus: what it does and the tables it names, in a first line; then the text, and
   * in a last line its normal form.
   */
  record Known(Set<String> kinds, Set<String> tables, String sql, String normal) {
    static Known of(String entry) {
      int header = entry.indexOf('\n');
      int last = entry.lastIndexOf('\n');
      String[] what = entry.substring(0, header).split(": ?", 2);
      return new Known(
          Set.of(what[0].split(" ")),
          what[1].isEmpty() ? Set.of() : Set.of(what[1].split(", ")),
          last > header ? entry.substring(header + 1, last) : "",
          entry.substring(last + 1).replaceFirst("^= ?", ""));
    }

    @Override
    public String toString() {
      return sql;
    }
  }

  static List<Known> corpus() throws IOException {
    try (InputStream in = SqlTextTest.class.getResourceAsStream("statements.txt")) {
      String all = new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
      return Stream.of(all.strip().split("\n\n")).map(Known::of).toList();
    }
  }

  @ParameterizedTest
  @MethodSource("corpus")
  void tells_what_a_statement_does_and_to_which_tables(Known known) {
    SqlText text = SqlText.of(known.sql());

    assertThat(text.kinds()).containsExactlyInAnyOrderElementsOf(known.kinds());
    assertThat(text.tables()).containsExactlyInAnyOrderElementsOf(known.tables());
    assertThat(text.normal()).isEqualTo(known.normal());
  }

  @Test
  void what_the_letters_case_and_the_spaces_are_changes_nothing() throws IOException {
    for (Known known : corpus()) {
      if (known.sql().matches("(?s).*('|--|\"|`|#|\\[|\\$|@).*")) {
        continue; // where they mean something
      }
      SqlText text = SqlText.of(known.sql().toUpperCase(Locale.ROOT).replace(" ", "\n\t"));
      assertThat(text.kinds()).as(known.sql()).hasSameElementsAs(known.kinds());
      assertThat(text.tables()).as(known.sql()).hasSameElementsAs(known.tables());
    }
  }

  @Test
  void a_text_is_read_once() {
    String sql = "select * from read_once";
    SqlText text = SqlText.of(sql);

    assertThat(SqlText.of(String.valueOf(sql.toCharArray()))).isSameAs(text);
  }

  // ---- garbage

  @Test
  @Timeout(60)
  void garbage_is_read_as_far_as_it_goes() throws IOException {
    List<String> texts = corpus().stream().map(Known::sql).toList();
    Random random = new Random(42);
    for (int i = 0; i < 40_000; i++) {
      StringBuilder text = new StringBuilder(texts.get(random.nextInt(texts.size())));
      for (int changes = 1 + random.nextInt(4); changes > 0; changes--) {
        mutate(text, texts.get(random.nextInt(texts.size())), random);
      }
      assertThat(SqlText.of(text.toString()).kinds()).as(text.toString()).isNotEmpty();
    }
  }

  private static final String SIGNS = "'\"`[](){};/*-#$@?:\\.,=\0\u00e9\ud83d";

  private static void mutate(StringBuilder text, String other, Random random) {
    int from = random.nextInt(text.length() + 1);
    int to = from + random.nextInt(text.length() - from + 1);
    switch (random.nextInt(6)) {
      case 0 -> text.delete(from, to);
      case 1 -> text.insert(from, SIGNS.charAt(random.nextInt(SIGNS.length())));
      case 2 -> text.insert(from, text.substring(from, to));
      case 3 -> text.insert(from, other);
      case 4 -> text.setLength(from);
      default -> text.replace(from, to, other.substring(random.nextInt(other.length() + 1)));
    }
  }

  @Test
  @Timeout(60)
  void a_long_text_of_nothing_but_one_thing_ends() {
    for (String each :
        List.of(
            "with a as (",
            "(",
            ")",
            "from ",
            "join (",
            "a,",
            "from a,",
            "select (",
            "/*",
            "/*!",
            "'",
            "\"",
            "[",
            "$a$",
            "begin ",
            ";",
            "@",
            "top(",
            "q'",
            "using ",
            "on ",
            "{",
            ".")) {
      assertThat(SqlText.of(each.repeat(20_000 / each.length())).kinds()).as(each).isNotEmpty();
    }
  }

  @Test
  void normal_text_has_no_comments_no_literals_and_single_spaces() {
    assertThat(
            SqlText.of("/* x */ SELECT  a,\n 'it''s', -1.5e+3, 0xFF, .5 -- end\n FROM t1 ; ")
                .normal())
        .isEqualTo("SELECT a, ?, -?, ?, ? FROM t1");
    assertThat(
            SqlText.of("select * from t where a = $1 and b = ?2 and c = :c and d in (1,2)")
                .normal())
        .isEqualTo("select * from t where a = $1 and b = ?2 and c = :c and d in (?,?)");
    assertThat(SqlText.of("insert into \"T 1\" values (date '2020-01-01', N'x', $$y$$)").normal())
        .isEqualTo("insert into \"T 1\" values (date ?, ?, ?)");
  }

  @Test
  void a_broken_text_is_read_as_far_as_it_goes() {
    for (String sql :
        new String[] {
          "'", "select * from", "with", "with a as (", "/*", "$x$", "[", "((", "delete", "0x"
        }) {
      assertThat(SqlText.of(sql)).as(sql).isNotNull();
    }
    assertThat(SqlText.of("select * from t where a = 'open").tables()).containsExactly("t");
  }

  @Test
  void the_cache_is_bounded_and_a_known_text_costs_no_allocation() {
    for (int i = 0; i < 100_000; i++) {
      SqlText.of("select " + i + " from t" + i);
    }
    String sql = "select * from orders where id = 1";
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long seen = 0;
    for (int i = 0; i < 20_000; i++) {
      seen += SqlText.of(sql).kinds().size();
    }
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < 10_000; i++) {
      seen += SqlText.of(sql).kinds().size();
    }
    assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(10_000);
    assertThat(seen).isEqualTo(30_000);
    assertThat(SqlText.remembered()).isLessThan(3_000);
  }
}
