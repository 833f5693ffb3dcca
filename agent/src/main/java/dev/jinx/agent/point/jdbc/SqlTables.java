package dev.jinx.agent.point.jdbc;

import dev.jinx.agent.point.jdbc.SqlTokens.Token;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** The tables that one statement names. */
final class SqlTables {
  /** A name that WITH gives, and where it stands for no table. */
  record Common(String name, int from, int to) {}

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
          "replace",
          "concurrently",
          "table",
          "tables",
          "oj");

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
          "from",
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
          "option",
          "output",
          "procedure");

  /** Words that may follow a table and are no alias of it. */
  private static final Set<String> NO_ALIAS =
      Set.of(
          "as",
          "join",
          "inner",
          "left",
          "right",
          "full",
          "cross",
          "natural",
          "outer",
          "on",
          "using",
          "with",
          "use",
          "force",
          "ignore",
          "straight_join",
          "partition");

  /** Functions whose arguments hold FROM or USING. */
  private static final Set<String> FUNCTIONS =
      Set.of("extract", "substring", "trim", "overlay", "convert", "position");

  /** What rights are granted on, other than tables. */
  private static final Set<String> NO_TABLE =
      Set.of(
          "schema",
          "database",
          "all",
          "function",
          "procedure",
          "routine",
          "sequence",
          "type",
          "domain",
          "language",
          "tablespace",
          "directory",
          "column",
          "foreign",
          "large",
          "delete",
          "update",
          "commit");

  private final SqlTokens tokens;
  private final List<Common> common;
  private final int end;
  private final Set<String> names = new LinkedHashSet<>();
  private final Set<String> targets = new LinkedHashSet<>();
  private final Set<String> aliases = new HashSet<>();

  SqlTables(SqlTokens tokens, List<Common> common, int end) {
    this.tokens = tokens;
    this.common = common;
    this.end = end;
  }

  /** In the order in which they stand, those that a verb works on first. */
  Set<String> names() {
    Set<String> all = new LinkedHashSet<>();
    for (String target : targets) {
      if (!aliases.contains(target) || names.contains(target)) { // update t … from orders t
        all.add(target);
      }
    }
    all.addAll(names);
    return all;
  }

  // ---- right after the verb

  /** The table right after the verb, where no FROM or INTO says so. */
  void target(int verb, String kind) {
    String word = at(verb).text();
    boolean named =
        switch (kind) {
          case "update" -> !tokens.has(verb + 1, Math.min(end, verb + 6), "into");
          case "insert" ->
              !tokens.has(verb + 1, Math.min(end, verb + 6), "into")
                  && !at(verb + 1).isWord("all")
                  && !at(verb + 1).isWord("first");
          case "delete" -> !hasFrom(verb + 1);
          case "ddl" -> word.equals("truncate");
          default -> word.equals("table") || word.equals("copy");
        };
    if (named) {
      list(verb + 1, true, targets);
    }
  }

  /** Whether FROM comes before what it could belong to otherwise. */
  private boolean hasFrom(int i) {
    while (i < end && !at(i).isWord("where") && !at(i).isSign(')')) {
      if (at(i).isWord("from")) {
        return true;
      }
      i = at(i).isSign('(') ? tokens.close(i) + 1 : i + 1;
    }
    return false;
  }

  // ---- anywhere

  void read(int start, String kind, String verb) {
    boolean ddl = kind.equals("ddl") || verb.equals("lock");
    boolean grants = verb.equals("grant") || verb.equals("revoke");
    boolean cursor = verb.equals("fetch") || verb.equals("move");
    boolean code = verb.equals("declare") || verb.equals("begin"); // which selects into variables
    boolean onTable = grants;
    for (int i = start; i < end; i++) {
      if (at(i).type() != SqlTokens.WORD) {
        continue;
      }
      switch (at(i).text()) {
        case "from" -> {
          if (!grants && !cursor && isFrom(i)) {
            list(i + 1, false, names);
          }
        }
        case "using" -> {
          if (!ddl && !at(i + 1).isSign('(') && !inFunction(i)) { // not a join's columns
            list(i + 1, false, names);
          }
        }
        case "join", "straight_join" -> {
          if (!at(i - 1).isWord("for")) { // force index for join (i)
            name(i + 1, false, names);
          }
        }
        case "into" -> {
          boolean file = at(i + 1).isWord("outfile") || at(i + 1).isWord("dumpfile");
          if (!file && (!code || at(i - 1).isWord("insert") || at(i - 1).isWord("merge"))) {
            name(i + 1, true, names);
          }
        }
        case "table", "tables", "view" -> {
          if (verb.equals("drop") || verb.equals("lock") || verb.equals("rename")) {
            list(i + 1, true, names);
          } else if (ddl && !grants && isFirst(i, start) || isOperand(i)) {
            name(i + 1, true, names);
          }
        }
        case "to" -> {
          if (verb.equals("rename")) {
            name(i + 1, true, names);
          }
        }
        case "index", "trigger", "policy" -> onTable |= ddl;
        case "on" -> {
          if (onTable && !NO_TABLE.contains(at(i + 1).text())) {
            name(i + 1, true, names);
            onTable = false;
          }
        }
        default -> {}
      }
    }
  }

  private boolean isFrom(int i) {
    return !at(i - 1).isWord("distinct") // is distinct from
        && !at(i - 1).isWord("values") // for values from
        && !at(i + 1).isWord("stdin")
        && !at(i + 1).isWord("program")
        && !inFunction(i);
  }

  /** TABLE as the object of CREATE, ALTER, COMMENT ON, not deep in a definition. */
  private boolean isFirst(int i, int start) {
    for (int j = start; j < i; j++) {
      if (at(j).isSign('(')) {
        return false;
      }
    }
    return true;
  }

  /** {@code union all table t}. */
  private boolean isOperand(int i) {
    Token before = at(i - 1).isWord("all") ? at(i - 2) : at(i - 1);
    return before.isWord("union") || before.isWord("except") || before.isWord("intersect");
  }

  /** A list of tables, with their aliases and joins between the commas. */
  private void list(int from, boolean beforeBracket, Set<String> into) {
    name(from, beforeBracket, into);
    int depth = 0;
    for (int i = from; i < end && depth >= 0; i++) {
      Token token = at(i);
      if (token.isSign('(')) {
        depth++;
      } else if (token.isSign(')')) {
        depth--;
      } else if (depth == 0 && token.isSign(',')) {
        name(i + 1, beforeBracket, into);
      } else if (depth == 0 && token.type() == SqlTokens.WORD && ENDS.contains(token.text())) {
        return;
      }
    }
  }

  private void name(int i, boolean beforeBracket, Set<String> into) {
    i = afterModifiers(i);
    if (i >= end || !at(i).isName() || isQuery(at(i)) || at(i).text().startsWith("@")) {
      return;
    }
    int start = i;
    StringBuilder name = new StringBuilder(at(i).text());
    String last = at(i).text();
    for (i++; at(i).isSign('.'); i++) {
      if (at(i + 1).isSign('*')) { // all of a database
        return;
      }
      if (at(i + 1).isName()) {
        last = at(++i).text();
        name.append('.').append(last);
      }
    }
    if (!beforeBracket && at(i).isSign('(') && !at(i - 1).isQuoted()) { // a function
      return;
    }
    if (name.length() == last.length() && isCommon(last, start)) {
      return;
    }
    into.add(name.toString());
    into.add(last);
    if (into == names) { // that of the target itself is no other table's
      alias(i);
    }
  }

  private int afterModifiers(int i) {
    while (true) {
      Token token = at(i);
      if (token.isWord("top") && (at(i + 1).isSign('(') || at(i + 1).isSign(SqlTokens.LITERAL))) {
        i = at(i + 1).isSign('(') ? tokens.close(i + 1) + 1 : i + 2;
        i = at(i).isWord("percent") ? i + 1 : i;
      } else if (token.isSign('(')
          || token.isSign('{')
          || token.type() == SqlTokens.WORD && MODIFIERS.contains(token.text())) {
        i++;
      } else {
        return i;
      }
    }
  }

  private void alias(int i) {
    Token alias = at(i).isWord("as") ? at(i + 1) : at(i);
    if (alias.isName() && !ENDS.contains(alias.text()) && !NO_ALIAS.contains(alias.text())) {
      aliases.add(alias.text());
    }
  }

  private boolean isCommon(String name, int place) {
    for (Common each : common) {
      if (each.from <= place && place < each.to && each.name.equals(name)) {
        return true;
      }
    }
    return false;
  }

  private static boolean isQuery(Token token) {
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

  private Token at(int i) {
    return tokens.at(i);
  }
}
