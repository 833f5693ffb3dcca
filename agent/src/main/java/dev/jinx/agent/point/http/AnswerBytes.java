package dev.jinx.agent.point.http;

import dev.jinx.agent.effect.Response;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** An answer as it comes over an HTTP/1.1 connection. */
final class AnswerBytes {
  private AnswerBytes() {}

  /**
   * @param method of the request: the answer to a {@code HEAD} has no body
   */
  static byte[] of(Response response, String method) {
    StringBuilder head = new StringBuilder("HTTP/1.1 ").append(response.status()).append(' ');
    head.append(reason(response.status())).append("\r\n");
    response
        .headers()
        .forEach(
            (name, values) ->
                values.forEach(
                    value -> head.append(name).append(": ").append(value).append("\r\n")));
    byte[] body = response.body();
    if (response.status() != 204 && response.status() != 304) {
      head.append("Content-Length: ").append(body.length).append("\r\n");
    }
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.writeBytes(head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1));
    if (!method.equals("HEAD")) {
      all.writeBytes(body);
    }
    return all.toByteArray();
  }

  private static String reason(int status) {
    return switch (status) {
      case 200 -> "OK";
      case 201 -> "Created";
      case 202 -> "Accepted";
      case 204 -> "No Content";
      case 301 -> "Moved Permanently";
      case 302 -> "Found";
      case 304 -> "Not Modified";
      case 400 -> "Bad Request";
      case 401 -> "Unauthorized";
      case 403 -> "Forbidden";
      case 404 -> "Not Found";
      case 408 -> "Request Timeout";
      case 409 -> "Conflict";
      case 429 -> "Too Many Requests";
      case 500 -> "Internal Server Error";
      case 502 -> "Bad Gateway";
      case 503 -> "Service Unavailable";
      case 504 -> "Gateway Timeout";
      default -> "";
    };
  }
}
