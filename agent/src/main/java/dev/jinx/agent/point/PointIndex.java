package dev.jinx.agent.point;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which class belongs to which library, written while the agent is built: so that a start reads a
 * few lines and makes none of the points.
 *
 * @param byClass the numbers of the points by the names, with slashes, of the classes they hook and
 *     of their landmarks
 * @param operations the bits of the operations that some point hooks
 */
record PointIndex(Map<String, Integer> byClass, long operations) {
  static final String RESOURCE = "points.index";

  /** The index that was written; null where there is none, as in unit tests. */
  static @Nullable PointIndex read() {
    try (InputStream in = PointIndex.class.getResourceAsStream(RESOURCE)) {
      return in == null ? null : parse(new String(in.readAllBytes(), StandardCharsets.US_ASCII));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static PointIndex parse(String text) {
    Map<String, Integer> byClass = new HashMap<>();
    long operations = 0;
    int start = 0;
    for (int end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      int space = text.indexOf(' ', start);
      String name = text.substring(start, space);
      String number = text.substring(space + 1, end);
      if (name.equals("operations")) {
        operations = Long.parseLong(number);
      } else {
        byClass.put(name, Integer.valueOf(number));
      }
      start = end + 1;
    }
    return new PointIndex(byClass, operations);
  }

  String text() {
    StringBuilder text = new StringBuilder("operations ").append(operations).append('\n');
    byClass.forEach((name, number) -> text.append(name).append(' ').append(number).append('\n'));
    return text.toString();
  }
}
