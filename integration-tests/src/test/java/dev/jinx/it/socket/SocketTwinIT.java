package dev.jinx.it.socket;

import static dev.jinx.Jinx.socket;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.FaultInjection;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import dev.jinx.SocketFault;
import dev.jinx.it.real.Observed;
import dev.jinx.it.real.RealServer;
import dev.jinx.it.socket.Peer.Does;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** Every way of talking TCP while blocking: the real failure and the injected one look the same. */
class SocketTwinIT {
  private static final int TIMEOUT = 250;

  /** A way to talk: connect, say one byte, wait for one byte. */
  enum Style {
    SOCKET {
      @Override
      Conversation connect(InetSocketAddress address, int timeout) throws IOException {
        Socket socket = new Socket();
        try {
          socket.connect(address, timeout);
          socket.setSoTimeout(timeout);
        } catch (IOException e) {
          socket.close();
          throw e;
        }
        return over(socket);
      }
    },
    ADAPTOR {
      @Override
      Conversation connect(InetSocketAddress address, int timeout) throws IOException {
        Socket socket = SocketChannel.open().socket();
        try {
          socket.connect(address, timeout);
          socket.setSoTimeout(timeout);
        } catch (IOException e) {
          socket.close();
          throw e;
        }
        return over(socket);
      }
    },
    CHANNEL {
      @Override
      Conversation connect(InetSocketAddress address, int timeout) throws IOException {
        SocketChannel channel = SocketChannel.open(address);
        return new Conversation() {
          @Override
          public int ask() throws IOException {
            channel.write(ByteBuffer.wrap(new byte[] {7}));
            return receive();
          }

          @Override
          public int receive() throws IOException {
            ByteBuffer answer = ByteBuffer.allocate(1);
            return channel.read(answer) < 0 ? -1 : answer.get(0);
          }

          @Override
          public void close() throws IOException {
            channel.close();
          }
        };
      }
    };

    abstract Conversation connect(InetSocketAddress address, int timeout) throws IOException;

    static Conversation over(Socket socket) {
      return new Conversation() {
        @Override
        public int ask() throws IOException {
          socket.getOutputStream().write(7);
          return receive();
        }

        @Override
        public int receive() throws IOException {
          return socket.getInputStream().read();
        }

        @Override
        public void close() throws IOException {
          socket.close();
        }
      };
    }
  }

  private interface Conversation extends AutoCloseable {
    int ask() throws IOException;

    int receive() throws IOException;

    @Override
    void close() throws IOException;
  }

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

  /** Faults hit the test's own server only: everything else in this JVM talks undisturbed. */
  private static SocketFault target() {
    return socket("localhost").port(echo.address().getPort());
  }

  private static Observed talk(Style style, InetSocketAddress address) {
    return Observed.of(
        () -> {
          try (Conversation conversation = style.connect(address, TIMEOUT)) {
            return conversation.ask();
          }
        });
  }

  private static void assertTwins(Observed injected, Observed real) {
    assertThat(injected.outcome()).isEqualTo(real.outcome());
  }

  @ParameterizedTest
  @EnumSource
  void nothingArmed(Style style) {
    assertThat(talk(style, echo.address()).value()).isEqualTo(7);
  }

