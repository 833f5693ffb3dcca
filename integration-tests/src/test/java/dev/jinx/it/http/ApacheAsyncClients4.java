package dev.jinx.it.http;

import dev.jinx.it.real.Certificates;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.http.Header;
import org.apache.http.HttpEntity;
import org.apache.http.HttpResponse;
import org.apache.http.client.config.RequestConfig;
import org.apache.http.client.methods.RequestBuilder;
import org.apache.http.entity.ContentType;
import org.apache.http.entity.StringEntity;
import org.apache.http.impl.nio.client.CloseableHttpAsyncClient;
import org.apache.http.impl.nio.client.HttpAsyncClientBuilder;
import org.apache.http.util.EntityUtils;

/** Apache HttpAsyncClient 4. */
public final class ApacheAsyncClients4 implements ClientLibrary {
  @Override
  public List<Client> clients(String version) {
    return List.of(new Async("Apache HttpAsyncClient " + version));
  }

  private record Async(String name) implements Client {
    @Override
    public String client() {
      return "apache4";
    }

    @Override
    public Session open(Duration limit) {
      int millis = (int) limit.toMillis();
      CloseableHttpAsyncClient client =
          HttpAsyncClientBuilder.create()
              .setDefaultRequestConfig(
                  RequestConfig.custom()
                      .setConnectTimeout(millis)
                      .setConnectionRequestTimeout(millis)
                      .setSocketTimeout(millis)
                      .build())
              .setSSLContext(Certificates.client())
              .build();
      client.start();
      return new Session() {
        @Override
        public Reply call(String method, URI uri) throws Exception {
          RequestBuilder request = RequestBuilder.create(method).setUri(uri);
          if (method.equals("POST")) {
            request.setEntity(new StringEntity("ping", ContentType.TEXT_PLAIN));
          }
          return reply(client.execute(request.build(), null).get());
        }

        @Override
        public void close() throws Exception {
          client.close();
        }
      };
    }
  }

  private static Reply reply(HttpResponse response) throws Exception {
    Map<String, List<String>> headers = new TreeMap<>();
    for (Header header : response.getAllHeaders()) {
      headers.put(header.getName(), List.of(header.getValue()));
    }
    HttpEntity body = response.getEntity();
    return Reply.of(
        response.getStatusLine().getStatusCode(),
        headers,
        body == null ? new byte[0] : EntityUtils.toByteArray(body));
  }
}
