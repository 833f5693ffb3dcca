package dev.jinx.agent.point.jdbc;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What an SQL text does, as far as a fault can ask for it. Worked out once per distinct text; to
 * look a known text up allocates nothing.
 *
 * @param kinds what it does: {@code select insert update delete ddl call}, or {@code other} alone.
 *     Several for several statements and for a {@code WITH} that changes data. {@code MERGE} is an
 *     update; {@code REPLACE} and {@code UPSERT} are inserts; {@code TRUNCATE}, {@code GRANT} and
 *     {@code COMMENT} are ddl; {@code VALUES} is a select; {@code EXPLAIN}, {@code COPY} and
 *     anonymous blocks are other
 * @param tables the tables it names, in lower case and without quotes; of a qualified name also the
 *     last part alone
 * @param normal the text with comments dropped, white space folded, literals replaced by {@code ?}
 */
record SqlText(List<String> kinds, List<String> tables, String normal) {
  // a longer text (a bulk insert) is judged by its beginning and not remembered
  private static final int LONGEST = 1 << 16;
  private static final int TEXTS = 1 << 10;
  private static final int CHARACTERS = 1 << 20;

  /** Two generations of texts: those not asked for while the young one fills up are forgotten. */
  private static volatile Generation young = new Generation();

  private static volatile Generation old = new Generation();

  private static final class Generation {
    final Map<String, SqlText> texts = new ConcurrentHashMap<>();
    final AtomicInteger characters = new AtomicInteger();

    boolean isFull() {
      return characters.get() > CHARACTERS || texts.size() >= TEXTS;
    }
  }

  static SqlText of(String sql) {
    SqlText known = young.texts.get(sql);
    if (known != null) {
      return known;
    }
    if (sql.length() > LONGEST) {
      return read(sql.substring(0, LONGEST));
    }
    known = old.texts.get(sql);
    return remember(sql, known != null ? known : read(sql));
  }

  private static SqlText remember(String sql, SqlText text) {
    Generation now = young;
    if (now.isFull()) { // a race here costs no more than a few texts read again
      old = now;
      now = new Generation();
      young = now;
    }
    now.characters.addAndGet(sql.length());
    now.texts.put(sql, text);
    return text;
  }

  static int remembered() {
    return young.texts.size() + old.texts.size();
  }

  private static SqlText read(String sql) {
    SqlTokens tokens = SqlTokens.of(sql);
    SqlStatements statements = SqlStatements.of(tokens);
    return new SqlText(statements.kinds(), statements.tables(), tokens.normal());
  }
}
