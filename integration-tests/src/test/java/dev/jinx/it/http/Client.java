package dev.jinx.it.http;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Assumptions;

/** One way of calling one version of a client library, as the contract of all clients uses it. */
public interface Client {

  /** The library, its version and the style: {@code OkHttp 3.14 enqueue}. */
  String name();

  /** The value of {@code target.client} for it. */
  String client();

  /** Whether it talks HTTP/2 to a server that can, in clear text too. */
  default boolean http2() {
    return false;
  }

  /** The effects and errors that truly cannot exist for it. */
  default Set<String> impossible() {
    return Set.of();
  }

  /**
   * A client with a pool of its own. It follows redirects and trusts {@code Certificates.client()}.
   *
   * @param limit the timeout of everything that can have one
   */
  Session open(Duration limit) throws Exception;

  /** See {@link #open}. */
  interface Session extends AutoCloseable {

    /** Calls and reads the whole answer; {@code POST} sends {@code ping}. */
    Reply call(String method, URI uri) throws Exception;

    /** The same with headers, each value in a line of its own. */
    default Reply call(String method, URI uri, Map<String, List<String>> headers) throws Exception {
      return headers.isEmpty() ? call(method, uri) : Assumptions.abort("sends no headers");
    }

    @Override
    void close() throws Exception;
  }
}
