package dev.jinx.it.http;

import static dev.jinx.Jinx.http;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.FaultInjection;
import dev.jinx.HttpFault;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import dev.jinx.it.real.Observed;
import dev.jinx.it.real.RealServer;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** What becomes of a call while it is held, and of the real call when only its outcome is lost. */
@Timeout(60)
class HttpHeldIT {
  private static final Duration HASTE = Duration.ofMillis(300);

  @SuppressWarnings("NullAway.Init")
  private static RealServer server;

  @SuppressWarnings("NullAway.Init")
  private static RealServer failing;

  @BeforeAll
  static void start() {
    server = RealServer.http(RealServer.ECHO);
    failing = RealServer.http(RealServer.ECHO);
  }

  @AfterAll
  static void stop() {
    server.close();
    failing.close();
  }

  @BeforeEach
  void forget() {
    server.answering(RealServer.ECHO);
  }

  private static HttpFault target() {
    return http("localhost").port(server.uri("/").getPort());
  }

  private static CompletableFuture<HttpResponse<String>> sendAsync(HttpClient client, URI uri) {
    return client.sendAsync(Style.request("GET", uri, Style.PATIENT), BodyHandlers.ofString());
  }

  private static FutureTask<Observed> inThread(Style style, URI uri, Duration limit) {
    var task = new FutureTask<>(() -> Observed.of(() -> style.call("GET", uri, limit)));
    new Thread(task, "held").start();
    return task;
  }

  private static void awaitInjection(FaultInjection fault) {
    while (fault.injections() == 0) {
      LockSupport.parkNanos(100_000);
    }
  }

  @Test
  void aDelayHoldsNoThread() throws Exception {
    ExecutorService one = Executors.newSingleThreadExecutor();
    Duration delay = Duration.ofSeconds(2);
    // a server of its own: the client keeps its connections until it is collected
    try (RealServer many = RealServer.http(RealServer.ECHO);
        FaultInjection fault =
            Jinx.inject(
                http("localhost").port(many.uri("/").getPort()).path("/slow").latency(delay))) {
      HttpClient client = HttpClient.newBuilder().executor(one).build();
      var finished = new ConcurrentLinkedQueue<String>();
      CompletableFuture<?>[] calls =
          IntStream.range(0, 200)
              .mapToObj(
                  i -> {
                    String path = i % 2 == 0 ? "/slow" : "/fast";
                    return sendAsync(client, many.uri(path))
                        .whenComplete((response, failure) -> finished.add(path));
                  })
              .toArray(CompletableFuture<?>[]::new);
      CompletableFuture.allOf(calls).get();

      assertThat(List.copyOf(finished).subList(0, 100)).containsOnly("/fast");
      assertThat(fault.injections()).isEqualTo(100);
      assertThat(many.requests()).hasSize(200);
    } finally {
      one.shutdown();
    }
  }

  @Test
  void tenThousandAreHeldAndComeBack() throws Exception {
    int count = 10_000;
    ExecutorService two = Executors.newFixedThreadPool(2);
    HttpClient client = HttpClient.newBuilder().executor(two).build();
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    try (FaultInjection answer = Jinx.inject(target().response(204));
        FaultInjection hold = Jinx.inject(target().latency(Duration.ofMinutes(5)))) {
      int before = threads.getThreadCount();
      CompletableFuture<?>[] calls =
          IntStream.range(0, count)
              .mapToObj(
                  i ->
                      sendAsync(client, server.uri("/" + i))
                          .thenAccept(r -> assertThat(r.statusCode()).isEqualTo(204)))
              .toArray(CompletableFuture<?>[]::new);
      while (hold.injections() < count) {
        LockSupport.parkNanos(100_000);
      }
      assertThat(calls).noneMatch(CompletableFuture::isDone);
      // the client's own few, the timer
      assertThat(threads.getThreadCount()).isLessThan(before + 10);

      hold.close();
      CompletableFuture.allOf(calls).get();
      assertThat(answer.injections()).isEqualTo(count);
      assertThat(server.requests()).isEmpty();
    } finally {
      two.shutdown();
    }
  }

