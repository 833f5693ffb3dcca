package dev.jinx.it.http;

import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.springframework.http.HttpMethod;
import org.springframework.http.ResponseEntity;
import org.springframework.http.client.reactive.ReactorClientHttpConnector;
import org.springframework.web.reactive.function.client.WebClient;
import reactor.core.publisher.Mono;
import reactor.netty.http.HttpProtocol;
import reactor.netty.resources.ConnectionProvider;
import reactor.netty.resources.LoopResources;

/** Spring's WebClient, which uses Reactor Netty. */
public final class WebClients implements ClientLibrary {
  @Override
  public List<Client> clients(String version) {
    return List.of(new Style("Spring WebClient " + version));
  }

  private record Style(String name) implements Client {
    @Override
    public String client() {
      return "reactor-netty";
    }

    @Override
    public Session open(Duration limit) {
      ConnectionProvider pool = ConnectionProvider.create("twin", 1);
      LoopResources loops = LoopResources.create("twin", 1, true);
      var client = ReactorNettyClients.create(pool, loops, false, HttpProtocol.HTTP11, limit);
      return new Open(
          WebClient.builder().clientConnector(new ReactorClientHttpConnector(client)).build(),
          pool,
          loops);
    }

    @Override
    public String toString() {
      return name;
    }
  }

  private record Open(WebClient client, ConnectionProvider pool, LoopResources loops)
      implements Client.Session {
    @Override
    public Reply call(String method, URI uri) {
      WebClient.RequestBodySpec request = client.method(HttpMethod.valueOf(method)).uri(uri);
      WebClient.RequestHeadersSpec<?> spec =
          method.equals("POST") ? request.bodyValue("ping") : request;
      return Objects.requireNonNull(
          spec.exchangeToMono(
                  response ->
                      response.toEntity(byte[].class).flatMap(entity -> Mono.just(reply(entity))))
              .block());
    }

    private static Reply reply(ResponseEntity<byte[]> entity) {
      Map<String, List<String>> headers = new HashMap<>();
      entity.getHeaders().forEach(headers::put);
      byte[] body = entity.getBody();
      return Reply.of(entity.getStatusCode().value(), headers, body == null ? new byte[0] : body);
    }

    @Override
    public void close() {
      pool.disposeLater().block();
      loops.disposeLater(Duration.ZERO, Duration.ofSeconds(5)).block();
    }
  }
}
