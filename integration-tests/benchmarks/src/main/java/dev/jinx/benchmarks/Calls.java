package dev.jinx.benchmarks;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URL;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Hooked calls with faults armed that match none of them; {@link CallCosts} runs them. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
public class Calls {

  /** A look-up that the JDK's cache answers: little more than the hook itself. */
  @Benchmark
  public Object dns(Dns dns) throws Exception {
    return dns.call();
  }

  /** {@code select 1} on H2 in memory. */
  @Benchmark
  public Object jdbc(Jdbc jdbc) throws Exception {
    return jdbc.call();
  }

  /** A query of a driver that does nothing. */
  @Benchmark
  public Object jdbcTrivial(JdbcTrivial jdbc) throws Exception {
    return jdbc.call();
  }

  /** An exchange over loopback. */
  @Benchmark
  public Object httpUrlConnection(UrlConnection connection) throws Exception {
    return connection.call();
  }

  /** An exchange over loopback. */
  @Benchmark
  public Object httpClient(Client client) throws Exception {
    return client.call();
  }

  /** A call, and the faults that are armed meanwhile. */
  @NullUnmarked
  @State(Scope.Benchmark)
  public abstract static class Armed {
    static final String NO_AGENT = "no agent";
    static final String NOTHING = "nothing armed";

    /**
     * One of the two above, or "100 faults elsewhere", on hosts or databases that are not called,
     * or "100 faults nearby", on the very host or database, but on other paths or tables.
     */
    @Param(NO_AGENT)
    public String armed;

    abstract Object call() throws Exception;

    abstract void open() throws Exception;

    abstract void close() throws Exception;

    /** The target of fault number i, which matches nothing. */
    abstract String elsewhere(int i);

    abstract String nearby(int i);

    /** A target that the call does match. */
    abstract String here();

    /** Arms the faults. */
    @Setup(Level.Trial)
    public void setUp() throws Exception {
      if (armed.contains(" fault")) {
        int count = Integer.parseInt(armed.substring(0, armed.indexOf(' ')));
        boolean near = armed.endsWith("nearby");
        Bridge.arm(
            IntStream.range(0, count)
                .mapToObj(
                    i ->
                        Bridge.fault("f" + i, near ? nearby(i) : elsewhere(i), "'latency':'250ms'"))
                .toList());
      }
      open(); // last, so that what is prepared is seen
    }

    /** Makes sure that the calls were hooked and none was hit, or the figures mean nothing. */
    @TearDown(Level.Trial)
    public void tearDown() throws Exception {
      if (!armed.equals(NO_AGENT)) {
        long matched = Bridge.sum("matched", Bridge.send("GET /v1/faults", ""));
        Bridge.clear();
        Bridge.arm(List.of(Bridge.fault("here", here(), "'latency':'1ms'")));
        call();
        long hit = Bridge.sum("injected", Bridge.send("GET /v1/faults/here", ""));
        Bridge.clear();
        if (matched != 0 || hit != 1) {
          throw new IllegalStateException(matched + " matched, and " + hit + " hit where 1 should");
        }
      }
      close();
    }
  }

  /** Look-ups. */
  public static class Dns extends Armed {
    @Override
    Object call() throws IOException {
      return InetAddress.getAllByName("localhost");
    }

    @Override
    void open() {}

    @Override
    void close() {}

    @Override
    String elsewhere(int i) {
      return "'kind':'dns','host':'host" + i + ".example'";
    }

    @Override
    String nearby(int i) {
      return elsewhere(i);
    }

    @Override
    String here() {
      return "'kind':'dns','host':'localhost'";
    }
  }

  /** Queries. */
  @NullUnmarked
  public static class Jdbc extends Armed {
    private Connection connection;
    PreparedStatement select;

    Connection connect() throws SQLException {
      return DriverManager.getConnection("jdbc:h2:mem:benchmark");
    }

    @Override
    Object call() throws SQLException {
      try (ResultSet result = select.executeQuery()) {
        return result.next();
      }
    }

    @Override
    void open() throws SQLException {
      connection = connect();
      select = connection.prepareStatement("select 1");
    }

    @Override
    void close() throws SQLException {
      connection.close();
    }

    @Override
    String elsewhere(int i) {
      return "'kind':'jdbc','url':'jdbc:*:other" + i + "'";
    }

    @Override
    String nearby(int i) {
      return "'kind':'jdbc','url':'jdbc:*:benchmark','table':'other" + i + "'";
    }

    @Override
    String here() {
      return "'kind':'jdbc','url':'jdbc:*:benchmark','operation':'execute'";
    }
  }

  /** Queries that do nothing. */
  @NullUnmarked
  public static class JdbcTrivial extends Jdbc {
    @Override
    Connection connect() {
      return TrivialDriver.connect("jdbc:trivial:benchmark");
    }

    @Override
    Object call() throws SQLException {
      return select.executeQuery();
    }
  }

  /** Exchanges with a server in the same JVM. */
  @NullUnmarked
  public abstract static class Http extends Armed {
    private static final byte[] BODY = new byte[100];
    private HttpServer server;
    private ExecutorService threads;
    URI uri;

    @Override
    void open() throws IOException {
      threads = Executors.newFixedThreadPool(2);
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      server.setExecutor(threads);
      server.createContext(
          "/",
          exchange -> {
            exchange.getRequestBody().readAllBytes();
            exchange.sendResponseHeaders(200, BODY.length);
            exchange.getResponseBody().write(BODY);
            exchange.close();
          });
      server.start();
      uri = URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/orders/1");
    }

    @Override
    void close() {
      server.stop(0);
      threads.shutdown();
    }

    @Override
    String elsewhere(int i) {
      return "'kind':'http','host':'host" + i + ".example'";
    }

    @Override
    String nearby(int i) {
      return "'kind':'http','host':'127.0.0.1','path':'/other" + i + "/**'";
    }

    @Override
    String here() {
      return "'kind':'http','host':'127.0.0.1','path':'/orders/**'";
    }
  }

  /** The old client. */
  @NullUnmarked
  public static class UrlConnection extends Http {
    private URL url;

    @Override
    void open() throws IOException {
      super.open();
      url = uri.toURL();
    }

    @Override
    Object call() throws IOException {
      HttpURLConnection connection = (HttpURLConnection) url.openConnection();
      try (InputStream in = connection.getInputStream()) {
        return in.readAllBytes();
      }
    }
  }

  /** The new client. */
  @NullUnmarked
  public static class Client extends Http {
    private HttpClient client;
    private HttpRequest request;

    @Override
    void open() throws IOException {
      super.open();
      client = HttpClient.newHttpClient();
      request = HttpRequest.newBuilder(uri).build();
    }

    @Override
    Object call() throws IOException, InterruptedException {
      return client.send(request, BodyHandlers.ofByteArray());
    }
  }
}
