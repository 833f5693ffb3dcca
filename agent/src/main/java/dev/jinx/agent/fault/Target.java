package dev.jinx.agent.fault;

import dev.jinx.agent.call.CallReader;
import dev.jinx.agent.call.Field;
import dev.jinx.agent.call.Kind;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.document.Doc;
import dev.jinx.agent.document.InvalidDocument;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which calls a fault may hit: every condition must hold.
 *
 * @param operations those asked for, or all of the kind
 * @param named whether they were asked for
 */
public record Target(
    Kind kind, Set<Operation> operations, boolean named, List<Condition> conditions) {

  /**
   * One field and what it must look like.
   *
   * @param name the header, for {@link Field#HEADER}
   */
  public record Condition(Field field, @Nullable String name, CallReader.TextMatcher pattern) {
    boolean holds(CallReader reader, Object self, @Nullable Object argument) {
      return switch (field) {
        case THREAD -> pattern.matches(Thread.currentThread().getName());
        case CALLER ->
            StackWalker.getInstance()
                .walk(frames -> frames.anyMatch(frame -> pattern.matches(frame.getClassName())));
        default -> reader.matches(field, name, pattern, self, argument);
      };
    }

    /** As it is written in documents. */
    public String json() {
      return name == null ? field.json() : "header." + name;
    }
  }

  private static final Map<Kind, Set<Field>> FIELDS = new EnumMap<>(Kind.class);

  static {
    FIELDS.put(
        Kind.HTTP,
        EnumSet.of(
            Field.SCHEME,
            Field.HOST,
            Field.PORT,
            Field.METHOD,
            Field.PATH,
            Field.QUERY,
            Field.CLIENT));
    FIELDS.put(
        Kind.JDBC, EnumSet.of(Field.URL, Field.DRIVER, Field.STATEMENT, Field.TABLE, Field.SQL));
    FIELDS.put(Kind.SOCKET, EnumSet.of(Field.HOST, Field.PORT, Field.SIDE));
    FIELDS.put(Kind.DNS, EnumSet.of(Field.HOST));
    FIELDS.put(Kind.TLS, EnumSet.of(Field.HOST, Field.PORT, Field.SIDE));
    FIELDS.put(Kind.METHOD, EnumSet.of(Field.CLASS, Field.METHOD, Field.PARAMETERS));
    FIELDS.values().forEach(fields -> fields.addAll(EnumSet.of(Field.CALLER, Field.THREAD)));
  }

  private static final Map<Field, Set<String>> CHOICES =
      Map.of(
          Field.STATEMENT, Set.of("select", "insert", "update", "delete", "ddl", "call", "other"),
          Field.SIDE, Set.of("client", "server"),
          Field.SCHEME, Set.of("http", "https"));

  /** Reads the field {@code target} of a fault. */
  static Target read(Doc target) {
    Kind kind = Kind.of(target.requiredText("kind"));
    if (kind == null) {
      throw new InvalidDocument(
          target.path("kind"),
          "unknown kind "
              + Doc.show(target.value("kind"))
              + "; known: http, jdbc, socket, dns, tls, method");
    }
    List<Condition> conditions = new ArrayList<>();
    for (Field field : FIELDS.getOrDefault(kind, Set.of())) {
      List<String> patterns = target.texts(field.json());
      if (patterns != null) {
        conditions.add(condition(field, null, patterns, target.path(field.json())));
      }
    }
    if (kind == Kind.HTTP) {
      for (String key : target.keys()) {
        if (key.startsWith("header.") && key.length() > "header.".length()) {
          List<String> patterns = target.texts(key);
          conditions.add(
              condition(
                  Field.HEADER,
                  key.substring("header.".length()),
                  patterns == null ? List.of() : patterns,
                  target.path(key)));
        }
      }
    }
    Set<Operation> operations = operations(target, kind);
    target.done();
    return new Target(kind, operations, target.has("operation"), conditions);
  }

  private static Condition condition(
      Field field, @Nullable String name, List<String> patterns, String path) {
    Set<String> choices = CHOICES.get(field);
    if (choices != null) {
      for (String pattern : patterns) {
        if (!choices.contains(pattern.startsWith("^") ? pattern.substring(1) : pattern)) {
          throw new InvalidDocument(
              path,
              path
                  + " must be one of "
                  + String.join(", ", new java.util.TreeSet<>(choices))
                  + ", not \""
                  + pattern
                  + "\"");
        }
      }
    }
    char separator = field == Field.PATH ? '/' : 0;
    boolean ignoreCase =
        switch (field) {
          case SCHEME, HOST, METHOD, TABLE, SQL -> true;
          default -> false;
        };
    return new Condition(field, name, new TextPattern(patterns, separator, ignoreCase, path));
  }

  private static Set<Operation> operations(Doc target, Kind kind) {
    List<String> names = Operation.of(kind).size() > 1 ? target.texts("operation") : null;
    if (names == null) {
      return Operation.of(kind);
    }
    boolean excludes = names.get(0).startsWith("^");
    Set<Operation> named = EnumSet.noneOf(Operation.class);
    for (String name : names) {
      Set<Operation> called =
          Operation.of(kind, excludes && name.startsWith("^") ? name.substring(1) : name);
      if (called.isEmpty()) {
        throw new InvalidDocument(
            target.path("operation"),
            "unknown operation \""
                + name
                + "\"; for "
                + kind.json().toLowerCase(Locale.ROOT)
                + ": "
                + String.join(", ", Operation.names(Operation.of(kind))));
      }
      named.addAll(called);
    }
    if (excludes) {
      Set<Operation> others = Operation.of(kind);
      others.removeAll(named);
      return others;
    }
    return named;
  }

  /** Whether every condition on that field holds. */
  boolean holdsFor(Field field, CallReader reader, Object self, @Nullable Object argument) {
    for (Condition condition : conditions) {
      if (condition.field() == field && !condition.holds(reader, self, argument)) {
        return false;
      }
    }
    return true;
  }
}