  @ParameterizedTest
  @EnumSource
  void clearingReleasesAtOnce(Style style) throws Exception {
    for (HttpFault hold :
        List.of(
            target().drop(),
            target().latency(Duration.ofMinutes(1)),
            target().latency(Duration.ofMinutes(1)).error(NamedError.CONNECTION_RESET),
            target().latency(Duration.ofMinutes(1)).error(NamedError.CONNECTION_REFUSED),
            target().drop().afterCall())) {
      FaultInjection fault = Jinx.inject(hold);
      FutureTask<Observed> call = inThread(style, server.uri("/"), Style.PATIENT);
      awaitInjection(fault);
      fault.close();

      Observed released = call.get();
      assertThat(released.thrown()).as("%s", hold).isEmpty();
      assertThat(((Style.Answer) requireNonNull(released.value())).body()).isEqualTo("hello");
      assertThat(released.elapsed()).isLessThan(Style.PATIENT);
    }
  }

  @Test
  void cancelEndsAHeldCall() throws Exception {
    HttpClient client = Style.client(Style.PATIENT);
    try (FaultInjection fault = Jinx.inject(target().path("/held").drop().maxActive(1))) {
      var call = sendAsync(client, server.uri("/held"));
      awaitInjection(fault);
      assertThat(sendAsync(client, server.uri("/held")).get().statusCode()).isEqualTo(200);

      assertThat(call.cancel(true)).isTrue();
      // whether as it is or as a cause is a race in the client
      assertThat(Observed.of(call::get).thrown())
          .extracting(Observed.Thrown::type)
          .contains(CancellationException.class.getName());
      // held no more, it leaves its place to another
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
      while (fault.injections() == 1) {
        assertThat(System.nanoTime()).isLessThan(deadline);
        var next = sendAsync(client, server.uri("/held"));
        while (fault.injections() == 1 && !next.isDone()) {
          LockSupport.parkNanos(100_000);
        }
        next.cancel(true);
      }
      server.answering(RealServer.ECHO);
    }
    // had it been let go instead, it would have come before this one
    sendAsync(client, server.uri("/next")).get();
    assertThat(server.requests()).extracting(RealServer.Request::path).containsExactly("/next");
  }

  /** An interrupt ends a send, and is kept for later by what reads from a socket. */
  @ParameterizedTest
  @EnumSource(mode = Mode.EXCLUDE, names = "URL_CONNECTION_STREAMING")
  void interrupt(Style style) throws Exception {
    record Seen(Observed.Outcome outcome, boolean flag) {}
    var seen = new ConcurrentLinkedQueue<Seen>();
    for (boolean injected : new boolean[] {false, true}) {
      RealServer called = injected ? server : failing.answering(RealServer.SILENCE);
      FaultInjection fault = injected ? Jinx.inject(target().drop()) : null;
      var thread =
          new Thread(
              () -> {
                Observed call =
                    Observed.of(() -> style.call("GET", called.uri("/"), Duration.ofSeconds(1)));
                seen.add(new Seen(call.outcome(), Thread.interrupted()));
              });
      thread.start();
      if (fault != null) {
        awaitInjection(fault);
      } else {
        while (called.requests().isEmpty()) {
          LockSupport.parkNanos(100_000);
        }
      }
      thread.interrupt();
      thread.join();
      if (fault != null) {
        fault.close();
      }
    }
    Seen real = seen.remove();
    assertThat(seen.remove()).isEqualTo(real);
  }

  @ParameterizedTest
  @EnumSource
  void oncePerExchange(Style style) throws Exception {
    try (FaultInjection fault = Jinx.inject(target().latency(Duration.ofMillis(1)))) {
      style.call("POST", server.uri("/"));
      assertThat(fault.matches()).isEqualTo(1);

      server.answering(RealServer.redirectTo("/to"));
      style.call("GET", server.uri("/from"));
      assertThat(fault.matches()).isEqualTo(3);
      assertThat(fault.injections()).isEqualTo(3);
    }
  }

