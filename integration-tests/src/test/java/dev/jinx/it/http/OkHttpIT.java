package dev.jinx.it.http;

import static dev.jinx.Jinx.http;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.FaultInjection;
import dev.jinx.HttpFault;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import dev.jinx.it.real.Http2Server;
import dev.jinx.it.real.Observed;
import dev.jinx.it.real.RealServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.URI;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import okhttp3.Call;
import okhttp3.EventListener;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What OkHttp has beyond the contract of all clients: its clocks, interceptors, routes and pool.
 */
@Timeout(60)
class OkHttpIT {
  private static final Duration HASTE = Duration.ofMillis(400);
  private static final Duration PATIENT = Duration.ofSeconds(20);

  @SuppressWarnings("NullAway.Init")
  private static RealServer echo;

  @SuppressWarnings("NullAway.Init")
  private static RealServer failing;

  @BeforeAll
  static void start() {
    echo = RealServer.http(RealServer.ECHO);
    failing = RealServer.http(RealServer.ECHO);
  }

  @AfterAll
  static void stop() {
    echo.close();
    failing.close();
  }

  @BeforeEach
  void forget() {
    echo.answering(RealServer.ECHO);
    failing.answering(RealServer.ECHO);
  }

  private static HttpFault target() {
    return http("localhost").port(echo.uri("/").getPort());
  }

  private static Call call(OkHttpClient client, URI uri) {
    return client.newCall(new Request.Builder().url(uri.toString()).build());
  }

  private static Observed execute(Call call) {
    return Observed.of(
        () -> {
          try (Response response = call.execute()) {
            return response.code() + " " + String.valueOf(response.body().string());
          } catch (IOException e) {
            throw OkHttpClients.settled(e);
          }
        });
  }

  private static OkHttpClient.Builder patient() {
    return OkHttpClients.client(PATIENT, false);
  }

  // ---- clocks and cancelling

  @Test
  void theTimeoutOfTheWholeCallEndsAHold() throws Exception {
    OkHttpClient client = patient().callTimeout(HASTE).build();
    failing.answering(RealServer.SILENCE);
    Observed real = execute(call(client, failing.uri("/")));

    for (HttpFault hold :
        List.of(target().drop(), target().latency(PATIENT), target().drop().afterCall())) {
      try (FaultInjection fault = Jinx.inject(hold)) {
        Observed injected = execute(call(client, echo.uri("/")));

        assertThat(injected.outcome()).as("%s", hold).isEqualTo(real.outcome());
        assertThat(injected.elapsed()).isBetween(HASTE, HASTE.plusSeconds(5));
      }
    }
    OkHttpClients.close(client);
  }

