package dev.jinx.it.socket;

import static dev.jinx.Jinx.socket;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jinx.FaultInjection;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import dev.jinx.SocketFault;
import dev.jinx.it.real.Observed;
import dev.jinx.it.real.RealServer;
import dev.jinx.it.socket.NettyTransport.Loop;
import dev.jinx.it.socket.NettyTransport.Talk;
import dev.jinx.it.socket.Peer.Does;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Netty on each of its transports: the real failure and the injected one look the same. */
@Timeout(60)
class NettyTransportTwinIT {
  private static final int TIMEOUT = 300;

  @SuppressWarnings("NullAway.Init")
  private static Peer echo;

  @BeforeAll
  static void start() throws IOException {
    echo = new Peer(Does.ECHO);
  }

  @AfterAll
  static void stop() throws IOException {
    echo.close();
  }

  private static SocketFault target() {
    return socket("localhost").port(echo.address().getPort());
  }

  private static Observed talk(Loop loop, InetSocketAddress address) {
    return Observed.of(
        () -> {
          try (Talk talk = loop.connect(address, TIMEOUT)) {
            return talk.ask().get(20, SECONDS);
          }
        });
  }

  private static void assertTwins(Observed injected, Observed real) {
    assertThat(injected.outcome()).isEqualTo(real.outcome());
  }

  @ParameterizedTest
  @EnumSource
  void nothingArmed(NettyTransport transport) {
    try (Loop loop = transport.open()) {
      assertThat(talk(loop, echo.address()).value()).isEqualTo((byte) 7);
    }
  }

