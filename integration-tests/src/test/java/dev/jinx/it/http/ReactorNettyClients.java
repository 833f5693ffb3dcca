package dev.jinx.it.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.jinx.it.real.Certificates;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelOption;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.JdkSslContext;
import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import reactor.core.publisher.Mono;
import reactor.netty.http.HttpProtocol;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;
import reactor.netty.resources.LoopResources;

/** Reactor Netty, on NIO and on what is native: epoll, or io_uring where that is there. */
public final class ReactorNettyClients implements ClientLibrary {
  @Override
  public List<Client> clients(String version) {
    String name = "Reactor Netty " + version;
    return List.of(
        new Style(name, false, HttpProtocol.HTTP11),
        new Style(name + " native", true, HttpProtocol.HTTP11),
        new Style(name + ", HTTP/2", false, HttpProtocol.H2C));
  }

  private record Style(String name, boolean isNative, HttpProtocol protocol) implements Client {
    @Override
    public String client() {
      return "reactor-netty";
    }

    @Override
    public boolean http2() {
      return protocol != HttpProtocol.HTTP11;
    }

    @Override
    public Session open(Duration limit) {
      // one connection, or whether a call finds the last one back in the pool is a race
      ConnectionProvider pool = ConnectionProvider.create("twin", 1);
      LoopResources loops = LoopResources.create("twin", 1, true);
      return new Open(create(pool, loops, isNative, protocol, limit), pool, loops);
    }

    @Override
    public String toString() {
      return name;
    }
  }

  @SuppressWarnings("deprecation") // the way to a context of the JDK's
  static HttpClient create(
      ConnectionProvider pool,
      LoopResources loops,
      boolean isNative,
      HttpProtocol protocol,
      Duration limit) {
    return HttpClient.create(pool)
        .runOn(loops, isNative)
        .protocol(protocol)
        .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) limit.toMillis())
        .responseTimeout(limit)
        .compress(true)
        .followRedirect(true)
        .secure(
            spec ->
                spec.sslContext(new JdkSslContext(Certificates.client(), true, ClientAuth.NONE)));
  }

  private record Open(HttpClient client, ConnectionProvider pool, LoopResources loops)
      implements Client.Session {
    @Override
    public Reply call(String method, URI uri) {
      return Objects.requireNonNull(
          client
              .request(HttpMethod.valueOf(method))
              .uri(uri)
              .send(
                  method.equals("POST")
                      ? Mono.fromSupplier(() -> Unpooled.copiedBuffer("ping", UTF_8))
                      : Mono.empty())
              .responseSingle(
                  (response, body) ->
                      body.asByteArray()
                          .defaultIfEmpty(new byte[0])
                          .map(
                              bytes -> {
                                Map<String, List<String>> headers = new HashMap<>();
                                for (String each : response.responseHeaders().names()) {
                                  headers.put(each, response.responseHeaders().getAll(each));
                                }
                                return Reply.of(response.status().code(), headers, bytes);
                              }))
              .block());
    }

    @Override
    public void close() {
      pool.disposeLater().block();
      loops.disposeLater(Duration.ZERO, Duration.ofSeconds(5)).block();
    }
  }
}
