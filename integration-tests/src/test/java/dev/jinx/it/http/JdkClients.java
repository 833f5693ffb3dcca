package dev.jinx.it.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Version;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The clients of the JDK itself. */
public final class JdkClients implements ClientLibrary {
  @Override
  public List<Client> clients(String version) {
    List<Client> clients = new ArrayList<>();
    for (Style style : Style.values()) {
      if (style.isUrlConnection()) {
        clients.add(new UrlConnection(style));
      }
    }
    clients.add(new Http("HttpClient send", Version.HTTP_1_1, false));
    clients.add(new Http("HttpClient sendAsync", Version.HTTP_1_1, true));
    clients.add(new Http("HttpClient send, HTTP/2", Version.HTTP_2, false));
    clients.add(new Http("HttpClient sendAsync, HTTP/2", Version.HTTP_2, true));
    return clients;
  }

  private record Http(String name, Version version, boolean async) implements Client {
    @Override
    public String client() {
      return "jdk";
    }

    @Override
    public boolean http2() {
      return version == Version.HTTP_2;
    }

    @Override
    public Session open(Duration limit) {
      HttpClient client = Style.client(version, limit);
      return new Session() {
        @Override
        public Reply call(String method, URI uri) throws Exception {
          return call(Style.request(method, uri, limit));
        }

        @Override
        public Reply call(String method, URI uri, Map<String, List<String>> headers)
            throws Exception {
          return call(Style.request(method, uri, limit, headers));
        }

        private Reply call(HttpRequest request) throws Exception {
          HttpResponse<byte[]> response =
              async
                  ? client.sendAsync(request, BodyHandlers.ofByteArray()).get()
                  : client.send(request, BodyHandlers.ofByteArray());
          if (response.version() != version) {
            throw new AssertionError(response.version());
          }
          return Reply.of(response.statusCode(), response.headers().map(), response.body());
        }

        @Override
        public void close() {}
      };
    }
  }

  private record UrlConnection(Style style) implements Client {
    @Override
    public String name() {
      return "HttpURLConnection"
          + style.name().replace("URL_CONNECTION", "").replace('_', ' ').toLowerCase(Locale.ROOT);
    }

    @Override
    public String client() {
      return "urlconnection";
    }

    @Override
    public Session open(Duration limit) {
      return new Session() {
        @Override
        public Reply call(String method, URI uri) throws Exception {
          return call(method, uri, Map.of());
        }

        @Override
        public Reply call(String method, URI uri, Map<String, List<String>> given)
            throws Exception {
          Style.Answer answer = style.call(method, uri, limit, given);
          Map<String, List<String>> headers = new java.util.TreeMap<>();
          answer.headers().forEach((name, value) -> headers.put(name, List.of(value)));
          return Reply.of(answer.status(), headers, answer.body().getBytes(ISO_8859_1));
        }

        @Override
        public void close() {}
      };
    }

    @Override
    public String toString() {
      return name();
    }
  }
}
