package dev.jinx.agent.control;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.fault.Source;
import java.io.IOException;
import java.io.InputStream;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The HTTP endpoint, on the JDK's own server. The only class that links it: a JVM may come without
 * the module {@code jdk.httpserver}.
 */
final class Endpoint {
  static final int DEFAULT_PORT = 7117;

  private static final int PORTS_TRIED = 100;
  private static final int MAX_BODY = 4 << 20;
  private static final String JSON = "application/json";
  private static final String PROBLEM = "application/problem+json";
  private static final String LINES = "application/x-ndjson";
  private static final String TEXT = "text/plain; charset=utf-8";
  private static final String METRICS = "text/plain; version=0.0.4; charset=utf-8";
  private static final Set<String> READING = Set.of("GET", "HEAD", "OPTIONS");

  private final HttpServer server;
  private final Workers workers =
      new Workers(TimeUnit.SECONDS.toNanos(10), TimeUnit.SECONDS.toNanos(1));
  private final Guard guard;
  private final SocketTable sockets = new SocketTable("/proc/self");
  private final Bridge bridge;
  private final Armory armory;

  /** An answer as it goes over the wire. */
  private record Answer(int status, String type, String body, @Nullable String allow) {
    static Answer of(Reply reply) {
      return new Answer(
          reply.status(),
          reply.isProblem() ? PROBLEM : JSON,
          Json.write(reply.body()),
          reply.allow());
    }

    static Answer of(String type, String body) {
      return new Answer(200, type, body, null);
    }
  }

  private Endpoint(HttpServer server, Guard guard, Bridge bridge, Armory armory) {
    this.server = server;
    this.guard = guard;
    this.bridge = bridge;
    this.armory = armory;
  }

  /**
   * Listens. To be called on a thread of Jinx: the server's threads take the daemon flag and the
   * group from it.
   *
   * @param port null for the default or, where that is taken, one of the next; 0 for any
   * @throws IOException with a sentence that says what to do
   */
  static Endpoint open(
      String host, @Nullable Integer port, @Nullable String token, Bridge bridge, Armory armory)
      throws IOException {
    InetAddress address;
    try {
      address = InetAddress.getByName(host);
    } catch (UnknownHostException e) {
      throw new IOException("the host " + host + " is unknown", e);
    }
    if (!address.isLoopbackAddress() && token == null) {
      throw new IOException(
          "the host "
              + host
              + " is no loopback address, so everyone could inject faults; set token or tokenFile");
    }
    HttpServer server = bind(address, port);
    Endpoint endpoint = new Endpoint(server, new Guard(host, token), bridge, armory);
    server.createContext("/", endpoint::handle);
    server.setExecutor(endpoint.workers);
    server.start();
    return endpoint;
  }

  private static HttpServer bind(InetAddress address, @Nullable Integer port) throws IOException {
    int first = port == null ? DEFAULT_PORT : port;
    int last = port == null ? DEFAULT_PORT + PORTS_TRIED - 1 : port;
    for (int tried = first; ; tried++) {
      try {
        return HttpServer.create(new InetSocketAddress(address, tried), 0);
      } catch (BindException e) {
        if (tried == last) {
          throw new IOException(
              "cannot listen on "
                  + Guard.bracketed(address.getHostAddress())
                  + ":"
                  + (first == last ? "" : first + " to ")
                  + last
                  + " ("
                  + e.getMessage()
                  + "); choose another port, or port=0 for any that is free",
              e);
        }
      }
    }
  }

  int port() {
    return server.getAddress().getPort();
  }

  String url() {
    return "http://" + Guard.bracketed(guard.host()) + ":" + port();
  }

  /** Closes every connection at once. */
  void close() {
    server.stop(0);
    workers.close();
  }

  // ---- one exchange

  private void handle(HttpExchange exchange) {
    try (exchange) {
      Answer answer;
      try {
        answer = answer(exchange);
      } catch (RuntimeException | LinkageError e) {
        OwnFailures.note(e);
        answer = Answer.of(Reply.problem(500, "a failure of Jinx's own: " + e));
      }
      send(exchange, answer);
    } catch (IOException e) {
      // the client has gone, or was cut off
    }
  }

