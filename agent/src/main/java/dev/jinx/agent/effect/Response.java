package dev.jinx.agent.effect;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.document.Doc;
import dev.jinx.agent.document.InvalidDocument;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The call is not made; the client gets this answer through its normal path. {@code "response":
 * {"status": 503, "headers": {"Retry-After": "1"}, "body": "…"}}; a body is a text, or {@code
 * {"base64": "…"}} for bytes.
 *
 * @param status 200 to 599
 * @param headers in the order of the document; {@code content-length} is the clients' own business
 */
public record Response(int status, Map<String, List<String>> headers, byte[] body)
    implements Ending {

  static Response read(Doc effect) {
    Doc response = Doc.of(effect.value("response"), effect.path("response"));
    Long status = response.whole("status", 200, 599);
    if (status == null) {
      throw new InvalidDocument(response.path("status"), response.path("status") + " is missing");
    }
    Map<String, List<String>> headers = new LinkedHashMap<>();
    Doc given = response.object("headers");
    if (given != null) {
      for (String name : given.keys()) {
        headers.put(headerName(name, given), headerValues(name, given));
      }
    }
    byte[] body = body(response);
    if (body.length > 0 && (status == 204 || status == 304)) {
      throw new InvalidDocument(
          response.path("body"), "an answer with status " + status + " has no body");
    }
    response.done();
    return new Response(status.intValue(), headers, body);
  }

  private static String headerName(String name, Doc headers) {
    if (!name.matches("[!#$%&'*+.^_`|~0-9A-Za-z-]+")) {
      throw new InvalidDocument(
          headers.path(name), Doc.show(name) + " is not the name of a header");
    }
    if (name.equalsIgnoreCase("content-length") || name.equalsIgnoreCase("transfer-encoding")) {
      throw new InvalidDocument(
          headers.path(name), headers.path(name) + " follows from the body; leave it out");
    }
    return name;
  }

  private static List<String> headerValues(String name, Doc headers) {
    List<String> values = headers.texts(name);
    if (values == null
        || values.stream()
            .anyMatch(value -> value.indexOf('\r') >= 0 || value.indexOf('\n') >= 0)) {
      throw new InvalidDocument(
          headers.path(name), headers.path(name) + " must be one line of text");
    }
    return values;
  }

  private static byte[] body(Doc response) {
    @Nullable Object body = response.value("body");
    if (body == null) {
      return new byte[0];
    }
    if (body instanceof String text) {
      return text.getBytes(StandardCharsets.UTF_8);
    }
    Doc bytes = Doc.of(body, response.path("body"));
    String base64 = bytes.requiredText("base64");
    bytes.done();
    try {
      return Base64.getDecoder().decode(base64);
    } catch (IllegalArgumentException e) {
      throw new InvalidDocument(
          bytes.path("base64"), bytes.path("base64") + " is not Base64: " + e.getMessage());
    }
  }

  @Override
  public Set<Operation> possibleOn() {
    return Set.of(Operation.HTTP_EXCHANGE);
  }

  @Override
  public String name() {
    return "response";
  }

  @Override
  public String summary() {
    return "response " + status;
  }
}
