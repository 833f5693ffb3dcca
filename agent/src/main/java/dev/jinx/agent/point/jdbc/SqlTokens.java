package dev.jinx.agent.point.jdbc;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * The words of an SQL text, and the text with its comments dropped, its white space folded and its
 * literals replaced by {@code ?}. Of the dialects' differences it decides by what is there: a text
 * that would end inside a string or a comment is read again as MySQL reads it.
 */
final class SqlTokens {
  /** A word in lower case, or a quoted name with its quotes taken off, or a single other sign. */
  record Token(char type, String text) {
    boolean isWord(String word) {
      return type == WORD && text.equals(word);
    }

    boolean isSign(char sign) {
      return type == sign;
    }

    boolean isQuoted() {
      return type == QUOTED;
    }

    boolean isName() {
      return type == WORD || type == QUOTED;
    }
  }

  static final char WORD = 'w';
  static final char QUOTED = 'q';
  static final char LITERAL = '?';
  private static final Token END = new Token('\0', "");

  /** Words that a name follows, which may begin with a sign of its own. */
  private static final Set<String> BEFORE_NAME =
      Set.of("from", "into", "join", "update", "table", "exists", "using", "truncate", "delete");

  private final List<Token> tokens = new ArrayList<>();
  private final StringBuilder normal = new StringBuilder();
  private final String sql;
  // backslashes escape in strings, and comments do not nest
  private final boolean mysql;
  private int at;
  private int executable; // how many of MySQL's /*! */ are open
  private boolean complete = true;

  private SqlTokens(String sql, boolean mysql) {
    this.sql = sql;
    this.mysql = mysql;
    while (at < sql.length()) {
      next();
    }
  }

  static SqlTokens of(String sql) {
    SqlTokens standard = new SqlTokens(sql, false);
    return standard.complete ? standard : new SqlTokens(sql, true);
  }

  String normal() {
    int end = normal.length();
    while (end > 0 && (normal.charAt(end - 1) == ' ' || normal.charAt(end - 1) == ';')) {
      end--;
    }
    return normal.substring(0, end);
  }

  // ---- to walk among them

  int size() {
    return tokens.size();
  }

  /** The token there; before the first and past the last one that equals none. */
  Token at(int i) {
    return i >= 0 && i < tokens.size() ? tokens.get(i) : END;
  }

  boolean has(int from, int end, String word) {
    for (int i = from; i < end; i++) {
      if (at(i).isWord(word)) {
        return true;
      }
    }
    return false;
  }

  int endOfStatement(int i) {
    while (i < tokens.size() && !at(i).isSign(';')) {
      i++;
    }
    return i;
  }

  /** The bracket that closes the one that opens here. */
  int close(int open) {
    return endOfBracket(open + 1);
  }

  /** The bracket that closes those around this place. */
  int endOfBracket(int i) {
    int depth = 0;
    for (; i < tokens.size(); i++) {
      if (at(i).isSign('(')) {
        depth++;
      } else if (at(i).isSign(')') && depth-- == 0) {
        return i;
      }
    }
    return tokens.size();
  }

  // ---- to take them apart

  private void next() {
    char c = sql.charAt(at);
    if (Character.isWhitespace(c)) {
      at++;
      space();
    } else if (c == '-' && peek(1) == '-' || c == '#' && opensLine()) {
      at = indexOr(sql.indexOf('\n', at), sql.length());
      space();
    } else if (c == '/' && peek(1) == '*') {
      if (!executable()) {
        comment();
      }
      space();
    } else if (c == '*' && peek(1) == '/' && executable > 0) {
      executable--;
      at += 2;
      space();
    } else if (c == '\'') {
      literal(string(at, mysql));
    } else if (c == '"' || c == '`') {
      quoted(c);
    } else if (c == '[' && !continues()) {
      quoted(']');
    } else if (c == '$' && !continues() && dollarTag() > 0) {
      dollarQuoted();
    } else if (isDigit(c) || c == '.' && isDigit(peek(1)) && !continues()) {
      literal(number());
    } else if (isNameStart(c)) {
      word();
    } else {
      tokens.add(new Token(c, ""));
      normal.append(c);
      at++;
      while ((c == '?' || c == '$') && isDigit(peek(0))) { // a numbered parameter is no literal
        normal.append(sql.charAt(at++));
      }
    }
  }

  /** Whether MySQL runs what stands in this comment; goes to where that begins. */
  private boolean executable() {
    int mark = peek(2) == 'M' ? 3 : 2;
    if (peek(mark) != '!') {
      return false;
    }
    at += mark + 1;
    while (isDigit(peek(0))) { // from that version on
      at++;
    }
    executable++;
    return true;
  }

  private void word() {
    int start = at++; // it may begin with what is no part of one otherwise
    while (at < sql.length() && isNamePart(sql.charAt(at))) {
      at++;
    }
    // e'…', n'…', b'…', x'…': the prefix belongs to the string
    if (at - start == 1 && peek(0) == '\'' && "eEnNbBxX".indexOf(sql.charAt(start)) >= 0) {
      literal(string(at, mysql || Character.toLowerCase(sql.charAt(start)) == 'e'));
      return;
    }
    if (at - start <= 2
        && peek(0) == '\''
        && (at - start == 1 ? "qQ" : "nqNQnQNq").contains(sql.substring(start, at))) {
      literal(oracleString());
      return;
    }
    if (at - start == 1 && "uU".indexOf(sql.charAt(start)) >= 0 && peek(0) == '&') {
      if (peek(1) == '\'') {
        literal(string(at + 1, false));
        return;
      }
      if (peek(1) == '"') { // u&"name"
        normal.append(sql, start, ++at);
        quoted('"');
        return;
      }
    }
    String word = sql.substring(start, at);
    tokens.add(new Token(WORD, word.toLowerCase(Locale.ROOT)));
    normal.append(word);
  }

