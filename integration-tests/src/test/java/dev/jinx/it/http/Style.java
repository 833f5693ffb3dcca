package dev.jinx.it.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.jinx.it.real.Certificates;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Version;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import javax.net.ssl.HttpsURLConnection;

/** The ways in which the JDK talks HTTP/1.1. */
enum Style {
  URL_CONNECTION {
    @Override
    Answer call(String method, URI uri, Duration limit, Map<String, List<String>> headers)
        throws Exception {
      return viaUrlConnection(method, uri, limit, headers, false, false);
    }
  },
  /** Connects in a step of its own. */
  URL_CONNECTION_STEPS {
    @Override
    Answer call(String method, URI uri, Duration limit, Map<String, List<String>> headers)
        throws Exception {
      return viaUrlConnection(method, uri, limit, headers, true, false);
    }
  },
  /** Sends a body without keeping it, so that the client cannot send it again. */
  URL_CONNECTION_STREAMING {
    @Override
    Answer call(String method, URI uri, Duration limit, Map<String, List<String>> headers)
        throws Exception {
      return viaUrlConnection(method, uri, limit, headers, false, true);
    }
  },
  SEND {
    @Override
    Answer call(String method, URI uri, Duration limit, Map<String, List<String>> headers)
        throws Exception {
      return answer(
          client(limit).send(request(method, uri, limit, headers), BodyHandlers.ofByteArray()));
    }
  },
  SEND_ASYNC {
    @Override
    Answer call(String method, URI uri, Duration limit, Map<String, List<String>> headers)
        throws Exception {
      return answer(
          client(limit)
              .sendAsync(request(method, uri, limit, headers), BodyHandlers.ofByteArray())
              .get());
    }
  };

  /** Long enough for every answer that comes at all, on a busy machine too. */
  static final Duration PATIENT = Duration.ofSeconds(20);

  private static final List<String> SHOWN =
      List.of("retry-after", "content-type", "content-length", "x-request");

  /**
   * What an application sees of an answer, but for the headers that only real servers add.
   *
   * @param body a character for each byte
   */
  record Answer(int status, Map<String, String> headers, String body) {}

  /** Says in which step of several an exception came. */
  static final class In extends Exception {
    private static final long serialVersionUID = 1;

    In(String step, Exception cause) {
      super(step, cause);
    }
  }

  /**
   * Calls, and follows redirects; {@code POST} sends {@code ping}.
   *
   * @param limit the timeout of everything that can have one
   */
  abstract Answer call(String method, URI uri, Duration limit, Map<String, List<String>> headers)
      throws Exception;

  Answer call(String method, URI uri, Duration limit) throws Exception {
    return call(method, uri, limit, Map.of());
  }

  Answer call(String method, URI uri) throws Exception {
    return call(method, uri, PATIENT);
  }

  boolean isUrlConnection() {
    return name().startsWith("URL_CONNECTION");
  }

  private static Answer viaUrlConnection(
      String method,
      URI uri,
      Duration limit,
      Map<String, List<String>> given,
      boolean steps,
      boolean streaming)
      throws Exception {
    var connection = (HttpURLConnection) uri.toURL().openConnection();
    connection.setConnectTimeout((int) limit.toMillis());
    connection.setReadTimeout((int) limit.toMillis());
    if (connection instanceof HttpsURLConnection https) {
      https.setSSLSocketFactory(Certificates.client().getSocketFactory());
    }
    connection.setRequestMethod(method);
    given.forEach(
        (name, values) -> values.forEach(value -> connection.addRequestProperty(name, value)));
    connection.setDoOutput(method.equals("POST"));
    if (streaming && method.equals("POST")) {
      connection.setFixedLengthStreamingMode(4);
    }
    if (steps) {
      in(
          "connect",
          () -> {
            connection.connect();
            return 0;
          });
    }
    if (method.equals("POST")) {
      OutputStream body = in("getOutputStream", connection::getOutputStream);
      body.write("ping".getBytes(UTF_8));
      body.close();
    }
    int status = in("getResponseCode", connection::getResponseCode);
    try (InputStream in =
        status >= 400 ? connection.getErrorStream() : connection.getInputStream()) {
      byte[] body = in == null ? new byte[0] : in("read", in::readAllBytes);
      Map<String, String> headers = new TreeMap<>();
      connection
          .getHeaderFields()
          .forEach((name, values) -> show(headers, String.valueOf(name), values));
      return new Answer(status, headers, new String(body, ISO_8859_1));
    }
  }

  private static <T> T in(String step, Callable<T> work) throws In {
    try {
      return work.call();
    } catch (Exception e) {
      throw new In(step, e);
    }
  }

  static HttpClient client(Duration limit) {
    return client(Version.HTTP_1_1, limit);
  }

  static HttpClient client(Version version, Duration limit) {
    return HttpClient.newBuilder()
        .version(version)
        .connectTimeout(limit)
        .followRedirects(HttpClient.Redirect.NORMAL)
        .sslContext(Certificates.client())
        .build();
  }

  static HttpRequest request(String method, URI uri, Duration limit) {
    return request(method, uri, limit, Map.of());
  }

  static HttpRequest request(
      String method, URI uri, Duration limit, Map<String, List<String>> headers) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri)
            .method(
                method,
                method.equals("POST") ? BodyPublishers.ofString("ping") : BodyPublishers.noBody())
            .timeout(limit);
    headers.forEach((name, values) -> values.forEach(value -> request.header(name, value)));
    return request.build();
  }

  static Answer answer(HttpResponse<byte[]> response) {
    Map<String, String> headers = new TreeMap<>();
    response.headers().map().forEach((name, values) -> show(headers, name, values));
    return new Answer(response.statusCode(), headers, new String(response.body(), ISO_8859_1));
  }

  private static void show(Map<String, String> headers, String name, List<String> values) {
    if (SHOWN.contains(name.toLowerCase(Locale.ROOT))) {
      headers.put(name.toLowerCase(Locale.ROOT), String.join(",", values));
    }
  }
}
