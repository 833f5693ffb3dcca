package dev.jinx.agent.call;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The layer that a fault belongs to; a fault of one kind never hits a call of another. */
public enum Kind {
  HTTP(Field.HOST, Field.PATH),
  JDBC(Field.URL, Field.SQL, Field.STATEMENT, Field.TABLE),
  SOCKET(Field.HOST, Field.PORT),
  DNS(Field.HOST, Field.HOST),
  TLS(Field.HOST, Field.PORT),
  METHOD(Field.CLASS, Field.METHOD);

  private final Field first;
  private final Field second;

  @SuppressWarnings("ImmutableEnumChecker") // never changed after construction
  private final Set<Field> decidedBySecond;

  Kind(Field first, Field second, Field... alsoDecided) {
    this.first = first;
    this.second = second;
    this.decidedBySecond = EnumSet.of(second, alsoDecided);
  }

  /** The field that the armed faults are indexed by: few distinct values, cheap to read. */
  public Field first() {
    return first;
  }

  /** The field that decides next. */
  public Field second() {
    return second;
  }

  /**
   * The fields whose values follow from the text of the second alone (the tables of a SQL text).
   */
  public Set<Field> decidedBySecond() {
    return decidedBySecond;
  }

  /** As it is written in documents. */
  public String json() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The kind of that name in documents, or null. */
  public static @Nullable Kind of(String json) {
    for (Kind kind : values()) {
      if (kind.json().equals(json)) {
        return kind;
      }
    }
    return null;
  }
}
