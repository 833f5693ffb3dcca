package dev.jinx.it.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.jinx.it.real.Certificates;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.http.Header;
import org.apache.http.HttpEntity;
import org.apache.http.HttpResponse;
import org.apache.http.client.config.RequestConfig;
import org.apache.http.client.methods.CloseableHttpResponse;
import org.apache.http.client.methods.HttpUriRequest;
import org.apache.http.client.methods.RequestBuilder;
import org.apache.http.config.Registry;
import org.apache.http.config.RegistryBuilder;
import org.apache.http.conn.socket.ConnectionSocketFactory;
import org.apache.http.conn.socket.PlainConnectionSocketFactory;
import org.apache.http.conn.ssl.SSLConnectionSocketFactory;
import org.apache.http.entity.StringEntity;
import org.apache.http.impl.client.CloseableHttpClient;
import org.apache.http.impl.client.HttpClients;
import org.apache.http.impl.conn.PoolingHttpClientConnectionManager;
import org.apache.http.util.EntityUtils;

/** Apache HttpClient 4. */
public final class Apache4Clients implements ClientLibrary {
  @Override
  public List<Client> clients(String version) {
    String name = "Apache HttpClient " + version;
    Client full = new Classic(name, false);
    // the minimal client of 4.3 asks every server as if it were a proxy
    return version.equals("4.3")
        ? List.of(full)
        : List.of(full, new Classic(name + " minimal", true));
  }

  /**
   * @param minimal the client without redirects and retries
   */
  private record Classic(String name, boolean minimal) implements Client {
    @Override
    public String client() {
      return "apache4";
    }

    @Override
    public Session open(Duration limit) {
      Registry<ConnectionSocketFactory> sockets =
          RegistryBuilder.<ConnectionSocketFactory>create()
              .register("http", PlainConnectionSocketFactory.getSocketFactory())
              .register("https", new SSLConnectionSocketFactory(Certificates.client()))
              .build();
      var pool = new PoolingHttpClientConnectionManager(sockets);
      CloseableHttpClient client =
          minimal
              ? HttpClients.createMinimal(pool)
              : HttpClients.custom().setConnectionManager(pool).build();
      int millis = (int) limit.toMillis();
      RequestConfig config =
          RequestConfig.custom()
              .setConnectionRequestTimeout(millis)
              .setConnectTimeout(millis)
              .setSocketTimeout(millis)
              .build();
      return new Session() {
        @Override
        public Reply call(String method, URI uri) throws IOException {
          RequestBuilder request = RequestBuilder.create(method).setUri(uri).setConfig(config);
          if (method.equals("POST")) {
            request.setEntity(new StringEntity("ping", UTF_8));
          }
          HttpUriRequest built = request.build();
          URI redirect;
          try (CloseableHttpResponse response = client.execute(built)) {
            Header location = response.getFirstHeader("Location");
            if (location == null) {
              return reply(response);
            }
            redirect = uri.resolve(location.getValue());
            EntityUtils.consume(response.getEntity());
          }
          return call(method, redirect);
        }

        @Override
        public void close() throws IOException {
          client.close();
        }
      };
    }
  }

  private static Reply reply(HttpResponse response) throws IOException {
    Map<String, List<String>> headers = new TreeMap<>();
    for (Header header : response.getAllHeaders()) {
      // the minimal client of 4.3 asks for whole URIs
      String value = header.getValue().replaceFirst("http://localhost:\\d+", "");
      headers.computeIfAbsent(header.getName(), it -> new ArrayList<>()).add(value);
    }
    HttpEntity entity = response.getEntity();
    byte[] body = entity == null ? new byte[0] : EntityUtils.toByteArray(entity);
    return Reply.of(response.getStatusLine().getStatusCode(), headers, body);
  }
}
