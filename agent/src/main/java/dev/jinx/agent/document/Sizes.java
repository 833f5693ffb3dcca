package dev.jinx.agent.document;

import org.jspecify.annotations.Nullable;

/**
 * Sizes as documents write them: {@code 512B}, {@code 64KB}, {@code 1MB}, of 1024 bytes a step; and
 * rates: {@code 64KB/s}.
 */
public final class Sizes {
  private static final String[] UNITS = {"B", "KB", "MB"};

  private Sizes() {}

  /**
   * Reads a size.
   *
   * @param path the field, for the error message
   * @return bytes, 0 or more
   */
  public static long parse(@Nullable Object value, String path) {
    long bytes = value instanceof String text ? bytes(text) : -1;
    if (bytes < 0) {
      throw new InvalidDocument(
          path,
          path + " must be a size such as \"512B\", \"64KB\" or \"1MB\", not " + Doc.show(value));
    }
    return bytes;
  }

  /**
   * Reads a rate.
   *
   * @param path the field, for the error message
   * @return bytes per second, 1 or more
   */
  public static long parseRate(@Nullable Object value, String path) {
    long bytes =
        value instanceof String text && text.endsWith("/s")
            ? bytes(text.substring(0, text.length() - 2))
            : -1;
    if (bytes < 1) {
      throw new InvalidDocument(
          path,
          path
              + " must be a rate such as \"500B/s\", \"64KB/s\" or \"1MB/s\", not "
              + Doc.show(value));
    }
    return bytes;
  }

  private static long bytes(String text) {
    for (int i = UNITS.length - 1; i >= 0; i--) {
      if (text.endsWith(UNITS[i])) {
        String number = text.substring(0, text.length() - UNITS[i].length());
        if (!number.matches("\\d{1,9}(\\.\\d{1,3})?")) {
          return -1;
        }
        return Math.round(Double.parseDouble(number) * (1L << (10 * i)));
      }
    }
    return -1;
  }

  /** The shortest exact form. */
  public static String format(long bytes) {
    int unit = 0;
    while (unit < UNITS.length - 1 && bytes != 0 && bytes % (1L << (10 * (unit + 1))) == 0) {
      unit++;
    }
    return (bytes >> (10 * unit)) + UNITS[unit];
  }
}
