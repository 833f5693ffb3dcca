package dev.jinx.agent.control;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Who may speak to the endpoint: nobody who came by a name that is not ours (DNS rebinding), no web
 * page, nobody without the token where there is one.
 *
 * @param host the configured one
 * @param token null for none
 */
record Guard(String host, @Nullable String token) {
  private static final Set<String> LOOPBACK = Set.of("localhost", "[::1]", "[0:0:0:0:0:0:0:1]");
  private static final Pattern LOOPBACK_4 = Pattern.compile("127(\\.\\d{1,3}){3}");
  private static final Pattern HOST_AND_PORT = Pattern.compile("(\\[[^]]+]|[^:]+)(:\\d+)?");

  /**
   * The problem with a request, or null.
   *
   * @param headers the values by name
   */
  @Nullable Reply refusal(Function<String, @Nullable List<String>> headers) {
    String named = only(headers.apply("Host"));
    if (named == null || !isOurs(named)) {
      return Reply.problem(
          403,
          "the Host header must name a loopback address, such as localhost, or the host " + host);
    }
    List<String> origins = headers.apply("Origin");
    if (origins != null && !origins.isEmpty() && !("http://" + named).equals(only(origins))) {
      return Reply.problem(403, "requests of web pages from elsewhere (Origin) are refused");
    }
    return token == null || isToken(only(headers.apply("Authorization")), token)
        ? null
        : Reply.problem(401, "this needs the token: Authorization: Bearer …");
  }

  private boolean isOurs(String named) {
    var parts = HOST_AND_PORT.matcher(named.toLowerCase(Locale.ROOT));
    if (!parts.matches()) {
      return false;
    }
    String name = parts.group(1);
    return LOOPBACK.contains(name)
        || LOOPBACK_4.matcher(name).matches()
        || name.equals(bracketed(host).toLowerCase(Locale.ROOT));
  }

  static String bracketed(String host) {
    return host.indexOf(':') >= 0 && !host.startsWith("[") ? "[" + host + "]" : host;
  }

  private static boolean isToken(@Nullable String authorization, String token) {
    return authorization != null
        && authorization.regionMatches(true, 0, "Bearer ", 0, 7)
        // takes the same time wherever the first difference is
        && MessageDigest.isEqual(
            authorization.substring(7).strip().getBytes(StandardCharsets.UTF_8),
            token.getBytes(StandardCharsets.UTF_8));
  }

  private static @Nullable String only(@Nullable List<String> values) {
    return values != null && values.size() == 1 ? values.get(0) : null;
  }
}