  @Test
  void theTimeoutOfTheWholeCallEndsAConnect() throws Exception {
    OkHttpClient client = patient().callTimeout(HASTE).build();
    Observed real;
    try (var unreachable = RealServer.unreachable()) {
      real = execute(call(client, unreachable.uri()));
    }
    try (FaultInjection fault = Jinx.inject(target().error(NamedError.CONNECT_TIMEOUT))) {
      Observed injected = execute(call(client, echo.uri("/")));

      assertThat(injected.outcome().thrown().get(0)).isEqualTo(real.outcome().thrown().get(0));
      assertThat(injected.elapsed()).isBetween(HASTE, HASTE.plusSeconds(5));
    }
    OkHttpClients.close(client);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void cancelEndsAHold(boolean http2) throws Exception {
    OkHttpClient client = OkHttpClients.client(PATIENT, http2).build();
    try (var server = new Http2Server()) {
      URI silent = http2 ? server.uri("/") : failing.uri("/");
      URI good = http2 ? server.uri("/") : echo.uri("/");
      failing.answering(RealServer.SILENCE);
      server.answering(Http2Server.Answer.SILENCE);
      Observed real = cancelled(client, silent);

      server.answering(Http2Server.Answer.ECHO);
      HttpFault target = http().port(good.getPort());
      for (HttpFault hold : List.of(target.drop(), target.drop().afterCall())) {
        OkHttpClient fresh = OkHttpClients.client(PATIENT, http2).build();
        try (FaultInjection fault = Jinx.inject(hold)) {
          Observed injected = cancelled(fresh, good);

          assertThat(injected.outcome()).as("%s", hold).isEqualTo(real.outcome());
        }
        OkHttpClients.close(fresh);
      }
    }
    OkHttpClients.close(client);
  }

  private static Observed cancelled(OkHttpClient client, URI uri) throws Exception {
    Call call = call(client, uri);
    var running = new FutureTask<>(() -> execute(call));
    var thread = new Thread(running, "cancelled");
    thread.start();
    while (Arrays.stream(thread.getStackTrace())
        .noneMatch(
            frame -> List.of("readResponseHeaders", "hold").contains(frame.getMethodName()))) {
      LockSupport.parkNanos(100_000);
    }
    call.cancel();
    return running.get();
  }

  // ---- interceptors

  @Test
  void interceptorsSeeWhatIsInjected() throws Exception {
    var seen = new ConcurrentLinkedQueue<String>();
    OkHttpClient client =
        patient()
            .addInterceptor(
                chain -> {
                  Response response = chain.proceed(chain.request());
                  seen.add("application " + response.code());
                  return response;
                })
            .addNetworkInterceptor(
                chain -> {
                  Response response = chain.proceed(chain.request());
                  var connection = chain.connection();
                  seen.add(
                      "network "
                          + response.code()
                          + " "
                          + (connection == null ? null : connection.protocol()));
                  return response.newBuilder().header("X-Request", "network").build();
                })
            .build();
    failing.answering(RealServer.UNAVAILABLE);
    assertThat(execute(call(client, failing.uri("/"))).thrown()).isEmpty();
    List<String> real = List.copyOf(seen);
    seen.clear();

    try (FaultInjection fault = Jinx.inject(target().response(503, "try again"))) {
      try (Response response = call(client, echo.uri("/")).execute()) {
        assertThat(response.header("X-Request")).isEqualTo("network");
      }
      assertThat(List.copyOf(seen)).isEqualTo(real);
      assertThat(client.connectionPool().connectionCount()).isEqualTo(1); // the real one
      assertThat(echo.connections()).isZero();
    }
    OkHttpClients.close(client);
  }

  /** An answer that was injected is followed up as a real one. */
  @Test
  void anInjectedAnswerIsFollowedUp() throws Exception {
    OkHttpClient client =
        patient()
            .authenticator(
                (route, response) ->
                    response.request().newBuilder().header("Authorization", "secret").build())
            .build();
    try (FaultInjection fault = Jinx.inject(target().response(401, "").first(1))) {
      assertThat(execute(call(client, echo.uri("/"))).value()).isEqualTo("200 hello");
      assertThat(echo.requests()).hasSize(1);
      assertThat(echo.requests().get(0).headers()).containsEntry("authorization", "secret");
      assertThat(fault.injections()).isEqualTo(1);
    }
    try (FaultInjection fault =
        Jinx.inject(
            target()
                .path("/from")
                .response(302, Map.of("Location", echo.uri("/to").toString()), ""))) {
      assertThat(execute(call(client, echo.uri("/from"))).value()).isEqualTo("200 hello");
      assertThat(fault.injections()).isEqualTo(1);
    }
    OkHttpClients.close(client);
  }

  // ---- routes and the pool

  private static List<InetAddress> twice(String host) throws UnknownHostException {
    InetAddress[] all = InetAddress.getAllByName(host);
    return List.of(all[0], InetAddress.getByAddress(host, new byte[] {127, 0, 0, 2}));
  }

  private static final class Attempts extends EventListener {
    final AtomicInteger started = new AtomicInteger();
    final AtomicInteger failed = new AtomicInteger();

    @Override
    public void connectStart(Call call, InetSocketAddress address, Proxy proxy) {
      started.incrementAndGet();
    }

    @Override
    public void connectFailed(
        Call call,
        InetSocketAddress address,
        Proxy proxy,
        @Nullable Protocol protocol,
        IOException e) {
      failed.incrementAndGet();
    }
  }

  @Test
  void everyAddressOfAHostRefuses() throws Exception {
    record Seen(Observed.Outcome outcome, List<String> suppressed, int started, int failed) {}
    Seen[] seen = new Seen[2];
    for (int i = 0; i < 2; i++) {
      var attempts = new Attempts();
      OkHttpClient client = patient().dns(OkHttpIT::twice).eventListener(attempts).build();
      FaultInjection fault =
          i == 0 ? null : Jinx.inject(target().error(NamedError.CONNECTION_REFUSED));
      Call call = call(client, i == 0 ? RealServer.refusing() : echo.uri("/"));
      var suppressed = new ConcurrentLinkedQueue<String>();
      Observed observed =
          Observed.of(
              () -> {
                try {
                  return call.execute().code();
                } catch (IOException e) {
                  Arrays.stream(e.getSuppressed())
                      .forEach(each -> suppressed.add(each.getClass().getName()));
                  throw e;
                }
              });
      seen[i] =
          new Seen(
              observed.outcome(),
              List.copyOf(suppressed),
              attempts.started.get(),
              attempts.failed.get());
      if (fault != null) {
        fault.close();
      }
      OkHttpClients.close(client);
    }
    assertThat(seen[0].started()).isEqualTo(2);
    assertThat(seen[1]).isEqualTo(seen[0]);
    assertThat(echo.connections()).isZero();
  }

  @Test
  void connectingFailsWhereAConnectionOfThePoolIsThere() throws Exception {
    OkHttpClient client = patient().build();
    assertThat(execute(call(client, echo.uri("/"))).thrown()).isEmpty();
    try (FaultInjection fault = Jinx.inject(target().error(NamedError.CONNECTION_REFUSED))) {
      assertThat(execute(call(client, echo.uri("/"))).thrown().get(0).message())
          .startsWith("Failed to connect to localhost/");
      assertThat(fault.injections()).isEqualTo(1);
    }
    // also where the redirect would have kept it
    echo.answering(RealServer.redirectTo("/to"));
    try (FaultInjection fault =
        Jinx.inject(target().path("/to").error(NamedError.CONNECTION_REFUSED))) {
      assertThat(execute(call(client, echo.uri("/from"))).thrown()).isNotEmpty();
      assertThat(fault.injections()).isEqualTo(1);
    }
    assertThat(execute(call(client, echo.uri("/to"))).thrown()).isEmpty();
    OkHttpClients.close(client);
  }

  @Test
  void aClientThatDoesNotRetryFailsOnAConnectionOfThePool() throws Exception {
    OkHttpClient client = patient().retryOnConnectionFailure(false).build();
    execute(call(client, failing.uri("/")));
    failing.answering(RealServer.RESET);
    Observed real = execute(call(client, failing.uri("/")));

    execute(call(client, echo.uri("/")));
    try (FaultInjection fault = Jinx.inject(target().error(NamedError.CONNECTION_RESET))) {
      assertThat(execute(call(client, echo.uri("/"))).outcome()).isEqualTo(real.outcome());
      assertThat(fault.injections()).isEqualTo(1);
    }
    assertThat(client.connectionPool().connectionCount()).isZero();
    OkHttpClients.close(client);
  }

  /** One stream of several is hit; the others were not decided on. */
  @Test
  void otherStreamsOfAConnectionGoOn() throws Exception {
    OkHttpClient client = OkHttpClients.client(PATIENT, true).build();
    try (var server = new Http2Server()) {
      URI good = server.uri("/good");
      assertThat(execute(call(client, good)).thrown()).isEmpty();
      HttpFault target = http().port(good.getPort());
      try (FaultInjection held = Jinx.inject(target.path("/held").drop());
          FaultInjection lost =
              Jinx.inject(target.path("/lost").error(NamedError.CONNECTION_RESET))) {
        var waiting = new FutureTask<>(() -> execute(call(client, server.uri("/held"))));
        new Thread(waiting, "held").start();
        while (held.injections() == 0) {
          LockSupport.parkNanos(100_000);
        }
        assertThat(execute(call(client, server.uri("/lost"))).thrown()).isNotEmpty();
        held.close();
        assertThat(waiting.get().thrown()).isEmpty();
      }
      assertThat(execute(call(client, good)).thrown()).isEmpty();
    }
    OkHttpClients.close(client);
  }

  // ---- bodies

  @Test
  void closingOrCancellingASlowBodyEndsIt() throws Exception {
    OkHttpClient client = patient().build();
    echo.answering(RealServer.body(false));
    try (FaultInjection fault = Jinx.inject(target().bandwidth("1B/s"))) {
      Call call = call(client, echo.uri("/"));
      var reading =
          new FutureTask<>(() -> Observed.of(() -> call.execute().body().string().length()));
      new Thread(reading, "reading").start();
      while (echo.requests().isEmpty()) {
        LockSupport.parkNanos(100_000);
      }
      call.cancel();
      assertThat(reading.get().thrown()).isNotEmpty();
      assertThat(reading.get().elapsed()).isLessThan(PATIENT);

      long start = System.nanoTime();
      call(client, echo.uri("/")).execute().close();
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(PATIENT);
    }
    assertThat(client.connectionPool().connectionCount()).isZero();
    OkHttpClients.close(client);
  }
}
