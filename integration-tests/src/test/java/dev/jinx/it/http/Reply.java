package dev.jinx.it.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * What an application sees of an answer, but for the headers that only real servers add.
 *
 * @param body a character for each byte
 */
public record Reply(int status, Map<String, String> headers, String body) {
  private static final List<String> SHOWN =
      List.of("retry-after", "content-type", "content-length", "content-encoding", "x-request");

  public static Reply of(int status, Map<String, List<String>> headers, byte[] body) {
    Map<String, String> shown = new TreeMap<>();
    headers.forEach(
        (name, values) -> {
          String key = String.valueOf(name).toLowerCase(Locale.ROOT);
          if (SHOWN.contains(key)) {
            shown.put(key, String.join(",", values));
          }
        });
    return new Reply(status, shown, new String(body, ISO_8859_1));
  }
}
