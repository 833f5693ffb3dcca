package dev.jinx.agent.document;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * One object of a document, read strictly: a wrong type, a value out of its range and a field that
 * nobody asked for are errors that name the field.
 */
public final class Doc {
  private final Map<?, ?> fields;
  private final String path;
  private final Set<String> known = new LinkedHashSet<>();

  private Doc(Map<?, ?> fields, String path) {
    this.fields = fields;
    this.path = path;
  }

  /** Takes a value that must be an object. */
  public static Doc of(@Nullable Object value, String path) {
    if (value instanceof Map<?, ?> map) {
      return new Doc(map, path);
    }
    throw new InvalidDocument(path, named(path) + " must be an object, not " + typeOf(value));
  }

  /** The path of one of this object's fields, for error messages. */
  public String path(String key) {
    return path.isEmpty() ? key : path + "." + key;
  }

  public String path() {
    return path;
  }

  public boolean has(String key) {
    known.add(key);
    return fields.containsKey(key);
  }

  /** The names of the fields that are there. */
  public Set<String> keys() {
    Set<String> keys = new LinkedHashSet<>();
    fields.keySet().forEach(key -> keys.add((String) key));
    return keys;
  }

  /** Any value, or null where the field is absent; an explicit null is an error. */
  public @Nullable Object value(String key) {
    known.add(key);
    Object value = fields.get(key);
    if (value == null && fields.containsKey(key)) {
      throw new InvalidDocument(path(key), path(key) + " must not be null; leave it out instead");
    }
    return value;
  }

  public @Nullable Doc object(String key) {
    Object value = value(key);
    return value == null ? null : of(value, path(key));
  }

  public @Nullable String text(String key) {
    Object value = value(key);
    if (value == null || value instanceof String) {
      return (String) value;
    }
    throw new InvalidDocument(path(key), path(key) + " must be a text, not " + typeOf(value));
  }

  public String requiredText(String key) {
    String text = text(key);
    if (text == null) {
      throw new InvalidDocument(path(key), path(key) + " is missing");
    }
    return text;
  }

  /** A whole number within bounds (inclusive), or null where the field is absent. */
  public @Nullable Long whole(String key, long min, long max) {
    Object value = value(key);
    if (value == null) {
      return null;
    }
    if ((value instanceof Integer || value instanceof Long)
        && ((Number) value).longValue() >= min
        && ((Number) value).longValue() <= max) {
      return ((Number) value).longValue();
    }
    throw new InvalidDocument(
        path(key),
        path(key) + " must be a whole number from " + min + " to " + max + ", not " + show(value));
  }

  /** A number within bounds (inclusive), or null where the field is absent. */
  public @Nullable Double number(String key, double min, double max) {
    Object value = value(key);
    if (value == null) {
      return null;
    }
    if (value instanceof Number number
        && number.doubleValue() >= min
        && number.doubleValue() <= max) {
      return number.doubleValue();
    }
    throw new InvalidDocument(
        path(key),
        path(key)
            + " must be a number from "
            + plain(min)
            + " to "
            + plain(max)
            + ", not "
            + show(value));
  }

  /** A duration such as {@code 800ms} in nanoseconds, or null where the field is absent. */
  public @Nullable Long duration(String key) {
    Object value = value(key);
    return value == null ? null : Durations.parse(value, path(key));
  }

  /** A text, a number, or a list of them, as a list of texts; null where the field is absent. */
  public @Nullable List<String> texts(String key) {
    Object value = value(key);
    if (value == null) {
      return null;
    }
    List<String> texts = new ArrayList<>();
    for (Object each : value instanceof List<?> list ? list : List.of(value)) {
      if (!(each instanceof String || each instanceof Integer || each instanceof Long)) {
        throw new InvalidDocument(
            path(key), path(key) + " must be a text or a list of texts, not " + typeOf(each));
      }
      texts.add(String.valueOf(each));
    }
    if (texts.isEmpty()) {
      throw new InvalidDocument(
          path(key), path(key) + " must not be an empty list; leave it out to accept anything");
    }
    return texts;
  }

  /** To be called last: any field that nobody asked for is an error. */
  public void done() {
    for (Object key : fields.keySet()) {
      if (!known.contains((String) key)) {
        throw new InvalidDocument(
            path((String) key),
            "unknown field "
                + path((String) key)
                + "; known here: "
                + String.join(", ", new TreeSet<>(known)));
      }
    }
  }

  /** A value as it may stand in a message. */
  public static String show(@Nullable Object value) {
    return value instanceof String text
        ? '"' + text + '"'
        : value instanceof Map || value instanceof List ? typeOf(value) : String.valueOf(value);
  }

  private static String plain(double bound) {
    return bound == Math.rint(bound) && Math.abs(bound) < 1e15
        ? Long.toString((long) bound)
        : Double.toString(bound);
  }

  private static String named(String path) {
    return path.isEmpty() ? "the document" : path;
  }

  private static String typeOf(@Nullable Object value) {
    if (value == null) {
      return "null";
    }
    return value instanceof Map
        ? "an object"
        : value instanceof List
            ? "a list"
            : value instanceof String
                ? "a text"
                : value instanceof Boolean ? "a truth value" : "a number";
  }
}
