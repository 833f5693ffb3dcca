package dev.jinx.it.real;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * An HTTP/1.1 server on loopback whose answer to a request is any behaviour at all, also the bad
 * ones. It keeps connections alive and remembers every request that reached it.
 */
public final class RealServer implements AutoCloseable {

  /** What the server does with one request; writes to the connection or mistreats it. */
  @FunctionalInterface
  public interface Answer {
    void give(Request request, Connection connection) throws IOException;
  }

  /** A request as it arrived; header names in lower case. */
  public record Request(String method, String path, Map<String, String> headers, byte[] body) {}

  /** Echoes the request's body, or {@code hello}, with the request line in a header. */
  public static final Answer ECHO =
      (request, connection) ->
          connection.respond(
              200,
              Map.of("X-Request", request.method() + " " + request.path()),
              request.body().length > 0 ? request.body() : "hello".getBytes(UTF_8));

  /** Never answers. */
  public static final Answer SILENCE = (request, connection) -> connection.awaitClose();

  /** RST instead of an answer. */
  public static final Answer RESET = (request, connection) -> connection.reset();

  /** FIN instead of an answer. */
  public static final Answer END = (request, connection) -> connection.close();

  /** FIN in the middle of the body. */
  public static final Answer END_IN_BODY =
      (request, connection) -> {
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".getBytes(ISO_8859_1));
        connection.close();
      };

  /** A body of 100 bytes. */
  public static Answer body(boolean chunked) {
    return (request, connection) -> {
      byte[] body = "0123456789".repeat(10).getBytes(ISO_8859_1);
      connection.write(head(chunked));
      connection.write(chunked ? chunk(body) : body);
      connection.write((chunked ? "0\r\n\r\n" : "").getBytes(ISO_8859_1));
    };
  }

  /** The same, a tenth of it at a time, with so many milliseconds before each. */
  public static Answer slowBody(boolean chunked, long millis) {
    return (request, connection) -> {
      connection.write(head(chunked));
      for (int i = 0; i < 10; i++) {
        connection.awaitClose(millis);
        byte[] part = "0123456789".getBytes(ISO_8859_1);
        connection.write(chunked ? chunk(part) : part);
      }
      connection.write((chunked ? "0\r\n\r\n" : "").getBytes(ISO_8859_1));
    };
  }

  /** The same, with its connection reset or ended behind the first 40 bytes. */
  public static Answer cutBody(boolean chunked, boolean reset) {
    return (request, connection) -> {
      byte[] part = "0123456789".repeat(4).getBytes(ISO_8859_1);
      connection.write(head(chunked));
      connection.write((chunked ? "64\r\n" : "").getBytes(ISO_8859_1));
      connection.write(part);
      // what is on the way arrives before the reset
      connection.awaitClose(150);
      if (reset) {
        connection.reset();
      } else {
        connection.close();
      }
    };
  }

  private static byte[] head(boolean chunked) {
    String length = chunked ? "Transfer-Encoding: chunked" : "Content-Length: 100";
    return ("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" + length + "\r\n\r\n")
        .getBytes(ISO_8859_1);
  }

  private static byte[] chunk(byte[] bytes) {
    return (Integer.toHexString(bytes.length) + "\r\n" + new String(bytes, ISO_8859_1) + "\r\n")
        .getBytes(ISO_8859_1);
  }

  /** 503 with a body and {@code Retry-After}. */
  public static final Answer UNAVAILABLE =
      (request, connection) ->
          connection.respond(
              503,
              Map.of("Retry-After", "7", "Content-Type", "text/plain"),
              "try again".getBytes(UTF_8));

  /** The answer of the next, given after the milliseconds. */
  public static Answer after(long millis, Answer then) {
    return (request, connection) -> {
      connection.awaitClose(millis);
      then.give(request, connection);
    };
  }

  /** A redirect of everything but {@code location} itself, which echoes. */
  public static Answer redirectTo(String location) {
    return (request, connection) -> {
      if (request.path().equals(location)) {
        ECHO.give(request, connection);
      } else {
        connection.respond(302, Map.of("Location", location), new byte[0]);
      }
    };
  }

  private final ServerSocket listener;
  private final String scheme;
  private final List<Request> requests = new CopyOnWriteArrayList<>();
  private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
  private final Set<Connection> used = ConcurrentHashMap.newKeySet();
  private volatile Answer answer;
  private volatile int accepted;

  private RealServer(ServerSocket listener, String scheme, Answer answer) {
    this.listener = listener;
    this.scheme = scheme;
    this.answer = answer;
    start(this::accept);
  }

