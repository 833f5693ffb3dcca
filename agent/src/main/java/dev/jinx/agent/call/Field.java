package dev.jinx.agent.call;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A property of a call that a target can ask for. */
public enum Field {
  SCHEME,
  HOST,
  PORT,
  METHOD,
  PATH,
  QUERY,
  /** A header of the request; comes with the header's name. */
  HEADER,
  CLIENT,
  URL,
  DRIVER,
  STATEMENT,
  TABLE,
  SQL,
  SIDE,
  CLASS,
  PARAMETERS,
  /** A class on the calling stack. */
  CALLER,
  /** The name of the calling thread. */
  THREAD;

  /** As it is written in documents. */
  public String json() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The field of that name in documents, or null. */
  public static @Nullable Field of(String json) {
    for (Field field : values()) {
      if (field.json().equals(json)) {
        return field;
      }
    }
    return null;
  }
}