  @ParameterizedTest
  @EnumSource
  void connectionRefused(NettyTransport transport) {
    try (Loop loop = transport.open()) {
      Observed real =
          talk(loop, new InetSocketAddress("localhost", RealServer.refusing().getPort()));

      try (FaultInjection fault = Jinx.inject(target().error(NamedError.CONNECTION_REFUSED))) {
        assertTwins(talk(loop, echo.address()), real);
        assertThat(fault.injections()).isEqualTo(1);
      }
      try (FaultInjection fault =
          Jinx.inject(
              target()
                  .latency(Duration.ofMillis(200))
                  .operation("connect")
                  .error(NamedError.CONNECTION_REFUSED))) {
        Observed late = talk(loop, echo.address());
        assertTwins(late, real);
        assertThat(late.elapsed()).isGreaterThanOrEqualTo(Duration.ofMillis(200));
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void connectTimeout(NettyTransport transport) {
    try (Loop loop = transport.open()) {
      Observed real;
      try (var unreachable = RealServer.unreachable()) {
        real = talk(loop, new InetSocketAddress("localhost", unreachable.uri().getPort()));
      }

      for (SocketFault silence :
          List.of(
              target().error(NamedError.CONNECT_TIMEOUT),
              target().operation("connect").latency(Duration.ofSeconds(20)),
              target().operation("connect").drop())) {
        try (FaultInjection fault = Jinx.inject(silence)) {
          Observed injected = talk(loop, echo.address());
          assertTwins(injected, real);
          assertThat(injected.elapsed())
              .isBetween(Duration.ofMillis(TIMEOUT), Duration.ofMillis(TIMEOUT + 5000));
          assertThat(fault.injections()).isEqualTo(1);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void unknownHost(NettyTransport transport) {
    try (Loop loop = transport.open();
        FaultInjection fault = Jinx.inject(target().error(NamedError.UNKNOWN_HOST))) {
      assertThat(talk(loop, echo.address()).thrown())
          .containsExactly(new Observed.Thrown("java.net.UnknownHostException", "localhost"));
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aSlowConnectIsOneThatWorks(NettyTransport transport) throws Exception {
    try (Loop loop = transport.open();
        FaultInjection fault =
            Jinx.inject(target().operation("connect").latency(Duration.ofMillis(200)))) {
      long began = System.nanoTime();
      try (Talk talk = loop.connect(echo.address(), 5000)) {
        assertThat(System.nanoTime() - began).isGreaterThanOrEqualTo(200_000_000);
        assertThat(talk.ask().get(20, SECONDS)).isEqualTo((byte) 7);
        assertThat(((InetSocketAddress) talk.channel().localAddress()).getPort()).isPositive();
        assertThat(((InetSocketAddress) talk.channel().remoteAddress()).getHostString())
            .isEqualTo("localhost");
      }
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void connectionReset(NettyTransport transport) throws IOException {
    try (Loop loop = transport.open()) {
      Observed real;
      try (Peer resetting = new Peer(Does.RESET)) {
        real = talk(loop, resetting.address());
      }

      for (SocketFault reset :
          List.of(
              target().operation("read").error(NamedError.CONNECTION_RESET),
              target()
                  .operation("read")
                  .latency(Duration.ofMillis(100))
                  .error(NamedError.CONNECTION_RESET))) {
        try (FaultInjection fault = Jinx.inject(reset)) {
          assertTwins(talk(loop, echo.address()), real);
          assertThat(fault.injections()).isEqualTo(1);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void unexpectedEof(NettyTransport transport) throws IOException {
    try (Loop loop = transport.open()) {
      Observed real;
      try (Peer ending = new Peer(Does.END)) {
        real = talk(loop, ending.address());
      }

      try (FaultInjection fault = Jinx.inject(target().error(NamedError.UNEXPECTED_EOF))) {
        assertTwins(talk(loop, echo.address()), real);
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void oneHitForEachTurn(NettyTransport transport) throws Exception {
    try (Loop loop = transport.open();
        Talk talk = loop.connect(echo.address(), TIMEOUT);
        FaultInjection fault =
            Jinx.inject(target().operation("read").latency(Duration.ofMillis(100)))) {
      Observed turns =
          Observed.of(
              () ->
                  talk.ask().get(20, SECONDS)
                      + talk.ask().get(20, SECONDS)
                      + talk.ask().get(20, SECONDS));

      assertThat(turns.value()).isEqualTo(21);
      assertThat(fault.injections()).isEqualTo(3);
      assertThat(turns.elapsed()).isGreaterThanOrEqualTo(Duration.ofMillis(300));
    }
  }

  @ParameterizedTest
  @EnumSource
  void heldWritesGoOutInOrder(NettyTransport transport) throws Exception {
    try (Loop loop = transport.open();
        Talk talk = loop.connect(echo.address(), TIMEOUT)) {
      FaultInjection fault =
          Jinx.inject(target().operation("write").latency(Duration.ofSeconds(20)));
      List<CompletableFuture<Byte>> asked = List.of(talk.ask(), talk.ask(), talk.ask());
      awaitInjection(fault);
      assertThat(asked).noneMatch(CompletableFuture::isDone);

      fault.close();

      for (CompletableFuture<Byte> each : asked) {
        assertThat(each.get(20, SECONDS)).isEqualTo((byte) 7);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void closingEndsTheHold(NettyTransport transport) throws Exception {
    try (Loop loop = transport.open();
        Talk talk = loop.connect(echo.address(), TIMEOUT);
        FaultInjection fault =
            Jinx.inject(target().operation("read").latency(Duration.ofSeconds(20)))) {
      CompletableFuture<Byte> asked = talk.ask();
      awaitInjection(fault);

      talk.close();

      assertThatThrownBy(() -> asked.get(10, SECONDS)).isInstanceOf(ExecutionException.class);
    }
  }

  /** Every other channel of one event loop is held; the rest does not notice. */
  @ParameterizedTest
  @EnumSource
  void neighboursKeepTheirSpeed(NettyTransport transport) throws Exception {
    try (Peer other = new Peer(Does.ECHO);
        Loop loop = transport.open()) {
      List<Talk> held = new ArrayList<>();
      List<Talk> free = new ArrayList<>();
      for (int i = 0; i < 50; i++) {
        held.add(loop.connect(echo.address(), 20_000));
        free.add(loop.connect(other.address(), 20_000));
      }
      FaultInjection fault =
          Jinx.inject(target().operation("read").latency(Duration.ofSeconds(30)));
      List<CompletableFuture<Byte>> waiting = held.stream().map(Talk::ask).toList();
      while (fault.injections() < held.size()) {
        LockSupport.parkNanos(100_000);
      }

      for (int turn = 0; turn < 5; turn++) {
        for (CompletableFuture<Byte> each : free.stream().map(Talk::ask).toList()) {
          assertThat(each.get(10, SECONDS)).isEqualTo((byte) 7);
        }
      }
      // nothing to be told of: the loop sleeps
      long thread = loop.group().submit(() -> Thread.currentThread().getId()).get(10, SECONDS);
      ThreadMXBean threads = ManagementFactory.getThreadMXBean();
      long used = threads.getThreadCpuTime(thread);
      TimeUnit.MILLISECONDS.sleep(500);
      assertThat(Duration.ofNanos(threads.getThreadCpuTime(thread) - used))
          .isLessThan(Duration.ofMillis(100));
      assertThat(waiting).noneMatch(CompletableFuture::isDone);

      fault.close();
      for (CompletableFuture<Byte> each : waiting) {
        assertThat(each.get(10, SECONDS)).isEqualTo((byte) 7);
      }
      free.forEach(Talk::close);
      held.forEach(Talk::close);
    }
  }

  private static void awaitInjection(FaultInjection fault) {
    while (fault.injections() == 0) {
      LockSupport.parkNanos(100_000);
    }
  }
}
