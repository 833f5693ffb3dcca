package dev.jinx.it.http;

import static dev.jinx.Jinx.http;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jinx.FaultInjection;
import dev.jinx.HttpFault;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import dev.jinx.it.real.RealServer;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.net.ConnectException;
import java.net.URI;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.http.client.reactive.ReactorClientHttpConnector;
import org.springframework.web.reactive.function.client.WebClient;
import org.springframework.web.reactive.function.client.WebClientRequestException;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.HttpProtocol;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.server.HttpServer;
import reactor.netty.resources.ConnectionProvider;
import reactor.netty.resources.LoopResources;

/** Exchanges of Reactor Netty in the hands of injections, on one event loop. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class NettyHeldIT {
  private static final Duration PATIENT = Duration.ofSeconds(60);

  @SuppressWarnings("NullAway.Init")
  private LoopResources loops;

  @SuppressWarnings("NullAway.Init")
  private RealServer server;

  @BeforeEach
  void start() {
    loops = LoopResources.create("held", 1, true);
    server = RealServer.http(RealServer.ECHO);
  }

  @AfterEach
  void stop() {
    server.close();
    loops.disposeLater(Duration.ZERO, Duration.ofSeconds(5)).block();
  }

  private HttpFault target() {
    return http("localhost").port(server.uri("/").getPort());
  }

  private HttpClient client(int connections, HttpProtocol protocol) {
    ConnectionProvider pool =
        ConnectionProvider.builder("held")
            .maxConnections(connections)
            .pendingAcquireMaxCount(-1)
            .build();
    return ReactorNettyClients.create(pool, loops, false, protocol, PATIENT);
  }

  private static Mono<String> get(HttpClient client, URI uri) {
    return client.get().uri(uri).responseContent().aggregate().asString();
  }

  private static Duration took(Runnable work) {
    long start = System.nanoTime();
    work.run();
    return Duration.ofNanos(System.nanoTime() - start);
  }

  @Test
  void halfOfTheCallsAreDelayedAndTheOthersDoNotFeelIt() {
    HttpClient client = client(200, HttpProtocol.HTTP11);
    Flux<String> fast = Flux.range(0, 100).flatMap(i -> get(client, server.uri("/fast")), 100);
    Flux<String> slow = Flux.range(0, 100).flatMap(i -> get(client, server.uri("/slow")), 100);
    took(() -> fast.mergeWith(slow).blockLast());

    Duration delay = Duration.ofSeconds(2);
    try (FaultInjection fault = Jinx.inject(target().path("/slow").latency(delay))) {
      Mono<Duration> slowest =
          Mono.fromSupplier(System::nanoTime)
              .flatMap(begun -> slow.then(Mono.fromSupplier(() -> sinceNanos(begun))));
      AtomicLong fastest = new AtomicLong();
      Duration all =
          took(
              () ->
                  Mono.when(slowest, fast.doOnComplete(() -> fastest.set(System.nanoTime())))
                      .block());

      assertThat(fault.injections()).isEqualTo(100);
      assertThat(all).isBetween(delay, delay.plusSeconds(10));
      // all of them were over while the slow ones were still held
      assertThat(Duration.ofNanos(System.nanoTime() - fastest.get()))
          .isGreaterThan(Duration.ofMillis(500));
    }
  }

  private static Duration sinceNanos(long begun) {
    return Duration.ofNanos(System.nanoTime() - begun);
  }

  @Test
  void tenThousandAtOnceAndNoThreadForAny() {
    AtomicInteger served = new AtomicInteger();
    LoopResources serving = LoopResources.create("serving", 1, true);
    DisposableServer many =
        HttpServer.create()
            .host("localhost")
            .port(0)
            .protocol(HttpProtocol.H2C)
            .http2Settings(settings -> settings.maxConcurrentStreams(20_000))
            .runOn(serving)
            .handle(
                (request, response) -> {
                  served.incrementAndGet();
                  return response.sendString(Mono.just("hello"));
                })
            .bindNow();
    try {
      URI uri = URI.create("http://localhost:" + many.port() + "/");
      HttpClient client = client(1, HttpProtocol.H2C);
      assertThat(get(client, uri).block()).isEqualTo("hello");
      int before = Thread.activeCount();

      int calls = 10_000;
      FaultInjection fault = Jinx.inject(http("localhost").port(many.port()).drop());
      var answers = Flux.range(0, calls).flatMap(i -> get(client, uri), calls).count().toFuture();
      while (fault.injections() < calls) {
        LockSupport.parkNanos(100_000);
      }
      assertThat(answers).isNotDone();
      assertThat(served).hasValue(1);
      assertThat(Thread.activeCount()).isLessThan(before + 10);

      fault.close();
      assertThat(answers.join()).isEqualTo(calls);
      assertThat(served).hasValue(calls + 1);
    } finally {
      many.disposeNow();
      serving.disposeLater(Duration.ZERO, Duration.ofSeconds(5)).block();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void disposeEndsAHeldCall(boolean isAnswered) throws InterruptedException {
    CountDownLatch answered = new CountDownLatch(isAnswered ? 1 : 0);
    server.answering(
        (request, connection) -> {
          RealServer.ECHO.give(request, connection);
          answered.countDown();
        });
    HttpClient client = client(1, HttpProtocol.HTTP11);
    HttpFault drop = target().drop();
    FaultInjection fault = Jinx.inject(isAnswered ? drop.afterCall() : drop);
    Disposable call = get(client, server.uri("/held")).subscribe();
    while (fault.injections() == 0) {
      LockSupport.parkNanos(100_000);
    }
    // disposed before its answer is held, a real call too may leave its connection to the next
    answered.await();
    for (int turns = 0; turns < 200; turns++) {
      loops.onClient(false).submit(() -> {}).syncUninterruptibly();
    }
    call.dispose();
    fault.close();

    // its connection is given up: the only one of the pool
    assertThat(get(client, server.uri("/next")).block(PATIENT)).isEqualTo("hello");
  }

  /** WebClient names its headers when it has a connection already. */
  @Test
  void aHeaderOfWebClientsWhileConnecting() {
    WebClient client =
        WebClient.builder()
            .clientConnector(new ReactorClientHttpConnector(client(1, HttpProtocol.HTTP11)))
            .build();
    try (FaultInjection fault =
        Jinx.inject(target().header("X-Tenant", "acme").error(NamedError.CONNECTION_REFUSED))) {
      assertThatThrownBy(
              () ->
                  client
                      .get()
                      .uri(server.uri("/"))
                      .header("X-Tenant", "acme")
                      .retrieve()
                      .toBodilessEntity()
                      .block())
          .isInstanceOf(WebClientRequestException.class)
          .hasCauseInstanceOf(ConnectException.class);
      assertThat(client.get().uri(server.uri("/")).retrieve().bodyToMono(String.class).block())
          .isEqualTo("hello");
      assertThat(fault.injections()).isEqualTo(1);
      assertThat(server.requests()).hasSize(1);
    }
  }

  /** What is sent while the exchange is held stays with the client, but for what a kernel takes. */
  @Test
  void aHeldUploadIsHeldBack() {
    HttpClient client = client(1, HttpProtocol.HTTP11);
    AtomicInteger asked = new AtomicInteger();
    Flux<ByteBuf> parts =
        Flux.range(0, 2_000)
            .map(
                i -> {
                  asked.incrementAndGet();
                  return Unpooled.wrappedBuffer(new byte[1024]);
                });
    FaultInjection fault = Jinx.inject(target().latency(Duration.ofSeconds(1)));
    try {
      var answer =
          client
              .post()
              .uri(server.uri("/upload"))
              .send(parts)
              .responseSingle((response, body) -> body.asByteArray())
              .toFuture();
      while (fault.injections() == 0) {
        LockSupport.parkNanos(100_000);
      }
      assertThat(answer.join()).hasSize(2_000 * 1024);
      assertThat(asked).hasValue(2_000);
    } finally {
      fault.close();
    }
  }

  @Test
  void aSlowBodyIsReadAsSlowlyAndWhole() {
    byte[] large = new byte[300_000];
    new java.util.Random(7).nextBytes(large);
    server.answering((request, connection) -> connection.respond(200, java.util.Map.of(), large));
    HttpClient client = client(1, HttpProtocol.HTTP11).responseTimeout(Duration.ofMillis(400));
    try (FaultInjection fault = Jinx.inject(target().bandwidth("200KB/s"))) {
      long start = System.nanoTime();
      byte[] body =
          client.get().uri(server.uri("/")).responseContent().aggregate().asByteArray().block();

      assertThat(body).isEqualTo(large);
      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .isGreaterThan(Duration.ofMillis(1300));
      assertThat(fault.injections()).isEqualTo(1);
    }
  }
}
