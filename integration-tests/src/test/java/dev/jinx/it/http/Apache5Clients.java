package dev.jinx.it.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.jinx.it.real.Certificates;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hc.client5.http.classic.methods.HttpUriRequestBase;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.fluent.Executor;
import org.apache.hc.client5.http.fluent.Request;
import org.apache.hc.client5.http.impl.DefaultHttpRequestRetryStrategy;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManager;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.client5.http.protocol.HttpClientContext;
import org.apache.hc.client5.http.ssl.SSLConnectionSocketFactoryBuilder;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.HttpResponse;
import org.apache.hc.core5.http.io.SocketConfig;
import org.apache.hc.core5.http.io.entity.EntityUtils;
import org.apache.hc.core5.http.io.entity.StringEntity;
import org.apache.hc.core5.http.protocol.HttpContext;
import org.apache.hc.core5.util.TimeValue;
import org.apache.hc.core5.util.Timeout;

/** Apache HttpClient 5, classic. */
public final class Apache5Clients implements ClientLibrary {
  @Override
  public List<Client> clients(String version) {
    String name = "Apache HttpClient " + version;
    return List.of(
        new Classic(name, false), new Classic(name + " minimal", true), new Fluent(name));
  }

  @SuppressWarnings("deprecation") // the way of 5.0
  private static PoolingHttpClientConnectionManager pool(Duration limit) {
    var pool =
        PoolingHttpClientConnectionManagerBuilder.create()
            .setSSLSocketFactory(
                SSLConnectionSocketFactoryBuilder.create()
                    .setSslContext(Certificates.client())
                    .build())
            // the fluent API of 5.0 forgets the response timeout
            .setDefaultSocketConfig(SocketConfig.custom().setSoTimeout(timeout(limit)).build())
            .build();
    if (hasConnectionConfig()) {
      Since52.configure(pool, limit);
    }
    return pool;
  }

  private static boolean hasConnectionConfig() {
    try {
      Class.forName("org.apache.hc.client5.http.config.ConnectionConfig");
      return true;
    } catch (ClassNotFoundException e) {
      return false;
    }
  }

  private static final class Since52 {
    static void configure(PoolingHttpClientConnectionManager pool, Duration limit) {
      pool.setDefaultConnectionConfig(
          ConnectionConfig.custom().setConnectTimeout(timeout(limit)).build());
    }
  }

  @SuppressWarnings("deprecation") // the way of 5.0
  private static RequestConfig config(Duration limit) {
    RequestConfig.Builder config =
        RequestConfig.custom()
            .setConnectionRequestTimeout(timeout(limit))
            .setResponseTimeout(timeout(limit));
    return (hasConnectionConfig() ? config : config.setConnectTimeout(timeout(limit))).build();
  }

  private static Timeout timeout(Duration limit) {
    return Timeout.ofMilliseconds(limit.toMillis());
  }

  private static Reply reply(ClassicHttpResponse response) throws Exception {
    Map<String, List<String>> headers = new TreeMap<>();
    for (Header header : response.getHeaders()) {
      headers.computeIfAbsent(header.getName(), it -> new ArrayList<>()).add(header.getValue());
    }
    HttpEntity entity = response.getEntity();
    byte[] body = entity == null ? new byte[0] : EntityUtils.toByteArray(entity);
    return Reply.of(response.getCode(), headers, body);
  }

  /** Tries an answer 503 again, as by default, but at once. */
  private static final class Hasty extends DefaultHttpRequestRetryStrategy {
    @Override
    public boolean retryRequest(HttpResponse response, int count, HttpContext context) {
      // 5.0 opens a connection for it, and nothing does in place of a server that is not asked
      return hasConnectionConfig() && super.retryRequest(response, count, context);
    }

    @Override
    public TimeValue getRetryInterval(HttpResponse response, int count, HttpContext context) {
      return TimeValue.ofMilliseconds(1);
    }
  }

  /**
   * @param minimal the client without redirects and retries
   */
  private record Classic(String name, boolean minimal) implements Client {
    @Override
    public String client() {
      return "apache5";
    }

    @Override
    public Session open(Duration limit) {
      PoolingHttpClientConnectionManager pool = pool(limit);
      CloseableHttpClient client =
          minimal
              ? HttpClients.createMinimal(pool)
              : HttpClients.custom()
                  .setConnectionManager(pool)
                  .setRetryStrategy(new Hasty())
                  .build();
      return new Session() {
        @Override
        @SuppressWarnings("deprecation") // the answer is closed
        public Reply call(String method, URI uri) throws Exception {
          var request = new HttpUriRequestBase(method, uri);
          request.setConfig(config(limit));
          if (method.equals("POST")) {
            request.setEntity(new StringEntity("ping", UTF_8));
          }
          URI redirect;
          // the minimal client of 5.0 cannot do without a context
          var context = HttpClientContext.create();
          try (ClassicHttpResponse response = client.execute(request, context)) {
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
        public void close() throws Exception {
          client.close();
        }
      };
    }
  }

  /** The fluent API, on a client that tries nothing again. */
  private record Fluent(String library) implements Client {
    @Override
    public String name() {
      return library + " fluent";
    }

    @Override
    public String client() {
      return "apache5";
    }

    @Override
    public Session open(Duration limit) {
      CloseableHttpClient client =
          HttpClients.custom()
              .setConnectionManager(pool(limit))
              .setDefaultRequestConfig(config(limit))
              .disableAutomaticRetries()
              .build();
      Executor executor = Executor.newInstance(client);
      return new Session() {
        @Override
        public Reply call(String method, URI uri) throws Exception {
          Request request =
              switch (method) {
                case "GET" -> Request.get(uri);
                case "HEAD" -> Request.head(uri);
                case "POST" -> Request.post(uri);
                default -> throw new IllegalArgumentException(method);
              };
          if (method.equals("POST")) {
            request.bodyString("ping", ContentType.TEXT_PLAIN);
          }
          return executor
              .execute(request)
              .handleResponse(
                  response -> {
                    try {
                      return reply(response);
                    } catch (RuntimeException | java.io.IOException e) {
                      throw e;
                    } catch (Exception e) {
                      throw new IllegalStateException(e);
                    }
                  });
        }

        @Override
        public void close() throws Exception {
          client.close();
        }
      };
    }
  }
}