  @ParameterizedTest
  @EnumSource
  void connectionRefused(Style style) {
    Observed real =
        talk(style, new InetSocketAddress("localhost", RealServer.refusing().getPort()));

    try (FaultInjection fault = Jinx.inject(target().error(NamedError.CONNECTION_REFUSED))) {
      assertTwins(talk(style, echo.address()), real);
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @EnumSource(mode = Mode.EXCLUDE, names = "CHANNEL") // a channel's connect has no timeout
  void connectTimeout(Style style) {
    Observed real;
    try (var unreachable = RealServer.unreachable()) {
      real = talk(style, new InetSocketAddress("127.0.0.1", unreachable.uri().getPort()));
    }

    try (FaultInjection fault = Jinx.inject(target().error(NamedError.CONNECT_TIMEOUT))) {
      Observed injected = talk(style, echo.address());
      assertTwins(injected, real);
      assertTookItsTimeout(injected);
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @EnumSource(mode = Mode.EXCLUDE, names = "CHANNEL") // nor has its read
  void silence(Style style) throws IOException {
    Observed real;
    try (Peer silent = new Peer(Does.SAY_NOTHING)) {
      real = talk(style, silent.address());
    }

    for (SocketFault silence :
        List.of(
            target().operation("read").drop(),
            target().operation("read").latency(Duration.ofSeconds(20)),
            target().error(NamedError.READ_TIMEOUT))) {
      try (FaultInjection fault = Jinx.inject(silence)) {
        Observed injected = talk(style, echo.address());
        assertTwins(injected, real);
        assertTookItsTimeout(injected);
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }

  /** Of the system's own timers some end a little early. */
  private static void assertTookItsTimeout(Observed observed) {
    assertThat(observed.elapsed())
        .isBetween(Duration.ofMillis(TIMEOUT - 5), Duration.ofMillis(TIMEOUT + 5000));
  }

  @ParameterizedTest
  @EnumSource
  void connectionReset(Style style) throws IOException {
    Observed real;
    try (Peer resetting = new Peer(Does.RESET)) {
      real = talk(style, resetting.address());
    }

    try (FaultInjection fault =
        Jinx.inject(target().operation("read").error(NamedError.CONNECTION_RESET))) {
      assertTwins(talk(style, echo.address()), real);
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void unexpectedEof(Style style) throws IOException {
    Observed real;
    try (Peer ending = new Peer(Does.END)) {
      real = talk(style, ending.address());
    }

    try (FaultInjection fault = Jinx.inject(target().error(NamedError.UNEXPECTED_EOF))) {
      assertTwins(talk(style, echo.address()), real);
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void closingFromAnotherThreadEndsTheWait(Style style) throws Exception {
    Observed real;
    try (Peer silent = new Peer(Does.SAY_NOTHING);
        Conversation conversation = style.connect(silent.address(), 0)) {
      FutureTask<Observed> waiting = startReceiving(conversation);
      awaitBlocked(waiting);
      conversation.close();
      real = waiting.get(5, SECONDS);
    }

    try (Conversation conversation = style.connect(echo.address(), 0);
        FaultInjection fault = Jinx.inject(target().operation("read").drop())) {
      FutureTask<Observed> waiting = startReceiving(conversation);
      awaitInjection(fault);
      conversation.close();

      assertTwins(waiting.get(5, SECONDS), real);
    }
  }

  @ParameterizedTest
  @EnumSource
  void clearingLetsTheConversationGoOn(Style style) throws Exception {
    try (Conversation conversation = style.connect(echo.address(), 0)) {
      FaultInjection fault = Jinx.inject(target().drop());
      FutureTask<Integer> asking = new FutureTask<>(conversation::ask);
      new Thread(asking).start();
      awaitInjection(fault);

      fault.close();

      assertThat(asking.get(5, SECONDS)).isEqualTo(7);
    }
  }

  @ParameterizedTest
  @EnumSource
  void oneHitForEachTurnOfAPooledConnection(Style style) throws IOException {
    try (Conversation conversation = style.connect(echo.address(), 0)) {
      try (FaultInjection fault = Jinx.inject(target().latency(Duration.ofMillis(100)))) {
        Observed turns =
            Observed.of(() -> conversation.ask() + conversation.ask() + conversation.ask());

        assertThat(turns.value()).isEqualTo(21);
        assertThat(fault.injections()).isEqualTo(3);
        assertThat(turns.elapsed()).isGreaterThanOrEqualTo(Duration.ofMillis(300));
      }
    }
  }

  @Test
  void anInterruptClosesAChannelAsItReallyDoes() throws Exception {
    Observed real;
    try (Peer silent = new Peer(Does.SAY_NOTHING);
        Conversation conversation = Style.CHANNEL.connect(silent.address(), 0)) {
      real = interrupted(conversation, () -> {});
    }

    try (Conversation conversation = Style.CHANNEL.connect(echo.address(), 0);
        FaultInjection fault = Jinx.inject(target().drop())) {
      assertTwins(interrupted(conversation, () -> awaitInjection(fault)), real);
    }
  }

  private static Observed interrupted(Conversation conversation, Runnable untilHeld)
      throws Exception {
    FutureTask<Observed> waiting =
        new FutureTask<>(
            () -> {
              Observed observed = Observed.of(conversation::receive);
              assertThat(Thread.currentThread().isInterrupted()).isTrue();
              return observed;
            });
    Thread thread = new Thread(waiting);
    thread.start();
    untilHeld.run();
    thread.interrupt();
    return waiting.get(5, SECONDS);
  }

  private static FutureTask<Observed> startReceiving(Conversation conversation) {
    FutureTask<Observed> waiting = new FutureTask<>(() -> Observed.of(conversation::receive));
    Thread thread = new Thread(waiting, "receiver");
    thread.start();
    return waiting;
  }

  /**
   * A close before the read would be another failure: waits until the reader stands in the kernel.
   */
  private static void awaitBlocked(FutureTask<?> waiting) {
    while (!waiting.isDone()
        && Thread.getAllStackTraces().entrySet().stream().noneMatch(SocketTwinIT::isBlocked)) {
      LockSupport.parkNanos(100_000);
    }
  }

  private static boolean isBlocked(java.util.Map.Entry<Thread, StackTraceElement[]> thread) {
    return thread.getKey().getName().equals("receiver")
        && thread.getValue().length > 0
        && (thread.getValue()[0].getMethodName().equals("poll")
            || thread.getValue()[0].getMethodName().equals("read0"));
  }

  private static void awaitInjection(FaultInjection fault) {
    while (fault.injections() == 0) {
      LockSupport.parkNanos(100_000);
    }
  }
}