  private void quoted(char close) {
    int start = at++;
    StringBuilder name = new StringBuilder();
    while (at < sql.length()) {
      char c = sql.charAt(at++);
      if (c == '\\' && close == '"' && mysql && at < sql.length()) { // a string there
        name.append(sql.charAt(at++));
      } else if (c != close) {
        name.append(c);
      } else if (peek(0) == close) {
        name.append(c);
        at++;
      } else {
        tokens.add(new Token(QUOTED, name.toString().toLowerCase(Locale.ROOT)));
        normal.append(sql, start, at);
        return;
      }
    }
    complete = false;
  }

  private void literal(int end) {
    at = end;
    tokens.add(new Token(LITERAL, ""));
    normal.append('?');
  }

  private int string(int start, boolean backslash) {
    for (int i = start + 1; i < sql.length(); i++) {
      char c = sql.charAt(i);
      if (c == '\\' && backslash) {
        i++;
      } else if (c == '\'') {
        if (i + 1 < sql.length() && sql.charAt(i + 1) == '\'') {
          i++;
        } else {
          // it\'s: no string is joined to a word
          complete &=
              sql.charAt(i - 1) != '\\' || i + 1 == sql.length() || !isNamePart(sql.charAt(i + 1));
          return i + 1;
        }
      }
    }
    complete = false;
    return sql.length();
  }

  /** {@code q'[it's]'}. */
  private int oracleString() {
    char open = peek(1);
    int pair = "[{(<".indexOf(open);
    int close = sql.indexOf((pair < 0 ? open : "]})>".charAt(pair)) + "'", at + 2);
    complete &= close >= 0;
    return close < 0 ? sql.length() : close + 2;
  }

  private int number() {
    int i = at;
    while (i < sql.length()) {
      char c = sql.charAt(i);
      boolean exponent = (c == '+' || c == '-') && "eE".indexOf(sql.charAt(i - 1)) >= 0;
      if (!isNamePart(c) && c != '.' && !(exponent && !isHex())) {
        break;
      }
      i++;
    }
    return i;
  }

  private boolean isHex() {
    return sql.startsWith("0x", at) || sql.startsWith("0X", at);
  }

  /** The length of a tag {@code $name$} here, 0 if there is none. */
  private int dollarTag() {
    int i = at + 1;
    while (i < sql.length() && isNamePart(sql.charAt(i)) && sql.charAt(i) != '$') {
      i++;
    }
    boolean parameter = isDigit(peek(1)); // $1
    return i < sql.length() && sql.charAt(i) == '$' && !parameter ? i + 1 - at : 0;
  }

  private void dollarQuoted() {
    String tag = sql.substring(at, at + dollarTag());
    int close = sql.indexOf(tag, at + tag.length());
    complete &= close >= 0;
    literal(close < 0 ? sql.length() : close + tag.length());
  }

  private void comment() {
    int depth = 0;
    while (at < sql.length()) {
      if (sql.startsWith("*/", at)) {
        at += 2;
        if (--depth == 0) {
          return;
        }
      } else if (sql.startsWith("/*", at) && (depth == 0 || !mysql)) {
        at += 2;
        depth++;
      } else {
        at++;
      }
    }
    complete = false;
  }

  private void space() {
    if (normal.length() > 0 && normal.charAt(normal.length() - 1) != ' ') {
      normal.append(' ');
    }
  }

  /** Whether this place is joined to a name or a bracket before it: {@code a[1]}, {@code t.5}. */
  private boolean continues() {
    if (at == 0) {
      return false;
    }
    char before = sql.charAt(at - 1);
    return isNamePart(before) || before == ']' || before == ')' || before == '"';
  }

  /** Whether a {@code #} opens a comment of MySQL's, and not an operator or a temporary table. */
  private boolean opensLine() {
    Token last = at(tokens.size() - 1);
    if (peek(1) == '>'
        || peek(1) == '-'
        || last.type == WORD && BEFORE_NAME.contains(last.text)
        || last.isSign(',')) {
      return false;
    }
    if (mysql && Character.isWhitespace(peek(1))) {
      return true;
    }
    for (int i = at - 1; i >= 0 && sql.charAt(i) != '\n'; i--) {
      if (!Character.isWhitespace(sql.charAt(i))) {
        return false;
      }
    }
    return true;
  }

  private char peek(int ahead) {
    return at + ahead < sql.length() ? sql.charAt(at + ahead) : '\0';
  }

  private static int indexOr(int index, int otherwise) {
    return index < 0 ? otherwise : index;
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private static boolean isNameStart(char c) {
    return Character.isLetter(c) || c == '_' || c == '@' || c == '#';
  }

  private static boolean isNamePart(char c) {
    return Character.isLetterOrDigit(c) || c == '_' || c == '$' || c == '#';
  }
}
