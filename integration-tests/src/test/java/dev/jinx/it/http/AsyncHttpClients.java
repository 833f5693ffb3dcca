package dev.jinx.it.http;

import dev.jinx.it.real.Certificates;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.JdkSslContext;
import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.asynchttpclient.AsyncHttpClient;
import org.asynchttpclient.Dsl;
import org.asynchttpclient.RequestBuilder;
import org.asynchttpclient.Response;

/** AsyncHttpClient, which uses Netty. */
public final class AsyncHttpClients implements ClientLibrary {
  @Override
  public List<Client> clients(String version) {
    return List.of(new Style("AsyncHttpClient " + version, false));
  }

  private record Style(String name, boolean isNative) implements Client {
    @Override
    public String client() {
      return "async-http-client";
    }

    @Override
    public Session open(Duration limit) {
      return new Open(
          Dsl.asyncHttpClient(
              Dsl.config()
                  .setIoThreadsCount(1)
                  .setUseNativeTransport(isNative)
                  .setConnectTimeout(limit)
                  .setReadTimeout(limit)
                  .setFollowRedirect(true)
                  .setSslContext(new JdkSslContext(Certificates.client(), true, ClientAuth.NONE))));
    }

    @Override
    public String toString() {
      return name;
    }
  }

  private record Open(AsyncHttpClient client) implements Client.Session {
    @Override
    public Reply call(String method, URI uri) throws Exception {
      RequestBuilder request = new RequestBuilder(method).setUrl(uri.toString());
      if (method.equals("POST")) {
        request.setBody("ping");
      }
      Response response = client.executeRequest(request.build()).get();
      Map<String, List<String>> headers = new HashMap<>();
      for (String each : response.getHeaders().names()) {
        headers.put(each, response.getHeaders(each));
      }
      return Reply.of(response.getStatusCode(), headers, response.getResponseBodyAsBytes());
    }

    @Override
    public void close() throws Exception {
      client.close();
    }
  }
}
