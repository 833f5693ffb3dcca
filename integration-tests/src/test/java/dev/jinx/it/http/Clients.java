package dev.jinx.it.http;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;

/** The registry: every client that keeps the contract, one line each. */
final class Clients {
  /** Of those, only some: {@code -Djinx.it.clients='OkHttp.*'}. */
  private static final Pattern WANTED =
      Pattern.compile(System.getProperty("jinx.it.clients", ".*"));

  /** Only the latest version of each library, and of its styles the first. */
  private static final boolean FEW = Boolean.getBoolean("jinx.it.few");

  private static final List<Client> ALL =
      Stream.of(
              new JdkClients().clients(""),
              new Apache5Clients().clients("5.6"),
              older("apache5-5.0", Apache5Clients.class, "5.0"),
              new Apache4Clients().clients("4.5"),
              older("apache4-4.3", Apache4Clients.class, "4.3"),
              new ApacheAsyncClients5().clients("5.6"),
              older("apache-async-5.1", ApacheAsyncClients5.class, "5.1"),
              new ApacheAsyncClients4().clients("4.1.5"),
              older("apache-async-4.1", ApacheAsyncClients4.class, "4.1"),
              new JettyClients().clients("12.1"),
              older("jetty-12.0", JettyClients.class, "12.0"),
              older("okhttp-3.14", OkHttpClients.class, "3.14"),
              older("okhttp-4.4", OkHttpClients.class, "4.4"),
              older("okhttp-4.12", OkHttpClients.class, "4.12"),
              new OkHttpClients().clients("5.5"),
              new RetrofitClients().clients("3.0"),
              new ReactorNettyClients().clients("1.3"),
              older("reactor-netty-1.0", ReactorNettyClients.class, "1.0"),
              new WebClients().clients("7.0"),
              new AsyncHttpClients().clients("3.0"),
              new VertxClients().clients("5.2")
              // the next one
              )
          .flatMap(clients -> FEW ? few(clients) : clients.stream())
          .filter(client -> WANTED.matcher(client.name()).matches())
          .toList();

  private Clients() {}

  /** All of the JDK's own, which differ from one JDK to the next, and one of each other library. */
  private static Stream<Client> few(List<Client> clients) {
    Set<String> seen = new HashSet<>();
    return clients.stream()
        .filter(
            client ->
                client.client().equals("jdk")
                    || client.client().equals("urlconnection")
                    || seen.add(client.client() + client.http2()));
  }

  /** Another version of a library. */
  private static List<Client> older(
      String folder, Class<? extends ClientLibrary> library, String version) {
    return FEW ? List.of() : Isolated.library(folder, library).clients(version);
  }

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
