package dev.jinx.agent.fault;

import java.util.Locale;

/** Where a fault came from; each source replaces only its own. */
public enum Source {
  FILE,
  ENDPOINT,
  JAVA;

  /** As it is written in documents. */
  public String json() {
    return name().toLowerCase(Locale.ROOT);
  }
}
