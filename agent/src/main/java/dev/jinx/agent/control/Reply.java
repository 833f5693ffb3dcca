package dev.jinx.agent.control;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The answer to a command.
 *
 * @param status as of HTTP
 * @param body a tree for {@link Json#write}
 * @param allow the methods that the path knows, where the one that was asked for is not among them
 */
record Reply(int status, @Nullable Object body, @Nullable String allow) {

  static Reply of(int status, @Nullable Object body) {
    return new Reply(status, body, null);
  }

  /** An error as problem details (RFC 9457). */
  static Reply problem(int status, String detail) {
    return problem(status, detail, null);
  }

  /**
   * @param field the path of the field that is wrong, or null
   */
  static Reply problem(int status, String detail, @Nullable String field) {
    Map<String, Object> body = new LinkedHashMap<>();
    String title = title(status);
    body.put(
        "type", "urn:jinx:problem:" + title.toLowerCase(java.util.Locale.ROOT).replace(' ', '-'));
    body.put("title", title);
    body.put("status", status);
    body.put("detail", detail);
    if (field != null) {
      body.put("field", field);
    }
    return of(status, body);
  }

  boolean isProblem() {
    return status >= 400;
  }

  private static String title(int status) {
    return switch (status) {
      case 400 -> "Malformed request";
      case 401 -> "Unauthorized";
      case 403 -> "Forbidden";
      case 404 -> "Not found";
      case 405 -> "Method not allowed";
      case 409 -> "Refused";
      case 413 -> "Too large";
      case 415 -> "Unsupported media type";
      case 422 -> "Invalid document";
      default -> "Internal failure";
    };
  }
}
