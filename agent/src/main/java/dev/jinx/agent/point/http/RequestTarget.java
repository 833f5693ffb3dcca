package dev.jinx.agent.point.http;

import dev.jinx.agent.call.CallReader.TextMatcher;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/**
 * What documents say of a request, out of what clients keep: the path and the query with their
 * percent-escapes decoded (RFC 3986; the query apart from its {@code +}), the port as a number even
 * where it is the scheme's own.
 */
final class RequestTarget {
  private RequestTarget() {}

  /**
   * The decoded path.
   *
   * @param raw a path and perhaps a query: {@code /v1/a%20b?c=d}; null or empty for {@code /}
   */
  static String path(@Nullable String raw) {
    if (raw == null || raw.isEmpty() || raw.charAt(0) == '?') {
      return "/";
    }
    int end = raw.indexOf('?');
    return decoded(end < 0 ? raw : raw.substring(0, end));
  }

  /**
   * The decoded query.
   *
   * @param raw a path and perhaps a query: {@code /v1/a%20b?c=d}
   * @return null where there is none
   */
  static @Nullable String query(@Nullable String raw) {
    int begin = raw == null ? -1 : raw.indexOf('?');
    return raw == null || begin < 0 ? null : decoded(raw.substring(begin + 1));
  }

  /**
   * @param port 0 or less for the scheme's own
   */
  static String port(@Nullable String scheme, int port) {
    int standard = "https".equalsIgnoreCase(scheme) ? 443 : 80;
    return Integer.toString(port <= 0 ? standard : port);
  }

  /** A host as documents write it: an IPv6 address without its brackets. */
  static @Nullable String host(@Nullable String host) {
    return host != null && host.startsWith("[") && host.endsWith("]")
        ? host.substring(1, host.length() - 1)
        : host;
  }

  /** Whether any value of a header matches; where there is none, whether its absence does. */
  static boolean anyMatches(Iterator<String> values, TextMatcher pattern) {
    boolean matches = !values.hasNext() && pattern.matches(null);
    while (!matches && values.hasNext()) {
      matches = pattern.matches(values.next());
    }
    return matches;
  }

  /** Percent-escapes decoded as UTF-8; one that is malformed stays as it is. */
  static String decoded(String text) {
    int escape = text.indexOf('%');
    if (escape < 0) {
      return text;
    }
    byte[] in = text.getBytes(StandardCharsets.UTF_8);
    byte[] out = new byte[in.length];
    int length = 0;
    for (int i = 0; i < in.length; i++) {
      int high = i + 2 < in.length ? Character.digit(in[i + 1], 16) : -1;
      int low = i + 2 < in.length ? Character.digit(in[i + 2], 16) : -1;
      if (in[i] == '%' && high >= 0 && low >= 0) {
        out[length++] = (byte) (high * 16 + low);
        i += 2;
      } else {
        out[length++] = in[i];
      }
    }
    return new String(out, 0, length, StandardCharsets.UTF_8);
  }
}
