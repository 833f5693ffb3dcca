package dev.jinx;

import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;

/** A fault of an outgoing HTTP exchange, whichever client makes it. */
public final class HttpFault extends Fault<HttpFault> {

  HttpFault(String... hosts) {
    super(target("http", "host", hosts));
  }

  private HttpFault(Map<String, Object> document) {
    super(document);
  }

  @Override
  HttpFault copy(Map<String, Object> document) {
    return new HttpFault(document);
  }

  /** {@code target.scheme}: {@code http} or {@code https}. */
  public HttpFault scheme(String scheme) {
    return target("scheme", List.of(scheme));
  }

  /** {@code target.port}. */
  public HttpFault port(int... ports) {
    return target("port", Arrays.stream(ports).boxed().toList());
  }

  /** {@code target.method}: {@code GET}, {@code POST}, … */
  public HttpFault method(String... methods) {
    return target("method", List.of(methods));
  }

  /** {@code target.path}: such as {@code /v1/charges/**}. */
  public HttpFault path(String... paths) {
    return target("path", List.of(paths));
  }

  /** {@code target.query}: the query string, without its question mark. */
  public HttpFault query(String... queries) {
    return target("query", List.of(queries));
  }

  /** {@code target.header.<name>}. */
  public HttpFault header(String name, String... values) {
    return target("header." + name, List.of(values));
  }

  /** {@code target.client}: the client library, {@code jdk}, {@code okhttp}, … */
  public HttpFault client(String... clients) {
    return target("client", List.of(clients));
  }

  /** {@code effect.response}: the call is not made; the client gets this answer, with no body. */
  public HttpFault response(int status) {
    return with("effect.response", Json.fields("status", status));
  }

  /** {@code effect.response}: the call is not made; the client gets this answer. */
  public HttpFault response(int status, String body) {
    return with("effect.response", Json.fields("status", status, "body", body));
  }

  /** {@code effect.response}: the call is not made; the client gets this answer. */
  public HttpFault response(int status, Map<String, String> headers, String body) {
    return with("effect.response", Json.fields("status", status, "headers", headers, "body", body));
  }

  /** {@code effect.response}: the call is not made; the client gets these bytes. */
  public HttpFault response(int status, Map<String, String> headers, byte[] body) {
    String base64 = Base64.getEncoder().encodeToString(body);
    return with(
        "effect.response",
        Json.fields("status", status, "headers", headers, "body", Json.fields("base64", base64)));
  }

  /**
   * {@code effect.reset}: the connection is reset after so much of the answer's body.
   *
   * @param after such as {@code 512B}, {@code 4KB}, {@code 1MB}
   */
  public HttpFault reset(String after) {
    return with("effect.reset", Map.of("after", after));
  }

  /**
   * {@code effect.limit}: the connection ends in good order after so much of the answer's body.
   *
   * @param after such as {@code 512B}, {@code 4KB}, {@code 1MB}
   */
  public HttpFault limit(String after) {
    return with("effect.limit", Map.of("after", after));
  }

  /**
   * {@code effect.bandwidth}: the answer's body comes no faster than that.
   *
   * @param rate such as {@code 500B/s}, {@code 64KB/s}, {@code 1MB/s}
   */
  public HttpFault bandwidth(String rate) {
    return with("effect.bandwidth", rate);
  }
}
