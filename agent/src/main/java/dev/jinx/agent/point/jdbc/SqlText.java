package dev.jinx.agent.point.jdbc;

import dev.jinx.agent.point.jdbc.SqlTokens.Token;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What an SQL text does, as far as a fault can ask for it. Worked out once per distinct text; to
 * look a known text up allocates nothing.
 *
 * @param kinds what it does: {@code select insert update delete ddl call}, or {@code other} alone.
 *     Several for several statements and for a {@code WITH} that changes data. {@code MERGE} is an
 *     update; {@code REPLACE} and {@code UPSERT} are inserts; {@code TRUNCATE}, {@code GRANT} and
 *     {@code COMMENT} are ddl; {@code VALUES} is a select; {@code EXPLAIN} is other
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
    return new Reading(tokens.tokens).result(tokens.normal());
  }

  private static final class Reading {
    private static final Map<String, String> KINDS =
        Map.ofEntries(
            Map.entry("select", "select"),
            Map.entry("values", "select"),
            Map.entry("table", "select"),
            Map.entry("from", "select"),
            Map.entry("insert", "insert"),
            Map.entry("replace", "insert"),
            Map.entry("upsert", "insert"),
            Map.entry("update", "update"),
            Map.entry("merge", "update"),
            Map.entry("delete", "delete"),
            Map.entry("create", "ddl"),
            Map.entry("alter", "ddl"),
            Map.entry("drop", "ddl"),
            Map.entry("truncate", "ddl"),
            Map.entry("rename", "ddl"),
            Map.entry("comment", "ddl"),
            Map.entry("grant", "ddl"),
            Map.entry("revoke", "ddl"),
            Map.entry("call", "call"),
            Map.entry("exec", "call"),
            Map.entry("execute", "call"));

    private static final Set<String> ROUTINES =
        Set.of("function", "procedure", "trigger", "package", "event", "type");

    /** Words between a verb and the table it works on. */
    private static final Set<String> MODIFIERS =
        Set.of(
            "only",
            "lateral",
            "if",
            "not",
            "exists",
            "ignore",
            "low_priority",
            "quick",
            "delayed",
            "high_priority",
            "or",
            "rollback",
            "abort",
            "fail",
            "concurrently",
            "table",
            "tables");

    /** Words that end a list of tables. */
    private static final Set<String> ENDS =
        Set.of(
            "where",
            "group",
            "having",
            "order",
            "limit",
            "offset",
            "fetch",
            "union",
            "intersect",
            "except",
            "minus",
            "window",
            "for",
            "set",
            "values",
            "select",
            "returning",
            "qualify",
            "connect",
            "start",
            "when",
            "duplicate",
            "conflict",
            "add",
            "drop",
            "alter");

    /** Functions whose arguments hold FROM or USING. */
    private static final Set<String> FUNCTIONS =
        Set.of("extract", "substring", "trim", "overlay", "convert", "position");

    private final List<Token> tokens;
    private final Set<String> kinds = new LinkedHashSet<>();
    private final Set<String> tables = new LinkedHashSet<>();
    private final Set<String> named = new LinkedHashSet<>();

    Reading(List<Token> tokens) {
      this.tokens = tokens;
    }

    SqlText result(String normal) {
      int start = 0;
      while (start < tokens.size()) {
        start = statement(start) + 1;
      }
      kinds.remove("other");
      tables.removeAll(named);
      return new SqlText(
          kinds.isEmpty() ? List.of("other") : List.copyOf(kinds), List.copyOf(tables), normal);
    }

    /** Reads the statement that begins here and returns where it ends. */
    private int statement(int start) {
      int verb = start;
      while (at(verb).isSign('(')
          || at(verb).isSign('{')
          || at(verb).isSign('?')
          || at(verb).isSign('=')) {
        verb++;
      }
      if (at(verb).isWord("with")) {
        verb = commonTables(verb);
      }
      String word = at(verb).type() == SqlTokens.WORD ? at(verb).text() : "";
      String kind = KINDS.getOrDefault(word, "other");
      int end = isBlock(verb) ? tokens.size() : endOf(start);
      kinds.add(kind);
      target(verb, end, kind);
      boolean grants = word.equals("grant") || word.equals("revoke");
      tables(verb + 1, end, kind, word, grants);
      return end;
    }

    /** The common tables of a WITH; returns the place of the verb after them. */
    private int commonTables(int with) {
      int i = at(with + 1).isWord("recursive") ? with + 2 : with + 1;
      while (at(i).isName()) {
        String name = at(i++).text();
        if (at(i).isSign('(')) {
          i = close(i) + 1;
        }
        if (!at(i).isWord("as")) {
          break;
        }
        while (at(i).type() == SqlTokens.WORD) { // as not materialized
          i++;
        }
        if (!at(i).isSign('(')) {
          break;
        }
        named.add(name);
        int end = close(i);
        String verb = at(i + 1).text();
        String kind = KINDS.getOrDefault(verb, "other");
        if (kind.equals("select") || at(i + 1).isWord("with") || at(i + 1).isSign('(')) {
          if (at(i + 1).isWord("with")) {
            commonTables(i + 1);
          }
        } else {
          kinds.add(kind);
          target(i + 1, end, kind);
        }
        tables(i + 1, end, kind, verb, false);
        i = end + 1;
        if (!at(i).isSign(',')) {
          break;
        }
        i++;
      }
      while (i < tokens.size() && !at(i).isSign(';') && !isVerb(i)) { // search, cycle
        i++;
      }
      return i;
    }

    private boolean isVerb(int i) {
      return at(i).isSign('(') || at(i).type() == SqlTokens.WORD && KINDS.containsKey(at(i).text());
    }

    /** Whether the text from here on is one body of code with semicolons of its own. */
    private boolean isBlock(int verb) {
      if (at(verb).isWord("begin")) {
        Token next = at(verb + 1);
        return next.type() == SqlTokens.WORD
            && !Set.of(
                    "work",
                    "transaction",
                    "tran",
                    "isolation",
                    "read",
                    "immediate",
                    "deferred",
                    "exclusive")
                .contains(next.text());
      }
      if (at(verb).isWord("create") || at(verb).isWord("declare")) {
        for (int i = verb; i < verb + 8 && !at(i).isSign('('); i++) {
          if (at(i).isWord("declare") || ROUTINES.contains(at(i).text())) {
            return true;
          }
        }
      }
      return false;
    }

    /** The table right after the verb, where no FROM or INTO says so. */
    private void target(int verb, int end, String kind) {
      String word = at(verb).text();
      switch (kind) {
        case "update", "insert", "ddl" -> {
          boolean table = !kind.equals("ddl") || word.equals("truncate");
          if (table && !has(verb + 1, Math.min(end, verb + 5), "into")) {
            names(verb + 1, end, true);
          }
        }
        case "delete" -> {
          if (!has(verb + 1, end, "from")) {
            names(verb + 1, end, true);
          }
        }
        default -> {
          if (word.equals("table")) {
            names(verb + 1, end, true);
          }
        }
      }
    }

    private void tables(int from, int end, String kind, String verb, boolean grants) {
      boolean ddl = kind.equals("ddl") || verb.equals("lock");
      boolean onTable = grants;
      for (int i = from; i < end; i++) {
        if (at(i).type() != SqlTokens.WORD) {
          continue;
        }
        switch (at(i).text()) {
          case "with" -> {
            if (i > from && at(i + 1).isName() && isCommonTable(i)) {
              commonTables(i);
            }
          }
          case "from" -> {
            if (!at(i - 1).isWord("distinct") && !grants && !inFunction(i)) {
              names(i + 1, end, false);
            }
          }
          case "using" -> {
            if (!ddl && !at(i + 1).isSign('(') && !inFunction(i)) { // not a join's columns
              names(i + 1, end, false);
            }
          }
          case "join" -> name(i + 1, false);
          case "into" -> {
            if (!at(i + 1).isWord("outfile") && !at(i + 1).isWord("dumpfile")) {
              name(i + 1, true);
            }
          }
          case "table", "tables", "view" -> {
            if (ddl) {
              names(i + 1, end, true);
            }
          }
          case "index", "trigger" -> onTable = ddl;
          case "on" -> {
            boolean other =
                Set.of("delete", "update", "commit", "table").contains(at(i + 1).text());
            if (onTable && !other) {
              name(i + 1, true);
            }
          }
          default -> {}
        }
      }
    }

    private boolean isCommonTable(int with) {
      int i = at(with + 1).isWord("recursive") ? with + 3 : with + 2;
      if (at(i).isSign('(')) {
        i = close(i) + 1;
      }
      return at(i).isWord("as")
          && (at(i + 1).isSign('(') || at(i + 2).isSign('(') || at(i + 3).isSign('('));
    }

    /** A list of tables, with their aliases and joins between the commas. */
    private void names(int from, int end, boolean beforeBracket) {
      name(from, beforeBracket);
      int depth = 0;
      for (int i = from; i < end && depth >= 0; i++) {
        Token token = at(i);
        if (token.isSign('(')) {
          depth++;
        } else if (token.isSign(')')) {
          depth--;
        } else if (depth == 0 && token.isSign(',')) {
          name(i + 1, beforeBracket);
        } else if (depth == 0 && token.type() == SqlTokens.WORD && ENDS.contains(token.text())) {
          return;
        }
      }
    }

    private void name(int i, boolean beforeBracket) {
      while (at(i).isSign('(')
          || at(i).type() == SqlTokens.WORD && MODIFIERS.contains(at(i).text())) {
        i++;
      }
      if (!at(i).isName() || isQuery(i)) {
        return;
      }
      StringBuilder name = new StringBuilder(at(i).text());
      String last = at(i).text();
      for (i++; at(i).isSign('.'); i++) {
        if (at(i + 1).isName()) {
          last = at(++i).text();
          name.append('.').append(last);
        }
      }
      if (beforeBracket || !at(i).isSign('(')) { // else it is a function
        tables.add(name.toString());
        tables.add(last);
      }
    }

    private boolean isQuery(int i) {
      Token token = at(i);
      return token.isWord("select") || token.isWord("with") || token.isWord("values");
    }

    private boolean inFunction(int i) {
      int depth = 0;
      while (--i > 0) {
        if (at(i).isSign(')')) {
          depth++;
        } else if (at(i).isSign('(') && depth-- == 0) {
          return FUNCTIONS.contains(at(i - 1).text());
        }
      }
      return false;
    }

    private boolean has(int from, int end, String word) {
      for (int i = from; i < end; i++) {
        if (at(i).isWord(word)) {
          return true;
        }
      }
      return false;
    }

    private int endOf(int i) {
      while (i < tokens.size() && !at(i).isSign(';')) {
        i++;
      }
      return i;
    }

    private int close(int open) {
      int depth = 0;
      for (int i = open; i < tokens.size(); i++) {
        if (at(i).isSign('(')) {
          depth++;
        } else if (at(i).isSign(')') && --depth == 0) {
          return i;
        }
      }
      return tokens.size();
    }

    private Token at(int i) {
      return i >= 0 && i < tokens.size() ? tokens.get(i) : SqlTokens.END;
    }
  }
}
