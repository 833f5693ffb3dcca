package dev.jinx.agent.point.jdbc;

import dev.jinx.agent.point.jdbc.SqlTokens.Token;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The statements of a text: where each begins and ends, what it does, and its common tables. */
final class SqlStatements {
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
          Map.entry("refresh", "ddl"),
          Map.entry("comment", "ddl"),
          Map.entry("grant", "ddl"),
          Map.entry("revoke", "ddl"),
          Map.entry("call", "call"),
          Map.entry("exec", "call"),
          Map.entry("execute", "call"));

  private static final Set<String> ROUTINES =
      Set.of("function", "procedure", "trigger", "package", "event", "type");

  /** What follows BEGIN where it begins a transaction and not a block of code. */
  private static final Set<String> TRANSACTION =
      Set.of(
          "work",
          "transaction",
          "tran",
          "isolation",
          "read",
          "immediate",
          "deferred",
          "exclusive",
          "not",
          "concurrent");

  private final SqlTokens tokens;
  private final Set<String> kinds = new LinkedHashSet<>();
  private final Set<String> tables = new LinkedHashSet<>();

  private SqlStatements(SqlTokens tokens) {
    this.tokens = tokens;
  }

  static SqlStatements of(SqlTokens tokens) {
    SqlStatements all = new SqlStatements(tokens);
    int start = 0;
    while (start < tokens.size()) {
      start = all.statement(start) + 1;
    }
    return all;
  }

  /** What they do; {@code other} alone. */
  List<String> kinds() {
    kinds.remove("other");
    return kinds.isEmpty() ? List.of("other") : List.copyOf(kinds);
  }

  List<String> tables() {
    return List.copyOf(tables);
  }

  /** Reads the statement that begins here and returns where it ends. */
  private int statement(int start) {
    int verb = afterBrackets(start);
    boolean block = isBlock(verb);
    int end = block ? tokens.size() : tokens.endOfStatement(start);
    List<SqlTables.Common> common = new ArrayList<>();
    SqlTables named = new SqlTables(tokens, common, end);
    for (int i = verb; i < end; i++) {
      if (at(i).isWord("with") && isCommonTable(i)) {
        int after = commonTables(i, end, common, named);
        if (i == verb) {
          verb = afterBrackets(after);
        }
      }
    }
    String word = at(verb).type() == SqlTokens.WORD ? at(verb).text() : "";
    boolean session = word.equals("alter") && isSession(at(verb + 1).text()); // of Oracle's
    String kind = session ? "other" : KINDS.getOrDefault(word, "other");
    kinds.add(kind);
    int target = word.equals("explain") ? explained(verb, end) : verb;
    named.target(target, KINDS.getOrDefault(at(target).text(), kind));
    // a WITH comes before its verb, so all of the statement is looked at
    named.read(start, kind, word);
    tables.addAll(named.names());
    return end;
  }

  private int afterBrackets(int i) {
    while (at(i).isSign('(') || at(i).isSign('{') || at(i).isSign('?') || at(i).isSign('=')) {
      i++;
    }
    return i;
  }

  private static boolean isSession(String word) {
    return word.equals("session") || word.equals("system");
  }

  /** The statement that an EXPLAIN is about. */
  private int explained(int explain, int end) {
    for (int i = explain + 1; i < Math.min(end, explain + 16); i++) {
      if (at(i).type() == SqlTokens.WORD && KINDS.containsKey(at(i).text())) {
        return i;
      }
    }
    return explain;
  }

  // ---- WITH

  /** The common tables of a WITH; returns the place of the verb after them. */
  private int commonTables(int with, int end, List<SqlTables.Common> common, SqlTables named) {
    boolean recursive = at(with + 1).isWord("recursive");
    int i = recursive ? with + 2 : with + 1;
    int scope = Math.min(end, tokens.endOfBracket(with));
    while (at(i).isName()) {
      String name = at(i++).text();
      if (at(i).isSign('(')) {
        i = tokens.close(i) + 1;
      }
      while (at(i).type() == SqlTokens.WORD) { // as not materialized
        i++;
      }
      if (!at(i).isSign('(')) {
        break;
      }
      int close = tokens.close(i);
      // some dialects do without the word
      boolean itself = recursive || tokens.has(i, close, "union");
      common.add(new SqlTables.Common(name, itself ? i : close, scope));
      Token verb = at(i + 1);
      String kind = KINDS.getOrDefault(verb.text(), "other");
      if (verb.type() == SqlTokens.WORD && !kind.equals("select") && !kind.equals("other")) {
        kinds.add(kind);
        named.target(i + 1, kind);
      }
      i = close + 1;
      if (!at(i).isSign(',')) {
        break;
      }
      i++;
    }
    while (i < scope && !isVerb(i)) { // search, cycle
      i++;
    }
    return i;
  }

  private boolean isVerb(int i) {
    return at(i).isSign('(') || at(i).type() == SqlTokens.WORD && KINDS.containsKey(at(i).text());
  }

  private boolean isCommonTable(int with) {
    int i = at(with + 1).isWord("recursive") ? with + 2 : with + 1;
    if (!at(i).isName()) {
      return false;
    }
    i++;
    if (at(i).isSign('(')) {
      i = tokens.close(i) + 1;
    }
    return at(i).isWord("as")
        && (at(i + 1).isSign('(') || at(i + 2).isSign('(') || at(i + 3).isSign('('));
  }

  // ---- code

  /** Whether the text from here on is one body of code with semicolons of its own. */
  private boolean isBlock(int verb) {
    Token next = at(verb + 1);
    if (at(verb).isWord("begin")) {
      return next.type() == SqlTokens.WORD && !TRANSACTION.contains(next.text());
    }
    if (at(verb).isWord("declare")) {
      return !next.text().startsWith("@"); // a variable of a batch
    }
    if (at(verb).isWord("create")) {
      for (int i = verb; i < verb + 8 && !at(i).isSign('(') && !at(i).isSign(';'); i++) {
        if (ROUTINES.contains(at(i).text()) && !at(i - 1).isWord("table")) {
          return true;
        }
      }
    }
    return false;
  }

  private Token at(int i) {
    return tokens.at(i);
  }
}
