package dev.jinx.it.http;

import static dev.jinx.Jinx.http;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.FaultInjection;
import dev.jinx.HttpFault;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import dev.jinx.it.http.GrpcClients.Grpc;
import dev.jinx.it.http.GrpcClients.Server;
import dev.jinx.it.real.Certificates;
import dev.jinx.it.real.Http2Server;
import dev.jinx.it.real.Http2Server.Answer;
import dev.jinx.it.real.Observed;
import dev.jinx.it.real.RealServer;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The contract of gRPC: the same call meets the real failure and the injected one, and the
 * application sees the same status, description, causes and trailers.
 */
@Timeout(60)
@ExtendWith(ClientTable.class)
class GrpcTwinIT {
  private static final Duration HASTE = Duration.ofMillis(400);
  private static final Duration PATIENT = Duration.ofSeconds(20);

  /** Fails as a server of HTTP/2 does that knows nothing of gRPC. */
  @SuppressWarnings("NullAway.Init")
  private static Http2Server failing;

  @SuppressWarnings("NullAway.Init")
  private static Server echo;

  static Stream<Named<Grpc>> clients() {
    return GrpcClients.all().stream()
        .filter(client -> client.name().matches(System.getProperty("jinx.it.clients", ".*")))
        .map(client -> Named.of(client.name(), client));
  }

  @BeforeAll
  static void start() throws Exception {
    failing = new Http2Server();
    echo = new Server();
  }

  @AfterAll
  static void stop() {
    failing.close();
    echo.close();
  }

  @BeforeEach
  void forget() {
    echo.forget();
  }

  private static HttpFault target() {
    return http("localhost").port(echo.uri().getPort()).client("grpc");
  }

  private static Observed call(Grpc client, URI uri, Duration limit) {
    ManagedChannel channel = client.channel(uri, limit).build();
    try {
      return Observed.of(() -> client.call(channel, limit));
    } finally {
      channel.shutdownNow();
    }
  }

  private static void assertTook(Duration least, Observed injected) {
    assertThat(injected.elapsed()).isBetween(least, least.plusSeconds(5));
  }

  private static Observed assertTwins(Grpc client, Duration limit, Answer answer, HttpFault twin) {
    failing.answering(answer);
    Observed real = call(client, failing.uri("/"), limit);
    return assertTwins(client, limit, real, twin);
  }

  private static Observed assertTwins(Grpc client, Duration limit, Observed real, HttpFault twin) {
    echo.recount();
    try (FaultInjection fault = Jinx.inject(twin)) {
      Observed injected = call(client, echo.uri(), limit);

      assertThat(injected.outcome()).as("%s", twin).isEqualTo(real.outcome());
      assertThat(fault.injections()).isEqualTo(1);
      assertThat(fault.matches()).isEqualTo(1);
      return injected;
    }
  }

