package dev.jinx.it.tls;

import static dev.jinx.Jinx.tls;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.FaultInjection;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import dev.jinx.TlsFault;
import dev.jinx.it.real.Certificates;
import dev.jinx.it.real.Observed;
import dev.jinx.it.tls.TlsPeer.Does;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.LockSupport;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;
import org.junit.jupiter.params.provider.ValueSource;

/** Handshakes that are held, what is one and what is none, and how it ends. */
class TlsHeldIT {
  private static final Duration LONG = Duration.ofSeconds(20);

  private final TlsPeer good = new TlsPeer(Does.SERVE);
  private final TlsPeer other = new TlsPeer(Does.SERVE);

  TlsHeldIT() throws IOException {}

  @AfterEach
  void stop() throws IOException {
    good.close();
    other.close();
  }

  private TlsFault target() {
    return tls("localhost").port(good.port());
  }

  private Observed ask(Style style) {
    return Observed.of(() -> style.ask(good.port(), 0));
  }

  private static void awaitInjection(FaultInjection fault) {
    long start = System.nanoTime();
    while (fault.injections() == 0) {
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(LONG);
      LockSupport.parkNanos(100_000);
    }
  }

  // ---- waiting

  @ParameterizedTest
  @EnumSource
  void clearingLetsTheHandshakeGoOn(Style style) throws Exception {
    FaultInjection fault = Jinx.inject(target().latency(LONG));
    FutureTask<Observed> asking = new FutureTask<>(() -> ask(style));
    new Thread(asking).start();
    awaitInjection(fault);

    fault.close();

    assertThat(asking.get(10, SECONDS).value()).isEqualTo(TlsPeer.HELLO);
  }

