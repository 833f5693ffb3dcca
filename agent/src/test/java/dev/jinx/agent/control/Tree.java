package dev.jinx.agent.control;

import java.util.Map;
import java.util.Objects;

/** Looks into documents. */
final class Tree {
  private Tree() {}

  static Map<?, ?> read(String text) {
    return (Map<?, ?>) Objects.requireNonNull(Json.read(text));
  }

  static Map<?, ?> at(Map<?, ?> tree, String key) {
    return (Map<?, ?>) Objects.requireNonNull(tree.get(key));
  }
}
