package dev.jinx.it.http;

import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;

/** The registry: every client that keeps the contract, one line each. */
final class Clients {
  /** Of those, only some: {@code -Djinx.it.clients='OkHttp.*'}. */
  private static final Pattern WANTED =
      Pattern.compile(System.getProperty("jinx.it.clients", ".*"));

  private static final List<Client> ALL =
      Stream.of(
              new JdkClients().clients(""),
              new Apache5Clients().clients("5.6"),
              Isolated.library("apache5-5.0", Apache5Clients.class).clients("5.0"),
              new Apache4Clients().clients("4.5"),
              Isolated.library("apache4-4.3", Apache4Clients.class).clients("4.3"),
              new ApacheAsyncClients5().clients("5.6"),
              Isolated.library("apache-async-5.1", ApacheAsyncClients5.class).clients("5.1"),
              new ApacheAsyncClients4().clients("4.1.5"),
              Isolated.library("apache-async-4.1", ApacheAsyncClients4.class).clients("4.1"),
              new JettyClients().clients("12.1"),
              Isolated.library("jetty-12.0", JettyClients.class).clients("12.0"),
              Isolated.library("okhttp-3.14", OkHttpClients.class).clients("3.14"),
              Isolated.library("okhttp-4.4", OkHttpClients.class).clients("4.4"),
              Isolated.library("okhttp-4.12", OkHttpClients.class).clients("4.12"),
              new OkHttpClients().clients("5.5"),
              new RetrofitClients().clients("3.0"),
              new ReactorNettyClients().clients("1.3"),
              Isolated.library("reactor-netty-1.0", ReactorNettyClients.class).clients("1.0"),
              new WebClients().clients("7.0"),
              new AsyncHttpClients().clients("3.0"),
              new VertxClients().clients("5.2")
              // the next one
              )
          .flatMap(List::stream)
          .filter(client -> WANTED.matcher(client.name()).matches())
          .toList();

  private Clients() {}

  static Stream<Named<Client>> http1() {
    return named(ALL.stream().filter(client -> !client.http2()));
  }

  static Stream<Named<Client>> http2() {
    return named(ALL.stream().filter(Client::http2));
  }

  static Stream<Named<Client>> all() {
    return named(ALL.stream());
  }

  private static Stream<Named<Client>> named(Stream<Client> clients) {
    return clients.map(client -> Named.of(client.name(), client));
  }
}