  private static void send(HttpExchange exchange, Answer answer) throws IOException {
    byte[] body = answer.body.getBytes(StandardCharsets.UTF_8);
    Headers headers = exchange.getResponseHeaders();
    headers.set("Content-Type", answer.type);
    headers.set("Cache-Control", "no-store");
    headers.set("X-Content-Type-Options", "nosniff");
    if (answer.allow != null) {
      headers.set("Allow", answer.allow);
    }
    if (answer.status == 401) {
      headers.set("WWW-Authenticate", "Bearer");
    }
    if (answer.status == 413) {
      headers.set("Connection", "close");
    }
    boolean head = exchange.getRequestMethod().equals("HEAD");
    exchange.sendResponseHeaders(answer.status, head ? -1 : body.length);
    if (!head) {
      exchange.getResponseBody().write(body);
    }
  }

  private Answer answer(HttpExchange exchange) throws IOException {
    String foreign = sockets.refusal(exchange.getRemoteAddress(), exchange.getLocalAddress());
    if (foreign != null) {
      return Answer.of(Reply.problem(403, foreign));
    }
    Headers headers = exchange.getRequestHeaders();
    Reply refused = guard.refusal(headers::get);
    if (refused != null) {
      return Answer.of(refused);
    }
    String method = exchange.getRequestMethod().replace("HEAD", "GET");
    String path = Objects.requireNonNullElse(exchange.getRequestURI().getPath(), "");
    if (path.equals("/") || path.equals("/metrics")) {
      return text(method, path);
    }
    String body = "";
    if (!READING.contains(method)) {
      byte[] bytes = exchange.getRequestBody().readNBytes(MAX_BODY + 1);
      if (bytes.length > MAX_BODY) {
        return tooLarge(exchange.getRequestBody());
      }
      // a DELETE says it all without a body, and needs the endpoint's own origin anyway
      boolean bare = method.equals("DELETE") && bytes.length == 0;
      if (!bare && !isJson(headers.getFirst("Content-Type"), method)) {
        return Answer.of(
            Reply.problem(415, "a write needs the header Content-Type: application/json"));
      }
      try {
        body = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      } catch (CharacterCodingException e) {
        return Answer.of(Reply.problem(400, "not JSON: the body is not UTF-8"));
      }
    }
    Reply reply =
        bridge
            .commands()
            .run(Source.ENDPOINT, method, path, exchange.getRequestURI().getQuery(), body);
    return !reply.isProblem() && path.equals("/v1/injections") && wantsLines(headers.get("Accept"))
        ? Answer.of(LINES, lines(reply))
        : Answer.of(reply);
  }

  private Answer text(String method, String path) {
    if (!method.equals("GET")) {
      Reply problem = Reply.problem(405, path + " knows GET, not " + method);
      return Answer.of(new Reply(405, problem.body(), "GET"));
    }
    return path.equals("/metrics")
        ? Answer.of(METRICS, Metrics.of(armory))
        : Answer.of(TEXT, "Jinx injects failures into this JVM. The API: GET /v1/openapi.json\n");
  }

  private static Answer tooLarge(InputStream rest) throws IOException {
    // takes in some more, so that the client gets to read the answer before the connection closes
    // (by reading: the server's stream skips past the end of the body)
    byte[] buffer = new byte[1 << 16];
    for (int taken = 0, n = 0; n >= 0 && taken < MAX_BODY; taken += n) {
      n = rest.read(buffer);
    }
    return Answer.of(Reply.problem(413, "a body may have at most " + MAX_BODY + " bytes"));
  }

  private static boolean isJson(@Nullable String type, String method) {
    if (type == null) {
      return false;
    }
    int parameters = type.indexOf(';');
    String media = (parameters < 0 ? type : type.substring(0, parameters)).strip();
    return media.equalsIgnoreCase(JSON)
        || (method.equals("PATCH") && media.equalsIgnoreCase("application/merge-patch+json"));
  }

  private static boolean wantsLines(@Nullable List<String> accept) {
    return accept != null
        && accept.stream().anyMatch(value -> value.toLowerCase(Locale.ROOT).contains(LINES));
  }

  private static String lines(Reply reply) {
    List<?> entries =
        (List<?>) ((Map<?, ?>) Objects.requireNonNull(reply.body())).get("injections");
    return Objects.requireNonNull(entries).stream()
        .map(entry -> Json.write(entry) + "\n")
        .collect(Collectors.joining());
  }
}
