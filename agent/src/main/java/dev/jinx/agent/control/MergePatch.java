package dev.jinx.agent.control;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** JSON merge patch, RFC 7396. */
final class MergePatch {
  private MergePatch() {}

  static @Nullable Object apply(@Nullable Object target, @Nullable Object patch) {
    if (!(patch instanceof Map<?, ?> changes)) {
      return patch;
    }
    Map<String, @Nullable Object> merged = new LinkedHashMap<>();
    if (target instanceof Map<?, ?> fields) {
      fields.forEach((name, value) -> merged.put((String) name, value));
    }
    changes.forEach(
        (name, change) -> {
          if (change == null) {
            merged.remove((String) name);
          } else {
            merged.put((String) name, apply(merged.get((String) name), change));
          }
        });
    return merged;
  }
}
