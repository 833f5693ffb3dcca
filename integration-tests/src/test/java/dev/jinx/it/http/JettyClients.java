package dev.jinx.it.http;

import dev.jinx.it.real.Certificates;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.eclipse.jetty.client.CompletableResponseListener;
import org.eclipse.jetty.client.ContentResponse;
import org.eclipse.jetty.client.HttpClient;
import org.eclipse.jetty.client.HttpClientTransport;
import org.eclipse.jetty.client.Request;
import org.eclipse.jetty.client.StringRequestContent;
import org.eclipse.jetty.client.transport.HttpClientTransportOverHTTP;
import org.eclipse.jetty.http.HttpVersion;
import org.eclipse.jetty.http2.client.HTTP2Client;
import org.eclipse.jetty.http2.client.transport.HttpClientTransportOverHTTP2;
import org.eclipse.jetty.io.ClientConnector;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.eclipse.jetty.util.thread.QueuedThreadPool;

/** Jetty's client. */
public final class JettyClients implements ClientLibrary {
  @Override
  public List<Client> clients(String version) {
    List<Client> clients = new ArrayList<>();
    for (boolean http2 : new boolean[] {false, true}) {
      for (boolean async : new boolean[] {false, true}) {
        clients.add(
            new Jetty(
                "Jetty " + version + (async ? " async" : " sync") + (http2 ? ", HTTP/2" : ""),
                async,
                http2));
      }
    }
    return clients;
  }

  private record Jetty(String name, boolean async, boolean http2) implements Client {
    @Override
    public String client() {
      return "jetty";
    }

    @Override
    public Session open(Duration limit) throws Exception {
      var tls = new SslContextFactory.Client();
      tls.setSslContext(Certificates.client());
      var connector = new ClientConnector();
      connector.setSslContextFactory(tls);
      HttpClientTransport transport =
          http2
              ? new HttpClientTransportOverHTTP2(new HTTP2Client(connector))
              : new HttpClientTransportOverHTTP(connector);
      var client = new HttpClient(transport);
      var threads = new QueuedThreadPool(8);
      threads.setDaemon(true);
      client.setExecutor(threads);
      client.setConnectTimeout(limit.toMillis());
      client.setIdleTimeout(limit.toMillis());
      client.start();
      return new Session() {
        @Override
        public Reply call(String method, URI uri) throws Exception {
          // the total timeout would race with the others
          Request request = client.newRequest(uri).method(method);
          if (method.equals("POST")) {
            request.body(new StringRequestContent("ping"));
          }
          ContentResponse response =
              async ? new CompletableResponseListener(request).send().get() : request.send();
          if (http2 != (response.getVersion() == HttpVersion.HTTP_2)) {
            throw new AssertionError(response.getVersion());
          }
          Map<String, List<String>> headers = new HashMap<>();
          for (String name : response.getHeaders().getFieldNamesCollection()) {
            headers.put(name, response.getHeaders().getValuesList(name));
          }
          return Reply.of(response.getStatus(), headers, response.getContent());
        }

        @Override
        public void close() throws Exception {
          client.stop();
        }
      };
    }
  }
}
