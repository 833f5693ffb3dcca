package dev.jinx;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * As much JSON as fault documents and the agent's answers need, so that the facade needs no
 * library.
 */
final class Json {

  private final String text;
  private int at;

  private Json(String text) {
    this.text = text;
  }

  /** An object of these keys and values in turn, which keeps their order. */
  static Map<String, Object> fields(Object... keysAndValues) {
    Map<String, Object> fields = new LinkedHashMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      fields.put((String) keysAndValues[i], keysAndValues[i + 1]);
    }
    return fields;
  }

  /** Writes a tree of maps, iterables, strings, numbers, booleans and nulls. */
  static String write(@Nullable Object value) {
    StringBuilder out = new StringBuilder();
    write(value, out);
    return out.toString();
  }

  /** Reads a document into maps, lists, strings, longs, doubles, booleans and nulls. */
  static @Nullable Object read(String text) {
    Json json = new Json(text);
    Object value = json.value();
    if (json.peek() != 0) {
      throw json.broken();
    }
    return value;
  }

  /** The value as an object; an empty one for anything else. */
  static Map<?, ?> object(@Nullable Object value) {
    return value instanceof Map<?, ?> map ? map : Map.of();
  }

  /** The value as an array; an empty one for anything else. */
  static List<?> array(@Nullable Object value) {
    return value instanceof List<?> list ? list : List.of();
  }

  /** The value as a whole number; 0 for anything else. */
  static long number(@Nullable Object value) {
    return value instanceof Number number ? number.longValue() : 0;
  }

  private static void write(@Nullable Object value, StringBuilder out) {
    if (value instanceof Map<?, ?> map) {
      out.append('{');
      for (Iterator<? extends Map.Entry<?, ?>> i = map.entrySet().iterator(); i.hasNext(); ) {
        Map.Entry<?, ?> entry = i.next();
        string(String.valueOf(entry.getKey()), out);
        out.append(':');
        write(entry.getValue(), out);
        out.append(i.hasNext() ? "," : "");
      }
      out.append('}');
    } else if (value instanceof Iterable<?> list) {
      out.append('[');
      for (Iterator<?> i = list.iterator(); i.hasNext(); ) {
        write(i.next(), out);
        out.append(i.hasNext() ? "," : "");
      }
      out.append(']');
    } else if (value == null || value instanceof Boolean || finite(value)) {
      out.append(value);
    } else if (value instanceof CharSequence) {
      string(value.toString(), out);
    } else {
      throw new IllegalArgumentException("Not a JSON value: " + value);
    }
  }

  private static boolean finite(Object value) {
    return value instanceof Number number && Double.isFinite(number.doubleValue());
  }

  private static void string(String value, StringBuilder out) {
    out.append('"');
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c == '"' || c == '\\') {
        out.append('\\').append(c);
      } else if (c == '\n') {
        out.append("\\n");
      } else if (c < ' ' || Character.isSurrogate(c)) {
        // a lone half of a pair would not survive an encoding
        out.append(String.format("\\u%04x", (int) c));
      } else {
        out.append(c);
      }
    }
    out.append('"');
  }

  private @Nullable Object value() {
    return switch (peek()) {
      case '{' -> object();
      case '[' -> array();
      case '"' -> string();
      default -> literal();
    };
  }

  private Map<String, @Nullable Object> object() {
    Map<String, @Nullable Object> object = new LinkedHashMap<>();
    expect('{');
    if (peek() != '}') {
      do {
        String key = string();
        expect(':');
        object.put(key, value());
      } while (more());
    }
    expect('}');
    return object;
  }

  private List<@Nullable Object> array() {
    List<@Nullable Object> array = new ArrayList<>();
    expect('[');
    if (peek() != ']') {
      do {
        array.add(value());
      } while (more());
    }
    expect(']');
    return array;
  }

  private String string() {
    expect('"');
    StringBuilder string = new StringBuilder();
    for (char c = next(); c != '"'; c = next()) {
      string.append(c == '\\' ? escaped() : c);
    }
    return string.toString();
  }

  private char escaped() {
    char c = next();
    return switch (c) {
      case '"', '\\', '/' -> c;
      case 'b' -> '\b';
      case 'f' -> '\f';
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      case 'u' -> {
        int code = 0;
        for (int i = 0; i < 4; i++) {
          int digit = Character.digit(next(), 16);
          if (digit < 0) {
            throw broken();
          }
          code = code * 16 + digit;
        }
        yield (char) code;
      }
      default -> throw broken();
    };
  }

  private @Nullable Object literal() {
    int start = at;
    while (at < text.length() && ",]} \t\r\n".indexOf(text.charAt(at)) < 0) {
      at++;
    }
    String literal = text.substring(start, at);
    try {
      return switch (literal) {
        case "true" -> true;
        case "false" -> false;
        case "null" -> null;
        // seeds use all 64 bits, which a double would round
        default ->
            literal.matches("-?\\d+") ? (Number) Long.valueOf(literal) : Double.valueOf(literal);
      };
    } catch (NumberFormatException e) {
      throw broken();
    }
  }

  private boolean more() {
    boolean more = peek() == ',';
    at += more ? 1 : 0;
    return more;
  }

  private void expect(char c) {
    if (peek() != c) {
      throw broken();
    }
    at++;
  }

  /** The next character that is not white space, or 0 at the end. */
  private char peek() {
    while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
    return at < text.length() ? text.charAt(at) : 0;
  }

  private char next() {
    if (at == text.length()) {
      throw broken();
    }
    return text.charAt(at++);
  }

  private IllegalArgumentException broken() {
    return new IllegalArgumentException("Not JSON at character " + at + ": " + text);
  }
}
