package dev.jinx.it.http;

import static dev.jinx.Jinx.http;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.FaultInjection;
import dev.jinx.HttpFault;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import dev.jinx.it.real.Observed;
import dev.jinx.it.real.RealServer;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.FutureTask;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManager;
import org.apache.hc.core5.util.Timeout;
import org.apache.http.client.config.RequestConfig;
import org.apache.http.client.methods.CloseableHttpResponse;
import org.apache.http.util.EntityUtils;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What becomes of a connection of Apache HttpClient's pool while its call is held. */
@org.junit.jupiter.api.Timeout(60)
class ApacheHeldIT {
  private static final Duration LIMIT = Duration.ofSeconds(20);

  /** A client with one connection, and one call of it. */
  private interface Apache extends AutoCloseable {
    String call(URI uri) throws Exception;

    void abort();

    /** Connections leased and kept. */
    String pool();

    @Override
    void close() throws Exception;
  }

  private static final class Apache5 implements Apache {
    private final PoolingHttpClientConnectionManager pool =
        new PoolingHttpClientConnectionManager();
    private final org.apache.hc.client5.http.impl.classic.CloseableHttpClient client;
    private volatile HttpGet request = new HttpGet("/");

    Apache5(Duration limit) {
      pool.setDefaultConnectionConfig(
          ConnectionConfig.custom()
              .setConnectTimeout(Timeout.of(limit))
              .setSocketTimeout(Timeout.of(limit))
              .build());
      client =
          org.apache.hc.client5.http.impl.classic.HttpClients.custom()
              .setConnectionManager(pool)
              .build();
    }

    @Override
    public String call(URI uri) throws Exception {
      HttpGet get = new HttpGet(uri);
      request = get;
      return client.execute(
          get,
          response ->
              new String(
                  org.apache.hc.core5.http.io.entity.EntityUtils.toByteArray(response.getEntity()),
                  StandardCharsets.UTF_8));
    }

    @Override
    public void abort() {
      request.abort();
    }

    @Override
    public String pool() {
      return "leased "
          + pool.getTotalStats().getLeased()
          + ", kept "
          + pool.getTotalStats().getAvailable();
    }

    @Override
    public void close() throws Exception {
      client.close();
    }
  }

  private static final class Apache4 implements Apache {
    private final org.apache.http.impl.conn.PoolingHttpClientConnectionManager pool =
        new org.apache.http.impl.conn.PoolingHttpClientConnectionManager();
    private final org.apache.http.impl.client.CloseableHttpClient client;
    private volatile org.apache.http.client.methods.HttpGet request =
        new org.apache.http.client.methods.HttpGet("/");

    Apache4(Duration limit) {
      client =
          org.apache.http.impl.client.HttpClients.custom()
              .setConnectionManager(pool)
              .setDefaultRequestConfig(
                  RequestConfig.custom()
                      .setConnectTimeout((int) limit.toMillis())
                      .setSocketTimeout((int) limit.toMillis())
                      .build())
              .build();
    }

    @Override
    public String call(URI uri) throws Exception {
      var get = new org.apache.http.client.methods.HttpGet(uri);
      request = get;
      try (CloseableHttpResponse response = client.execute(get)) {
        return EntityUtils.toString(response.getEntity());
      }
    }

    @Override
    public void abort() {
      request.abort();
    }

    @Override
    public String pool() {
      return "leased "
          + pool.getTotalStats().getLeased()
          + ", kept "
          + pool.getTotalStats().getAvailable();
    }

    @Override
    public void close() throws Exception {
      client.close();
    }
  }

  private static Apache open(String name, Duration limit) {
    return name.equals("apache5") ? new Apache5(limit) : new Apache4(limit);
  }

  @SuppressWarnings("NullAway.Init")
  private RealServer echo;

  @SuppressWarnings("NullAway.Init")
  private RealServer failing;

  @BeforeEach
  void start() {
    echo = RealServer.http(RealServer.ECHO);
    failing = RealServer.http(RealServer.SILENCE);
  }

  @AfterEach
  void stop() {
    echo.close();
    failing.close();
  }

  private HttpFault target() {
    return http("localhost").port(echo.uri("/").getPort());
  }

  static Stream<Arguments> endings() {
    return Stream.of("apache4", "apache5")
        .flatMap(client -> Stream.of(true, false).map(abort -> Arguments.of(client, abort)));
  }