  // ---- before a connection stands

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("connectionRefused")
  void connectionRefused(Grpc client) {
    Observed real = call(client, RealServer.refusing(), PATIENT);

    assertTwins(client, PATIENT, real, target().error(NamedError.CONNECTION_REFUSED));
    assertThat(echo.calls()).isZero();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("connectTimeout")
  void connectTimeout(Grpc client) {
    Observed real;
    ManagedChannel channel;
    try (var unreachable = RealServer.unreachable()) {
      channel = client.channel(unreachable.uri(), HASTE).build();
      real = Observed.of(() -> client.call(channel, PATIENT));
      channel.shutdownNow();
    }
    ManagedChannel other = client.channel(echo.uri(), HASTE).build();
    try (FaultInjection fault = Jinx.inject(target().error(NamedError.CONNECT_TIMEOUT))) {
      Observed injected = Observed.of(() -> client.call(other, PATIENT));

      assertThat(injected.outcome()).isEqualTo(real.outcome());
      assertTook(HASTE, injected);
      assertThat(fault.injections()).isEqualTo(1);
    } finally {
      other.shutdownNow();
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("unknownHost")
  void unknownHost(Grpc client) {
    URI uri = URI.create("http://no-such-host.invalid:80/");
    Observed real = call(client, uri, PATIENT);

    try (FaultInjection fault =
        Jinx.inject(http("no-such-host.invalid").error(NamedError.UNKNOWN_HOST))) {
      assertThat(call(client, uri, PATIENT).outcome()).isEqualTo(real.outcome());
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  /** With the JDK's TLS; OpenSSL has words of its own. */
  @Test
  void tls() throws Exception {
    var none = SSLContext.getInstance("TLS");
    none.init(null, null, null);
    assertTlsTwins(none, NamedError.TLS_HANDSHAKE);
    ClientTable.twin("gRPC netty blocking", "tlsHandshake");
    assertTlsTwins(Certificates.expiredServer(), NamedError.CERTIFICATE_EXPIRED);
    ClientTable.twin("gRPC netty blocking", "certificateExpired");
  }

  private static void assertTlsTwins(SSLContext bad, NamedError error) throws Exception {
    Observed real;
    try (var server = RealServer.https(bad, RealServer.ECHO)) {
      do {
        real = callSecurely(server.uri("/"));
        // the server's alert may be overtaken by its reset
      } while (real.thrown().toString().contains("Connection closed while")
          || real.thrown().toString().contains("failure when writing"));
    }
    try (var server = RealServer.https(Certificates.server(), RealServer.ECHO);
        FaultInjection fault =
            Jinx.inject(http().scheme("https").port(server.uri("/").getPort()).error(error))) {
      assertThat(callSecurely(server.uri("/")).outcome()).isEqualTo(real.outcome());
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  private static Observed callSecurely(URI uri) throws Exception {
    ManagedChannel channel = GrpcClients.secure(uri);
    Observed observed =
        Observed.of(() -> GrpcClients.Style.BLOCKING.call(channel, CallOptions.DEFAULT));
    channel.shutdownNow();
    return observed;
  }

  // ---- in place of an answer

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("readTimeout, drop")
  void silence(Grpc client) {
    for (HttpFault twin :
        List.of(
            target().drop(), target().latency(PATIENT), target().error(NamedError.READ_TIMEOUT))) {
      assertTook(HASTE.minusMillis(50), assertTwins(client, HASTE, Answer.SILENCE, twin));
      assertThat(echo.calls()).isZero();
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("latency")
  void latency(Grpc client) {
    Duration delay = Duration.ofMillis(200);
    Observed real = call(client, echo.uri(), PATIENT);

    assertTook(delay, assertTwins(client, PATIENT, real, target().latency(delay)));
    assertThat(echo.calls()).isEqualTo(1);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("connectionReset")
  void connectionReset(Grpc client) {
    assertTwins(client, PATIENT, Answer.RESET, target().error(NamedError.CONNECTION_RESET));
    assertThat(echo.calls()).isZero();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("unexpectedEof")
  void unexpectedEof(Grpc client) {
    assertTwins(client, PATIENT, Answer.END, target().error(NamedError.UNEXPECTED_EOF));
    assertThat(echo.calls()).isZero();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("response")
  void response(Grpc client) {
    Map<String, String> headers = new java.util.LinkedHashMap<>();
    headers.put("Retry-After", "7");
    headers.put("Content-Type", "text/plain");
    assertTwins(client, PATIENT, Answer.UNAVAILABLE, target().response(503, headers, "try again"));
    assertThat(echo.calls()).isZero();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("response")
  void aStatusOfGrpc(Grpc client) {
    echo.status = Status.PERMISSION_DENIED.withDescription("not you");
    Observed real = call(client, echo.uri(), PATIENT);

    assertTwins(
        client,
        PATIENT,
        real,
        target().response(200, Map.of("grpc-status", "7", "grpc-message", "not you"), ""));
    assertThat(echo.calls()).isZero();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("response")
  void aMessage(Grpc client) {
    try (FaultInjection fault =
        Jinx.inject(target().response(200, Map.of("grpc-status", "0"), "canned"))) {
      assertThat(call(client, echo.uri(), PATIENT).value()).isEqualTo(List.of("canned"));
      assertThat(echo.calls()).isZero();
    }
  }

  // ---- the body of the answer

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("reset")
  void resetInAMessage(Grpc client) {
    echo.answer = text -> "0123456789".repeat(10);
    assertTwins(client, PATIENT, Answer.RESET_IN_BODY, target().reset("40B"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("limit")
  void endInAMessage(Grpc client) {
    echo.answer = text -> "0123456789".repeat(10);
    assertTwins(client, PATIENT, Answer.END_IN_BODY, target().limit("40B"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("bandwidth")
  void bandwidth(Grpc client) {
    echo.answer = text -> "0123456789".repeat(10);
    Observed real = call(client, echo.uri(), PATIENT);
    echo.answer = text -> "0123456789".repeat(10);
    try (FaultInjection fault = Jinx.inject(target().bandwidth("400B/s"))) {
      Observed slow = call(client, echo.uri(), PATIENT);

      assertThat(slow.outcome()).isEqualTo(real.outcome());
      assertTook(Duration.ofMillis(240), slow);
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  // ---- after the call

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  @Column("after")
  void afterTheCall(Grpc client) {
    assertTwins(
        client, PATIENT, Answer.RESET, target().error(NamedError.CONNECTION_RESET).afterCall());
    assertThat(echo.calls()).isEqualTo(1);

    assertTook(
        HASTE.minusMillis(50),
        assertTwins(client, HASTE, Answer.SILENCE, target().drop().afterCall()));
    assertThat(echo.calls()).isEqualTo(1);

    Map<String, String> headers = new java.util.LinkedHashMap<>();
    headers.put("Retry-After", "7");
    headers.put("Content-Type", "text/plain");
    assertTwins(
        client,
        PATIENT,
        Answer.UNAVAILABLE,
        target().response(503, headers, "try again").afterCall());
    assertThat(echo.calls()).isEqualTo(1);

    Duration delay = Duration.ofMillis(200);
    Observed real = call(client, echo.uri(), PATIENT);
    assertTook(delay, assertTwins(client, PATIENT, real, target().latency(delay).afterCall()));
    assertThat(echo.calls()).isEqualTo(1);
  }

  // ---- one call after another

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  void eachRetryIsDecidedOn(Grpc client) throws Exception {
    Map<String, Object> policy =
        Map.of(
            "maxAttempts",
            3.0,
            "initialBackoff",
            "0.01s",
            "maxBackoff",
            "0.01s",
            "backoffMultiplier",
            1.0,
            "retryableStatusCodes",
            List.of("UNAVAILABLE"));
    Map<String, Object> config =
        Map.of(
            "methodConfig",
            List.of(
                Map.of("name", List.of(Map.of("service", "jinx.Echo")), "retryPolicy", policy)));
    ManagedChannel channel =
        client.channel(echo.uri(), PATIENT).enableRetry().defaultServiceConfig(config).build();
    try (FaultInjection fault = Jinx.inject(target().error(NamedError.CONNECTION_RESET).first(2))) {
      assertThat(client.call(channel, PATIENT)).isNotEmpty();
      assertThat(fault.injections()).isEqualTo(2);
      assertThat(fault.matches()).isEqualTo(3);
      assertThat(echo.calls()).isEqualTo(1);
    } finally {
      channel.shutdownNow();
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  void clearingReleasesAtOnce(Grpc client) throws Exception {
    for (HttpFault hold :
        List.of(
            target().drop(),
            target().latency(Duration.ofMinutes(1)).error(NamedError.CONNECTION_RESET),
            target().drop().afterCall(),
            target().bandwidth("1B/s"))) {
      FaultInjection fault = Jinx.inject(hold);
      var call = new FutureTask<>(() -> call(client, echo.uri(), PATIENT));
      new Thread(call, "held").start();
      while (fault.injections() == 0) {
        LockSupport.parkNanos(100_000);
      }
      fault.close();

      assertThat(call.get().thrown()).as("%s", hold).isEmpty();
      assertThat(call.get().elapsed()).isLessThan(PATIENT);
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  void matchesByEveryKey(Grpc client) throws Exception {
    try (FaultInjection fault =
            Jinx.inject(
                target()
                    .scheme("http")
                    .method("POST")
                    .path("/jinx.Echo/*")
                    .latency(Duration.ofMillis(1)));
        FaultInjection never =
            Jinx.inject(target().path("/jinx.Other/*").error(NamedError.CONNECTION_RESET))) {
      assertThat(call(client, echo.uri(), PATIENT).thrown()).isEmpty();
      assertThat(fault.injections()).isEqualTo(1);
      assertThat(never.matches()).isZero();
    }
  }

  /** However many points of other libraries it passes. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("clients")
  void oncePerCall(Grpc client) {
    try (FaultInjection fault =
        Jinx.inject(http("localhost").port(echo.uri().getPort()).latency(Duration.ofMillis(1)))) {
      assertThat(call(client, echo.uri(), PATIENT).thrown()).isEmpty();
      assertThat(fault.matches()).isEqualTo(1);
    }
  }

  @Test
  void heldCallsBlockNoThread() throws Exception {
    var threads = Executors.newFixedThreadPool(2);
    ManagedChannel channel =
        GrpcClients.all().get(0).channel(echo.uri(), PATIENT).executor(threads).build();
    Duration delay = Duration.ofSeconds(2);
    List<CompletableFuture<String>> slow = new ArrayList<>();
    List<CompletableFuture<String>> fast = new ArrayList<>();
    ClientCalls.blockingUnaryCall(channel, GrpcClients.UNARY, CallOptions.DEFAULT, "warm");
    try (FaultInjection fault = Jinx.inject(target().path("/jinx.Echo/Unary").latency(delay))) {
      long start = System.nanoTime();
      for (int i = 0; i < 100; i++) {
        slow.add(async(channel, GrpcClients.UNARY));
        fast.add(async(channel, GrpcClients.STREAMING));
      }
      CompletableFuture.allOf(fast.toArray(new CompletableFuture<?>[0])).get();

      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(delay);
      assertThat(slow).noneMatch(CompletableFuture::isDone);
      CompletableFuture.allOf(slow.toArray(new CompletableFuture<?>[0])).get();
      assertThat(fault.injections()).isEqualTo(100);
    } finally {
      channel.shutdownNow();
      threads.shutdown();
    }
  }

  private static CompletableFuture<String> async(
      ManagedChannel channel, io.grpc.MethodDescriptor<String, String> method) {
    var done = new CompletableFuture<String>();
    ClientCalls.asyncServerStreamingCall(
        channel.newCall(method, CallOptions.DEFAULT),
        "ping",
        new io.grpc.stub.StreamObserver<>() {
          @Override
          public void onNext(String text) {}

          @Override
          public void onError(Throwable failure) {
            done.completeExceptionally(failure);
          }

          @Override
          public void onCompleted() {
            done.complete("done");
          }
        });
    return done;
  }

  @Test
  void aCancelEndsTheWait() {
    ManagedChannel channel = GrpcClients.all().get(0).channel(echo.uri(), PATIENT).build();
    for (HttpFault hold : List.of(target().drop(), target().drop().afterCall())) {
      try (FaultInjection fault = Jinx.inject(hold)) {
        var call = channel.newCall(GrpcClients.UNARY, CallOptions.DEFAULT);
        var answer = ClientCalls.futureUnaryCall(call, "ping");
        while (fault.injections() == 0) {
          LockSupport.parkNanos(100_000);
        }
        call.cancel("enough", null);

        assertThat(Observed.of(answer::get).thrown())
            .contains(
                new Observed.Thrown(StatusRuntimeException.class.getName(), "CANCELLED: enough"));
      }
    }
    channel.shutdownNow();
  }
}
