package dev.jinx.agent.effect;

import dev.jinx.agent.document.InvalidDocument;
import org.jspecify.annotations.Nullable;

/** Whether the real call is kept from happening, or happens and loses its outcome. */
public enum Phase {
  BEFORE,
  AFTER;

  static Phase read(@Nullable String text, String path) {
    if (text == null || text.equals("before")) {
      return BEFORE;
    }
    if (text.equals("after")) {
      return AFTER;
    }
    throw new InvalidDocument(
        path, path + " must be \"before\" or \"after\", not \"" + text + "\"");
  }
}