  public static RealServer http(Answer answer) {
    try {
      return new RealServer(
          new ServerSocket(0, 200, InetAddress.getLoopbackAddress()), "http", answer);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public static RealServer https(SSLContext tls, Answer answer) {
    try {
      return new RealServer(
          tls.getServerSocketFactory().createServerSocket(0, 200, InetAddress.getLoopbackAddress()),
          "https",
          answer);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A port of loopback that refuses connections. */
  public static URI refusing() {
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return URI.create("http://localhost:" + socket.getLocalPort() + "/");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A port of loopback that neither accepts nor refuses a connection: its backlog is full. */
  public static Unreachable unreachable() {
    return new Unreachable();
  }

  public URI uri(String path) {
    return URI.create(scheme + "://localhost:" + listener.getLocalPort() + path);
  }

  /** Every request that reached the server whole, in order. */
  public List<Request> requests() {
    return requests;
  }

  /** How many connections were opened. */
  public int connections() {
    return accepted;
  }

  /** How many of the connections are open now by which the requests have come. */
  public int open() {
    return (int) used.stream().filter(connections::contains).count();
  }

  /** Forgets the requests so far and answers the next ones this way. */
  public RealServer answering(Answer answer) {
    this.answer = answer;
    requests.clear();
    used.clear();
    accepted = 0;
    return this;
  }

  @Override
  public void close() {
    closeQuietly(listener);
    connections.forEach(Connection::close);
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // one thread accepts
  private void accept() {
    while (!listener.isClosed()) {
      try {
        var socket = listener.accept();
        accepted++;
        start(() -> serve(socket));
      } catch (IOException e) {
        // closed, or a client that went away
      }
    }
  }

  private void serve(Socket socket) {
    try (var connection = new Connection(socket)) {
      connections.add(connection);
      try {
        while (!socket.isClosed()) {
          Request request = connection.read();
          if (request == null) {
            return;
          }
          used.add(connection);
          requests.add(request);
          answer.give(request, connection);
        }
      } finally {
        connections.remove(connection);
      }
    } catch (IOException e) {
      // the client went away
    }
  }

  private static void start(Runnable work) {
    var thread = new Thread(work, "real-server");
    thread.setDaemon(true);
    thread.start();
  }

  private static void closeQuietly(AutoCloseable resource) {
    try {
      resource.close();
    } catch (Exception e) {
      // it is gone, as wished
    }
  }

  /** One client's connection. */
  public static final class Connection implements AutoCloseable {
    private final Socket socket;
    private final InputStream in;
    private final CountDownLatch closed = new CountDownLatch(1);

    Connection(Socket socket) throws IOException {
      this.socket = socket;
      socket.setTcpNoDelay(true);
      in = new BufferedInputStream(socket.getInputStream());
    }

    public void respond(int status, Map<String, String> headers, byte[] body) throws IOException {
      var head = new StringBuilder("HTTP/1.1 " + status + " Status\r\n");
      headers.forEach((name, value) -> head.append(name + ": " + value + "\r\n"));
      if (status != 204 && status != 304) {
        head.append("Content-Length: " + body.length + "\r\n");
      }
      write((head + "\r\n").getBytes(ISO_8859_1));
      write(body);
    }

    public void write(byte[] bytes) throws IOException {
      socket.getOutputStream().write(bytes);
    }

    public void reset() throws IOException {
      socket.setSoLinger(true, 0);
      close();
    }

    public void awaitClose() {
      awaitClose(TimeUnit.MINUTES.toMillis(2));
    }

    void awaitClose(long millis) {
      try {
        var unused = closed.await(millis, TimeUnit.MILLISECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    @Override
    public void close() {
      closed.countDown();
      closeQuietly(socket);
    }

    private @Nullable Request read() throws IOException {
      String requestLine = line();
      if (requestLine.isEmpty()) {
        return null;
      }
      Map<String, String> headers = new LinkedHashMap<>();
      for (String line = line(); !line.isEmpty(); line = line()) {
        int colon = line.indexOf(':');
        if (colon < 0) {
          throw new IOException("this is no HTTP");
        }
        headers.put(
            line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
      }
      byte[] body =
          headers.getOrDefault("transfer-encoding", "").equals("chunked")
              ? chunks()
              : in.readNBytes(Integer.parseInt(headers.getOrDefault("content-length", "0")));
      String[] words = requestLine.split(" ", -1);
      return new Request(words[0], words[1], headers, body);
    }

    private byte[] chunks() throws IOException {
      var body = new java.io.ByteArrayOutputStream();
      for (int size = size(); size > 0; size = size()) {
        body.write(in.readNBytes(size));
        line();
      }
      line();
      return body.toByteArray();
    }

    private int size() throws IOException {
      return Integer.parseInt(line(), 16);
    }

    private String line() throws IOException {
      var line = new StringBuilder();
      for (int c = in.read(); c != -1 && c != '\n'; c = in.read()) {
        if (c != '\r') {
          line.append((char) c);
        }
      }
      return line.toString();
    }
  }

  /** See {@link #unreachable()}. */
  public static final class Unreachable implements AutoCloseable {
    private final ServerSocket listener;
    private final List<Socket> fill = new ArrayList<>();

    private Unreachable() {
      try {
        listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        for (int i = 0; i < 16; i++) {
          var socket = new Socket();
          fill.add(socket);
          try {
            socket.connect(listener.getLocalSocketAddress(), 100);
          } catch (java.net.SocketTimeoutException full) {
            return;
          }
        }
        throw new IllegalStateException("the backlog never filled up");
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    public URI uri() {
      return URI.create(
          "http://localhost:" + ((InetSocketAddress) listener.getLocalSocketAddress()).getPort());
    }

    @Override
    public void close() {
      fill.forEach(RealServer::closeQuietly);
      closeQuietly(listener);
    }
  }
}