  @ParameterizedTest
  @EnumSource
  void matchesByEveryKey(Style style) throws Exception {
    HttpFault exact =
        http("localhost")
            .scheme("http")
            .port(server.uri("/").getPort())
            .method("GET")
            .path("/v1/**")
            .query("a=b*")
            .client(style.isUrlConnection() ? "urlconnection" : "jdk")
            .response(418, "");
    try (FaultInjection fault = Jinx.inject(exact)) {
      assertThat(style.call("GET", server.uri("/v1/x?a=bc")).status()).isEqualTo(418);
      assertThat(style.call("GET", server.uri("/v2/x?a=bc")).status()).isEqualTo(200);
      assertThat(style.call("GET", server.uri("/v1/x?a=c")).status()).isEqualTo(200);
      assertThat(style.call("POST", server.uri("/v1/x?a=bc")).status()).isEqualTo(200);
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  // ---- phase after: the server has the request, the client never hears of it

  @ParameterizedTest
  @EnumSource
  void theServerHasItAndTheConnectionIsReset(Style style) {
    failing.answering(RealServer.RESET);
    Observed real = Observed.of(() -> style.call("POST", failing.uri("/")));
    int attempts = failing.requests().size();

    try (FaultInjection fault =
        Jinx.inject(target().error(NamedError.CONNECTION_RESET).afterCall())) {
      Observed injected = Observed.of(() -> style.call("POST", server.uri("/")));

      assertThat(injected.outcome()).isEqualTo(real.outcome());
      assertThat(server.requests()).hasSize(attempts);
      assertThat(fault.injections()).isEqualTo(attempts);
    }
    awaitClosedConnections();
  }

  @ParameterizedTest
  @EnumSource
  void theServerHasItAndSaysNothing(Style style) {
    failing.answering(RealServer.SILENCE);
    Observed real = Observed.of(() -> style.call("POST", failing.uri("/"), HASTE));

    try (FaultInjection fault = Jinx.inject(target().drop().afterCall())) {
      Observed injected = Observed.of(() -> style.call("POST", server.uri("/"), HASTE));

      assertThat(injected.outcome()).isEqualTo(real.outcome());
      assertThat(injected.elapsed()).isGreaterThanOrEqualTo(HASTE);
      assertThat(server.requests()).hasSize(1);
    }
    awaitClosedConnections();
  }

  @ParameterizedTest
  @EnumSource
  void theServerHasItAndAnotherAnswers(Style style) throws Exception {
    try (FaultInjection fault = Jinx.inject(target().response(502, "gateway").afterCall())) {
      Style.Answer answer = style.call("POST", server.uri("/"));

      assertThat(answer.status()).isEqualTo(502);
      assertThat(answer.body()).isEqualTo("gateway");
      assertThat(server.requests()).hasSize(1);
      assertThat(new String(server.requests().get(0).body(), UTF_8)).isEqualTo("ping");
    }
    awaitClosedConnections();
  }

  @ParameterizedTest
  @EnumSource
  void theAnswerComesLate(Style style) {
    try (FaultInjection fault = Jinx.inject(target().latency(Duration.ofMillis(200)).afterCall())) {
      Observed late = Observed.of(() -> style.call("POST", server.uri("/")));

      assertThat(late.thrown()).isEmpty();
      assertThat(late.elapsed()).isGreaterThanOrEqualTo(Duration.ofMillis(200));
      assertThat(server.requests()).hasSize(1);
    }
  }

  /** A connection whose answer was thrown away is not kept. */
  private static void awaitClosedConnections() {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (server.open() > 0) {
      assertThat(System.nanoTime()).isLessThan(deadline);
      LockSupport.parkNanos(100_000);
    }
  }
}
