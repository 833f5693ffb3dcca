package dev.jinx.it.http;

import dev.jinx.it.real.Certificates;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hc.client5.http.async.methods.SimpleHttpRequest;
import org.apache.hc.client5.http.async.methods.SimpleHttpResponse;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.async.CloseableHttpAsyncClient;
import org.apache.hc.client5.http.impl.async.H2AsyncClientBuilder;
import org.apache.hc.client5.http.impl.async.HttpAsyncClientBuilder;
import org.apache.hc.client5.http.impl.nio.PoolingAsyncClientConnectionManagerBuilder;
import org.apache.hc.client5.http.ssl.DefaultClientTlsStrategy;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.io.CloseMode;
import org.apache.hc.core5.reactor.IOReactorConfig;
import org.apache.hc.core5.util.Timeout;

/** Apache HttpClient 5, asynchronous. */
public final class ApacheAsyncClients5 implements ClientLibrary {
  @Override
  public List<Client> clients(String version) {
    return List.of(
        new Async("Apache HttpClient " + version + " async", false),
        new Async("Apache HttpClient " + version + " async, HTTP/2", true));
  }

  private record Async(String name, boolean http2) implements Client {
    @Override
    public String client() {
      return "apache5";
    }

    @Override
    public Session open(Duration limit) {
      CloseableHttpAsyncClient client = http2 ? overHttp2(limit) : overHttp1(limit);
      client.start();
      return new Session() {
        @Override
        public Reply call(String method, URI uri) throws Exception {
          var request = new SimpleHttpRequest(method, uri);
          if (method.equals("POST")) {
            request.setBody("ping", ContentType.TEXT_PLAIN);
          }
          return reply(client.execute(request, null).get());
        }

        @Override
        public void close() {
          client.close(CloseMode.IMMEDIATE);
        }
      };
    }
  }

  @SuppressWarnings("deprecation") // its successor came with 5.2
  private static RequestConfig config(Timeout limit) {
    return RequestConfig.custom()
        .setConnectTimeout(limit)
        .setConnectionRequestTimeout(limit)
        .setResponseTimeout(limit)
        .build();
  }

  private static CloseableHttpAsyncClient overHttp1(Duration limit) {
    return HttpAsyncClientBuilder.create()
        .setDefaultRequestConfig(config(Timeout.ofMilliseconds(limit.toMillis())))
        .setConnectionManager(
            PoolingAsyncClientConnectionManagerBuilder.create()
                .setTlsStrategy(new DefaultClientTlsStrategy(Certificates.client()))
                .build())
        .build();
  }

  /** It knows of the time of an answer by its sockets alone. */
  private static CloseableHttpAsyncClient overHttp2(Duration limit) {
    return H2AsyncClientBuilder.create()
        .setDefaultRequestConfig(config(Timeout.ofMilliseconds(limit.toMillis())))
        .setIOReactorConfig(
            IOReactorConfig.custom().setSoTimeout(Timeout.ofMilliseconds(limit.toMillis())).build())
        .setTlsStrategy(new DefaultClientTlsStrategy(Certificates.client()))
        .build();
  }

  private static Reply reply(SimpleHttpResponse response) {
    Map<String, List<String>> headers = new TreeMap<>();
    for (Header header : response.getHeaders()) {
      headers.put(header.getName(), List.of(header.getValue()));
    }
    byte[] body = response.getBodyBytes();
    return Reply.of(response.getCode(), headers, body == null ? new byte[0] : body);
  }
}