  @ParameterizedTest
  @EnumSource
  void theDelayComesBeforeTheFailure(Style style) {
    Observed alone;
    try (FaultInjection fault = Jinx.inject(target().error(NamedError.TLS_HANDSHAKE))) {
      alone = ask(style);
      assertThat(fault.injections()).isEqualTo(1);
    }

    Duration delay = Duration.ofMillis(300);
    try (FaultInjection fault =
        Jinx.inject(target().latency(delay).error(NamedError.TLS_HANDSHAKE))) {
      Observed late = ask(style);
      assertThat(late.outcome()).isEqualTo(alone.outcome());
      assertThat(late.elapsed()).isBetween(delay, delay.plusSeconds(5));
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @Test
  void theEventLoopOfAHeldHandshakeServesOthers() throws Exception {
    try (FaultInjection fault = Jinx.inject(target().latency(LONG))) {
      NettyClient.Exchange held = NettyClient.begin("localhost", good.port(), 60_000);
      awaitInjection(fault);

      assertThat(NettyClient.ask(other.port())).isEqualTo(TlsPeer.HELLO);
      assertThat(held.tls().handshakeFuture().isDone()).isFalse();

      fault.close();
      assertThat(held.answer().get(10, SECONDS)).isEqualTo(TlsPeer.HELLO);
    }
  }

  @Test
  void theHandshakeTimeoutOfNettyWins() throws Exception {
    Observed real;
    try (TlsPeer silent = new TlsPeer(Does.SAY_NOTHING)) {
      real = Observed.of(() -> timedOut(silent.port()));
    }

    try (FaultInjection fault = Jinx.inject(target().latency(LONG))) {
      Observed injected = Observed.of(() -> timedOut(good.port()));
      assertThat(injected.outcome()).isEqualTo(real.outcome());
      assertThat(injected.elapsed()).isLessThan(Duration.ofSeconds(6));
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  private static boolean timedOut(int port) throws Exception {
    return NettyClient.begin("localhost", port, 300).tls().handshakeFuture().sync().isSuccess();
  }

  @Test
  void theOnlyThreadOfAClientWithAHeldHandshakeServesOthers() throws Exception {
    ExecutorService one = Executors.newSingleThreadExecutor();
    HttpClient client =
        HttpClient.newBuilder().sslContext(Certificates.client()).executor(one).build();
    try (FaultInjection fault = Jinx.inject(target().latency(LONG))) {
      CompletableFuture<String> held = send(client, good.port(), Duration.ofSeconds(60));
      awaitInjection(fault);

      assertThat(send(client, other.port(), LONG).get(10, SECONDS)).isEqualTo(TlsPeer.HELLO);
      assertThat(held).isNotDone();

      fault.close();
      assertThat(held.get(10, SECONDS)).isEqualTo(TlsPeer.HELLO);
    } finally {
      one.shutdown();
    }
  }

  @Test
  void theTimeoutOfARequestWins() throws Exception {
    HttpClient client = HttpClient.newBuilder().sslContext(Certificates.client()).build();
    Duration timeout = Duration.ofMillis(500);
    Observed real;
    try (TlsPeer silent = new TlsPeer(Does.SAY_NOTHING)) {
      real = Observed.of(() -> send(client, silent.port(), timeout).get(10, SECONDS));
    }

    try (FaultInjection fault = Jinx.inject(target().latency(LONG))) {
      Observed injected = Observed.of(() -> send(client, good.port(), timeout).get(10, SECONDS));
      assertThat(injected.outcome()).isEqualTo(real.outcome());
      assertThat(injected.elapsed()).isGreaterThanOrEqualTo(timeout);
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  private static CompletableFuture<String> send(HttpClient client, int port, Duration timeout) {
    HttpRequest request = HttpRequest.newBuilder(Style.uri(port)).timeout(timeout).build();
    return client.sendAsync(request, BodyHandlers.ofString()).thenApply(answer -> answer.body());
  }

  @Test
  void closingFromAnotherThreadEndsTheWait() throws Exception {
    Observed real = closedForReal();
    for (int tries = 0; tries < 20 && real.thrown().size() > 1; tries++) {
      real = closedForReal(); // now and then the read sees the end that comes before the close
    }

    try (SSLSocket socket = Style.connect(Certificates.client(), good.port(), 0);
        FaultInjection fault = Jinx.inject(target().latency(LONG))) {
      Observed injected = closed(socket, () -> awaitInjection(fault));
      assertThat(injected.outcome()).isEqualTo(real.outcome());
      assertThat(socket.isClosed()).isTrue();
    }
  }

  private static Observed closedForReal() throws Exception {
    try (TlsPeer silent = new TlsPeer(Does.SAY_NOTHING);
        SSLSocket socket = Style.connect(Certificates.client(), silent.port(), 0)) {
      return closed(socket, TlsHeldIT::awaitBlocked);
    }
  }

  private static Observed closed(SSLSocket socket, Runnable untilHeld) throws Exception {
    FutureTask<Observed> shaking =
        new FutureTask<>(
            () ->
                Observed.of(
                    () -> {
                      socket.startHandshake();
                      return "done";
                    }));
    new Thread(shaking, "shaking-hands").start();
    untilHeld.run();
    socket.close();
    return shaking.get(10, SECONDS);
  }

  /** A close before the read would be another failure. */
  private static void awaitBlocked() {
    while (Thread.getAllStackTraces().entrySet().stream()
        .noneMatch(
            thread ->
                thread.getKey().getName().equals("shaking-hands")
                    && thread.getValue().length > 0
                    && List.of("poll", "read0").contains(thread.getValue()[0].getMethodName()))) {
      LockSupport.parkNanos(100_000);
    }
  }

  @Test
  void aHandshakeThatTimedOutGoesOn() throws Exception {
    try (FaultInjection fault = Jinx.inject(target().latency(LONG));
        SSLSocket socket = Style.connect(Certificates.client(), good.port(), 200)) {
      Observed first =
          Observed.of(
              () -> {
                socket.startHandshake();
                return "done";
              });
      assertThat(first.thrown().get(0).type()).isEqualTo("java.net.SocketTimeoutException");

      socket.setSoTimeout(10_000);
      assertThat(Style.exchange(socket)).isEqualTo(TlsPeer.HELLO);
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  // ---- what is a handshake

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
  void newKeysAreNoHandshake(String protocol) throws Exception {
    try (SSLSocket socket = Style.connect(Certificates.client(), good.port(), 0)) {
      socket.setEnabledProtocols(new String[] {protocol});
      socket.startHandshake();
      try (FaultInjection fault = Jinx.inject(target().error(NamedError.TLS_HANDSHAKE))) {
        socket.startHandshake();
        assertThat(fault.injections()).isZero();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
  void aResumedSessionIsOne(String protocol) throws Exception {
    SSLContext client = Certificates.client();
    long made = session(client, protocol);
    assertThat(session(client, protocol)).as("the session is resumed").isEqualTo(made);

    for (NamedError error :
        new NamedError[] {NamedError.CERTIFICATE_EXPIRED, NamedError.TLS_HANDSHAKE}) {
      try (FaultInjection fault = Jinx.inject(target().error(error))) {
        Observed injected = Observed.of(() -> session(client, protocol));
        assertThat(injected.thrown().get(0).type())
            .isEqualTo("javax.net.ssl.SSLHandshakeException");
        assertThat(good.seen().thrown()).isNotEmpty();
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }

  private long session(SSLContext client, String protocol)
      throws IOException, InterruptedException {
    try (SSLSocket socket = Style.connect(client, good.port(), 0)) {
      socket.setEnabledProtocols(new String[] {protocol});
      socket.startHandshake();
      long made = socket.getSession().getCreationTime();
      assertThat(Style.exchange(socket)).isEqualTo(TlsPeer.HELLO);
      assertThat(good.seen().thrown()).isEmpty();
      return made;
    }
  }

  // ---- how it ends

  @ParameterizedTest
  @EnumSource(
      mode = Mode.EXCLUDE,
      names = {"OPENSSL"}) // an alert in the clear would be no alert then
  void afterItTheServerHasSeenAWholeHandshake(Style style) throws Exception {
    try (FaultInjection fault = Jinx.inject(target().error(NamedError.TLS_HANDSHAKE).afterCall())) {
      Observed injected = ask(style);
      assertThat(injected.thrown())
          .contains(
              new Observed.Thrown(
                  "javax.net.ssl.SSLHandshakeException",
                  "(handshake_failure) Received fatal alert: handshake_failure"));
      assertThat(good.seen().thrown())
          .extracting(Observed.Thrown::type)
          .doesNotContain("javax.net.ssl.SSLHandshakeException");
      // the JDK's client tries again where a connection that stood is lost
      assertThat(fault.injections()).isBetween(1L, style == Style.HTTP_CLIENT ? 2L : 1L);
    }
  }

  @ParameterizedTest
  @EnumSource
  void anExceptionByItsClass(Style style) {
    try (FaultInjection fault =
        Jinx.inject(target().error(SSLPeerUnverifiedException.class, "not the one"))) {
      assertThat(ask(style).thrown())
          .contains(new Observed.Thrown("javax.net.ssl.SSLPeerUnverifiedException", "not the one"));
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @EnumSource(
      mode = Mode.INCLUDE,
      names = {"HTTP_CLIENT", "NETTY", "OPENSSL"})
  void anEngineHasNoConnectionToLose(Style style) {
    try (FaultInjection reset = Jinx.inject(target().error(NamedError.CONNECTION_RESET));
        FaultInjection end = Jinx.inject(target().error(NamedError.UNEXPECTED_EOF))) {
      assertThat(ask(style).value()).isEqualTo(TlsPeer.HELLO);
      assertThat(reset.injections() + end.injections()).isZero();
      assertThat(reset.nearMisses()).anyMatch(why -> why.startsWith("effect: asked for "));
    }
  }
}
