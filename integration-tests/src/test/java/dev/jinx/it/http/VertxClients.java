package dev.jinx.it.http;

import dev.jinx.it.real.Certificates;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.client.HttpRequest;
import io.vertx.ext.web.client.HttpResponse;
import io.vertx.ext.web.client.WebClient;
import io.vertx.ext.web.client.WebClientOptions;
import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Vert.x' WebClient. */
public final class VertxClients implements ClientLibrary {
  @Override
  public List<Client> clients(String version) {
    return List.of(new Style("Vert.x WebClient " + version));
  }

  private record Style(String name) implements Client {
    @Override
    public String client() {
      return "vertx";
    }

    @Override
    public Session open(Duration limit) {
      Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
      WebClientOptions options = new WebClientOptions();
      options.setConnectTimeout((int) limit.toMillis());
      options.setReadIdleTimeout((int) limit.toMillis());
      options.setIdleTimeoutUnit(TimeUnit.MILLISECONDS);
      options.setTrustOptions(trusted());
      options.setFollowRedirects(true);
      options.setDecompressionSupported(true);
      return new Open(vertx, WebClient.create(vertx, options));
    }

    private static io.vertx.core.net.TrustOptions trusted() {
      try {
        var store = new java.io.ByteArrayOutputStream();
        Certificates.serverStore().store(store, Certificates.password().toCharArray());
        return new io.vertx.core.net.PfxOptions()
            .setValue(Buffer.buffer(store.toByteArray()))
            .setPassword(Certificates.password());
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }

    @Override
    public String toString() {
      return name;
    }
  }

  private record Open(Vertx vertx, WebClient client) implements Client.Session {
    @Override
    public Reply call(String method, URI uri) throws Exception {
      HttpRequest<Buffer> request = client.requestAbs(HttpMethod.valueOf(method), uri.toString());
      Future<HttpResponse<Buffer>> sent =
          method.equals("POST") ? request.sendBuffer(Buffer.buffer("ping")) : request.send();
      HttpResponse<Buffer> response = sent.toCompletionStage().toCompletableFuture().get();
      Map<String, List<String>> headers = new HashMap<>();
      for (String each : response.headers().names()) {
        headers.put(each, response.headers().getAll(each));
      }
      Buffer body = response.bodyAsBuffer();
      return Reply.of(response.statusCode(), headers, body == null ? new byte[0] : body.getBytes());
    }

    @Override
    public void close() throws Exception {
      client.close();
      vertx.close().toCompletionStage().toCompletableFuture().get();
    }
  }
}