  static Stream<String> clients() {
    return Stream.of("apache4", "apache5");
  }

  private record Seen(String whileHeld, Observed.Outcome outcome, String afterwards) {}

  /**
   * @param abort the request; otherwise the client is closed
   */
  private static Seen endWhileHeld(String name, boolean abort, URI uri, BooleanSupplier isHeld)
      throws Exception {
    try (Apache apache = open(name, LIMIT)) {
      var task = new FutureTask<>(() -> Observed.of(() -> apache.call(uri)));
      new Thread(task, "held").start();
      await(isHeld);
      String whileHeld = apache.pool();
      if (abort) {
        apache.abort();
      } else {
        apache.close();
      }
      Observed observed = task.get();
      assertThat(observed.elapsed()).isLessThan(LIMIT);
      return new Seen(whileHeld, observed.outcome(), abort ? apache.pool() : "closed");
    }
  }

  private static void await(BooleanSupplier condition) {
    while (!condition.getAsBoolean()) {
      Thread.onSpinWait();
    }
  }

  private Seen injected(String name, boolean abort, HttpFault hold) throws Exception {
    try (FaultInjection fault = Jinx.inject(hold)) {
      return endWhileHeld(name, abort, echo.uri("/"), () -> isIn("Injection.await"));
    }
  }

  /** Whether the calling thread is in that method of a class. */
  private static boolean isIn(String method) {
    return Thread.getAllStackTraces().entrySet().stream()
        .filter(each -> each.getKey().getName().equals("held"))
        .flatMap(each -> Stream.of(each.getValue()))
        .anyMatch(frame -> (frame.getClassName() + "." + frame.getMethodName()).endsWith(method));
  }

  @ParameterizedTest
  @MethodSource("endings")
  void waitingForAnAnswer(String name, boolean abort) throws Exception {
    Seen real = endWhileHeld(name, abort, failing.uri("/"), () -> !failing.requests().isEmpty());

    assertThat(injected(name, abort, target().drop())).isEqualTo(real);
    assertThat(injected(name, abort, target().latency(LIMIT).error(NamedError.CONNECTION_RESET)))
        .isEqualTo(real);
    assertThat(injected(name, abort, target().latency(LIMIT).response(503, ""))).isEqualTo(real);
    assertThat(injected(name, abort, target().drop().afterCall())).isEqualTo(real);
  }

  @ParameterizedTest
  @MethodSource("endings")
  void connecting(String name, boolean abort) throws Exception {
    Seen real;
    try (var unreachable = RealServer.unreachable()) {
      real = endWhileHeld(name, abort, unreachable.uri(), () -> isIn("Socket.connect"));
    }
    assertThat(injected(name, abort, target().error(NamedError.CONNECT_TIMEOUT))).isEqualTo(real);
  }

  @ParameterizedTest
  @MethodSource("endings")
  void readingABody(String name, boolean abort) throws Exception {
    failing.answering(RealServer.slowBody(false, LIMIT.toMillis()));
    echo.answering(RealServer.body(false));
    Seen real =
        endWhileHeld(name, abort, failing.uri("/"), () -> isIn("ContentLengthInputStream.read"));

    assertThat(injected(name, abort, target().bandwidth("1B/s"))).isEqualTo(real);
  }

  /** A connection that stands is not used where connecting fails, and the clock is the client's. */
  @ParameterizedTest
  @MethodSource("clients")
  void aPooledConnectionIsNoWayAround(String name) throws Exception {
    Duration haste = Duration.ofMillis(400);
    Observed real;
    try (var unreachable = RealServer.unreachable();
        Apache apache = open(name, haste)) {
      real = Observed.of(() -> apache.call(unreachable.uri()));
    }
    try (Apache apache = open(name, haste)) {
      apache.call(echo.uri("/"));
      assertThat(apache.pool()).isEqualTo("leased 0, kept 1");
      try (FaultInjection fault = Jinx.inject(target().error(NamedError.CONNECT_TIMEOUT))) {
        Observed injected = Observed.of(() -> apache.call(echo.uri("")));

        assertThat(injected.outcome()).isEqualTo(real.outcome());
        assertThat(injected.elapsed()).isGreaterThanOrEqualTo(haste);
        assertThat(fault.injections()).isEqualTo(1);
      }
      assertThat(apache.pool()).isEqualTo("leased 0, kept 0");
    }
  }
}
