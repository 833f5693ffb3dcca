package dev.jinx.agent.fault;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** 64 bits of a document, the same whatever order its fields stand in. */
final class Fingerprint {
  private Fingerprint() {}

  static long of(@Nullable Object value) {
    long bits;
    if (value instanceof Map<?, ?> map) {
      bits = 1;
      for (Map.Entry<?, ?> field : map.entrySet()) {
        bits += mix(of(field.getKey()) + 31 * of(field.getValue()));
      }
    } else if (value instanceof List<?> list) {
      bits = 2;
      for (Object each : list) {
        bits = mix(bits) + of(each);
      }
    } else {
      // FNV-1a, with the type ahead: 1 is not "1"
      bits = value instanceof String ? 0xCBF29CE484222325L : 0x84222325CBF29CE4L;
      String text = String.valueOf(value);
      for (int i = 0; i < text.length(); i++) {
        bits = (bits ^ text.charAt(i)) * 0x100000001B3L;
      }
    }
    return mix(bits);
  }

  private static long mix(long bits) {
    long z = (bits ^ (bits >>> 33)) * 0xFF51AFD7ED558CCDL;
    z = (z ^ (z >>> 33)) * 0xC4CEB9FE1A85EC53L;
    return z ^ (z >>> 33);
  }
}
