package dev.jinx.it.socket;

import static dev.jinx.Jinx.socket;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jinx.FaultInjection;
import dev.jinx.Jinx;
import dev.jinx.Latency;
import dev.jinx.NamedError;
import dev.jinx.SocketFault;
import dev.jinx.it.real.Observed;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** Every way of sending datagrams: what a bad network does and what is injected look the same. */
class DatagramIT {
  private static final int TIMEOUT = 150;
  private static final int PATIENT = 5000;

  /** A way to send a number and to wait for one. */
  enum Style {
    CONNECTED_SOCKET {
      @Override
      Line open(InetSocketAddress address) throws IOException {
        DatagramSocket socket = new DatagramSocket();
        socket.connect(address);
        return over(socket, null);
      }
    },
    SOCKET {
      @Override
      Line open(InetSocketAddress address) throws IOException {
        return over(new DatagramSocket(), address);
      }
    },
    ADAPTOR {
      @Override
      Line open(InetSocketAddress address) throws IOException {
        return over(DatagramChannel.open().connect(address).socket(), null);
      }
    },
    SELECTOR {
      @Override
      Line open(InetSocketAddress address) throws IOException {
        DatagramChannel channel = DatagramChannel.open().connect(address);
        channel.configureBlocking(false);
        return over(channel);
      }
    },
    SCATTERING {
      @Override
      Line open(InetSocketAddress address) throws IOException {
        Line selecting = SELECTOR.open(address);
        return new Line() {
          @Override
          public void send(int number) throws IOException {
            ByteBuffer[] bytes = new ByteBuffer[6];
            for (int i = 0; i < 6; i++) {
              bytes[i] = ByteBuffer.wrap(new byte[] {(byte) (number >>> (32 - 8 * i))});
            }
            assertThat(selecting.channel().write(bytes, 1, 4)).isEqualTo(4);
          }

          @Override
          public int receive(int timeout) throws IOException {
            ByteBuffer[] bytes = {ByteBuffer.allocate(1), ByteBuffer.allocate(7)};
            long length = select(selecting.channel(), timeout, () -> channel().read(bytes));
            assertThat(length).isEqualTo(4);
            return (bytes[0].get(0) << 24)
                | ((bytes[1].get(0) & 255) << 16)
                | ((bytes[1].get(1) & 255) << 8)
                | (bytes[1].get(2) & 255);
          }

          @Override
          public DatagramChannel channel() {
            return selecting.channel();
          }
        };
      }
    };

    abstract Line open(InetSocketAddress address) throws IOException;

    static Line over(DatagramSocket socket, @Nullable InetSocketAddress target) {
      return new Line() {
        @Override
        public void send(int number) throws IOException {
          byte[] bytes = ByteBuffer.allocate(4).putInt(number).array();
          socket.send(
              target == null
                  ? new DatagramPacket(bytes, 4)
                  : new DatagramPacket(bytes, 4, target.getAddress(), target.getPort()));
        }

        @Override
        public int receive(int timeout) throws IOException {
          socket.setSoTimeout(timeout);
          DatagramPacket packet = new DatagramPacket(new byte[8], 8);
          socket.receive(packet);
          assertThat(packet.getLength()).isEqualTo(4);
          return ByteBuffer.wrap(packet.getData()).getInt(0);
        }

        @Override
        public DatagramChannel channel() {
          throw new UnsupportedOperationException();
        }

        @Override
        public void close() {
          socket.close();
        }
      };
    }

    static Line over(DatagramChannel channel) {
      return new Line() {
        @Override
        public void send(int number) throws IOException {
          assertThat(channel.write(ByteBuffer.allocate(4).putInt(0, number))).isEqualTo(4);
        }

        @Override
        public int receive(int timeout) throws IOException {
          ByteBuffer bytes = ByteBuffer.allocate(8);
          assertThat(select(channel, timeout, () -> channel.read(bytes))).isEqualTo(4);
          return bytes.getInt(0);
        }

        @Override
        public DatagramChannel channel() {
          return channel;
        }
      };
    }
  }

  private interface Read {
    long read() throws IOException;
  }

  /** A non-blocking read, tried as long as the channel is ready in that time. */
  private static long select(DatagramChannel channel, int timeout, Read read) throws IOException {
    long start = System.nanoTime();
    try (Selector selector = Selector.open()) {
      channel.register(selector, SelectionKey.OP_READ);
      while (true) {
        long length = read.read();
        if (length != 0) {
          return length;
        }
        long rest = timeout - (System.nanoTime() - start) / 1_000_000;
        if (rest <= 0) {
          throw new SocketTimeoutException("Receive timed out");
        }
        selector.select(rest);
        selector.selectedKeys().clear();
      }
    }
  }

  private interface Line extends AutoCloseable {
    void send(int number) throws IOException;

    int receive(int timeout) throws IOException;

    DatagramChannel channel();

    default int ask(int number) throws IOException {
      send(number);
      return receive(TIMEOUT);
    }

    @Override
    default void close() throws IOException {
      channel().close();
    }
  }

  @SuppressWarnings("NullAway.Init")
  private Datagrams echo;

  @BeforeEach
  void start() throws IOException {
    echo = new Datagrams(0);
  }

  @AfterEach
  void stop() throws IOException {
    echo.close();
  }

  private SocketFault target() throws IOException {
    return socket("localhost").port(echo.address().getPort());
  }

  @ParameterizedTest
  @EnumSource
  void nothingIsHitThatGoesElsewhere(Style style) throws IOException {
    try (Datagrams other = new Datagrams(0);
        Line line = style.open(other.address());
        FaultInjection fault = Jinx.inject(target().drop())) {
      assertThat(List.of(line.ask(7), line.ask(Integer.MIN_VALUE + 258)))
          .containsExactly(7, Integer.MIN_VALUE + 258);
      assertThat(fault.matches()).isZero();
    }
  }

  // ---- closed ports

  @ParameterizedTest
  @EnumSource
  void aClosedPort(Style style) throws IOException {
    List<Observed.Outcome> real = useInVain(style, Datagrams.refusing());

    try (FaultInjection fault =
        Jinx.inject(target().error(NamedError.CONNECTION_REFUSED).operation("write"))) {
      assertThat(useInVain(style, echo.address())).isEqualTo(real);
      assertThat(fault.injections()).isPositive();
    }
    assertThat(echo.received()).isEmpty();
  }

  private static List<Observed.Outcome> useInVain(Style style, InetSocketAddress address)
      throws IOException {
    List<Observed> all = new ArrayList<>();
    try (Line line = style.open(address)) {
      all.add(Observed.of(() -> line.ask(1)));
      all.add(Observed.of(() -> line.receive(50)));
      for (int i = 0; i < 4; i++) {
        all.add(
            Observed.of(
                () -> {
                  line.send(2);
                  return "sent";
                }));
      }
    }
    return all.stream().map(Observed::outcome).toList();
  }

  // ---- loss

  @ParameterizedTest
  @EnumSource
  void loss(Style style) throws IOException {
    List<Observed> real;
    try (Datagrams lossy = new Datagrams(1)) {
      real = askTwice(style, lossy.address());
    }

    for (String direction : List.of("write", "read")) {
      try (FaultInjection fault = Jinx.inject(target().operation(direction).drop().first(1))) {
        List<Observed> injected = askTwice(style, echo.address());

        assertThat(injected).extracting(Observed::outcome).isEqualTo(outcomes(real));
        assertThat(injected.get(0).elapsed())
            .isBetween(Duration.ofMillis(TIMEOUT), Duration.ofMillis(TIMEOUT + 5000));
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
    assertThat(echo.received()).containsExactly(2, 1, 2);
  }

  private static List<Observed.Outcome> outcomes(List<Observed> all) {
    return all.stream().map(Observed::outcome).toList();
  }

  private static List<Observed> askTwice(Style style, InetSocketAddress address)
      throws IOException {
    try (Line line = style.open(address)) {
      return List.of(Observed.of(() -> line.ask(1)), Observed.of(() -> line.ask(2)));
    }
  }

  @Test
  void theRateIsTheRateOfLoss() throws IOException {
    try (Line line = Style.SELECTOR.open(echo.address());
        FaultInjection fault = Jinx.inject(target().operation("write").drop().rate(0.3))) {
      for (int i = 0; i < 200; i++) {
        line.send(i);
      }
      assertThat(fault.injections()).isBetween(20L, 120L);
      List<Integer> answers = new ArrayList<>();
      while (answers.size() < 200 - fault.injections()) {
        answers.add(line.receive(PATIENT));
      }
      assertThat(answers).isSorted().doesNotHaveDuplicates().isEqualTo(echo.received());
    }
  }

  @Test
  void aRateOfLossIsWhatItIsOnTheWire() throws IOException {
    try (Line line = Style.SELECTOR.open(echo.address());
        FaultInjection fault =
            Jinx.inject(target().operation("write").loss(0.3).bandwidth("1KB/s"))) {
      for (int i = 0; i < 200; i++) {
        line.send(i);
      }
      try (Line last = Style.SOCKET.open(echo.address())) {
        fault.close();
        assertThat(last.ask(1000)).isEqualTo(1000); // all that were sent are there now
      }
      assertThat(echo.received()).isSorted().hasSizeBetween(81, 181);
    }
  }

  @Test
  void withoutAnOperationBothDirectionsLose() throws IOException {
    try (Line line = Style.SOCKET.open(echo.address());
        FaultInjection fault = Jinx.inject(target().drop().sequence("pass,fail,fail,pass,pass"))) {
      assertThat(Observed.of(() -> line.ask(1)).thrown()).isNotEmpty();
      assertThat(Observed.of(() -> line.ask(2)).thrown()).isNotEmpty();
      assertThat(line.ask(3)).isEqualTo(3);
      assertThat(echo.received()).containsExactly(1, 3);
      assertThat(fault.injections()).isEqualTo(2);
    }
  }

  @Test
  void whatNeverWentHasBoundItsSocketAllTheSame() throws IOException {
    try (DatagramChannel channel = DatagramChannel.open();
        FaultInjection fault = Jinx.inject(target().drop())) {
      assertThat(channel.send(ByteBuffer.allocate(3), echo.address())).isEqualTo(3);
      assertThat(channel.getLocalAddress()).isNotNull();
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  // ---- delay and order

  @ParameterizedTest
  @EnumSource
  void theSenderIsNotHeldByADelay(Style style) throws IOException {
    try (Line line = style.open(echo.address());
        FaultInjection fault = Jinx.inject(target().latency(Duration.ofMillis(400)))) {
      long start = System.nanoTime();
      for (int i = 0; i < 20; i++) {
        line.send(i);
      }
      Duration sent = Duration.ofNanos(System.nanoTime() - start);
      List<Integer> answers = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        answers.add(line.receive(PATIENT));
      }
      Duration answered = Duration.ofNanos(System.nanoTime() - start);

      assertThat(sent).isLessThan(Duration.ofMillis(400));
      assertThat(answered).isBetween(Duration.ofMillis(400), Duration.ofSeconds(4));
      assertThat(answers).isSorted().doesNotHaveDuplicates();
      assertThat(fault.injections()).isEqualTo(20);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"CONNECTED_SOCKET", "SOCKET"})
  void whatComesMayBeLateToo(Style style) throws IOException {
    try (Line line = style.open(echo.address());
        FaultInjection fault =
            Jinx.inject(target().operation("read").latency(Duration.ofMillis(400)))) {
      long start = System.nanoTime();
      for (int i = 0; i < 20; i++) {
        line.send(i);
      }
      Observed tooLate = Observed.of(() -> line.receive(100));
      List<Integer> answers = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        answers.add(line.receive(PATIENT));
      }

      assertThat(tooLate.thrown())
          .containsExactly(
              new Observed.Thrown(SocketTimeoutException.class.getName(), "Receive timed out"));
      assertThat(tooLate.elapsed()).isBetween(Duration.ofMillis(100), Duration.ofSeconds(3));
      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .isBetween(Duration.ofMillis(400), Duration.ofSeconds(4));
      assertThat(answers).isSorted().doesNotHaveDuplicates();
      assertThat(fault.injections()).isEqualTo(20);
    }
  }

  @Test
  void whatIsLateIsHandedOverAlsoAfterItsFault() throws IOException {
    try (Line line = Style.SOCKET.open(echo.address())) {
      FaultInjection fault =
          Jinx.inject(target().operation("read").latency(Duration.ofSeconds(60)));
      for (int i = 0; i < 5; i++) {
        line.send(i);
      }
      assertThat(Observed.of(() -> line.receive(200)).thrown()).isNotEmpty();
      fault.close();

      for (int i = 0; i < 5; i++) {
        assertThat(line.receive(PATIENT)).isEqualTo(i);
      }
    }
  }

  @Test
  void clearingAndClosingEndTheWaitForWhatIsLate() throws Exception {
    for (boolean close : new boolean[] {false, true}) {
      try (Line line = Style.CONNECTED_SOCKET.open(echo.address())) {
        FaultInjection fault =
            Jinx.inject(target().operation("read").latency(Duration.ofSeconds(60)));
        FutureTask<Observed> waiting =
            new FutureTask<>(
                () ->
                    Observed.of(
                        () -> {
                          line.send(9);
                          return line.receive(0);
                        }));
        new Thread(waiting).start();
        while (fault.injections() == 0) {
          LockSupport.parkNanos(100_000);
        }
        if (close) {
          line.close();
          assertThat(waiting.get(5, SECONDS).thrown())
              .extracting(Observed.Thrown::message)
              .contains("Socket closed");
        } else {
          fault.close();
          assertThat(waiting.get(5, SECONDS).value()).isEqualTo(9);
        }
        fault.close();
      }
    }
  }

  @Test
  void delaysOfTheirOwnPutDatagramsOutOfOrder() throws IOException {
    try (Line line = Style.SELECTOR.open(echo.address());
        FaultInjection fault =
            Jinx.inject(
                target().latency(Latency.uniform(Duration.ZERO, Duration.ofMillis(300))).seed(5))) {
      for (int i = 0; i < 30; i++) {
        line.send(i);
      }
      List<Integer> answers = new ArrayList<>();
      for (int i = 0; i < 30; i++) {
        answers.add(line.receive(PATIENT));
      }
      assertThat(answers)
          .containsExactlyInAnyOrderElementsOf(IntStream.range(0, 30).boxed().toList())
          .isNotEqualTo(answers.stream().sorted().toList());
      assertThat(fault.injections()).isEqualTo(30);
    }
  }

  @Test
  void clearingSendsWhatIsLateInItsOrder() throws IOException {
    try (Line line = Style.SELECTOR.open(echo.address())) {
      FaultInjection fault = Jinx.inject(target().latency(Duration.ofSeconds(60)));
      for (int i = 0; i < 100; i++) {
        line.send(i);
      }
      assertThat(echo.received()).isEmpty();
      fault.close();

      for (int i = 0; i < 100; i++) {
        assertThat(line.receive(PATIENT)).isEqualTo(i);
      }
    }
  }

  @Test
  void nothingIsSentOnceTheSocketIsClosed() throws IOException {
    FaultInjection fault = Jinx.inject(target().latency(Duration.ofSeconds(60)).first(1));
    try (Line line = Style.SOCKET.open(echo.address())) {
      line.send(1);
    }
    fault.close();
    try (Line line = Style.SOCKET.open(echo.address())) {
      assertThat(line.ask(2)).isEqualTo(2);
    }
    assertThat(echo.received()).containsExactly(2);
  }

  // ---- twice

  @ParameterizedTest
  @EnumSource
  void twice(Style style) throws IOException {
    for (String direction : List.of("write", "read")) {
      try (Line line = style.open(echo.address());
          FaultInjection fault = Jinx.inject(target().operation(direction).duplicate().first(1))) {
        line.send(1);
        assertThat(line.receive(PATIENT)).isEqualTo(1);
        assertThat(line.receive(PATIENT)).isEqualTo(1);
        assertThat(line.ask(2)).isEqualTo(2);
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
    assertThat(echo.received()).containsExactly(1, 1, 2, 1, 2);
  }

  @Test
  void onlyDatagramsComeTwice() {
    assertThatThrownBy(() -> Jinx.inject(socket("*").operation("connect").duplicate()))
        .hasMessageContaining("the operations of the target cannot have \"duplicate\"");
    assertThatThrownBy(
            () -> Jinx.inject(Jinx.http("*").with("effect.duplicate", java.util.Map.of())))
        .hasMessageContaining("effect.duplicate is for socket faults, not for http");
  }

  // ---- errors

  @ParameterizedTest
  @EnumSource(mode = Mode.EXCLUDE, names = "SCATTERING")
  void anExceptionOfItsOwn(Style style) throws IOException {
    for (String direction : List.of("write", "read")) {
      try (Line line = style.open(echo.address());
          FaultInjection fault =
              Jinx.inject(
                  target().operation(direction).error(IOException.class, "broken").first(1))) {
        assertThat(Observed.of(() -> line.ask(1)).thrown())
            .containsExactly(new Observed.Thrown(IOException.class.getName(), "broken"));
        assertThat(line.ask(2)).isEqualTo(2);
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }
}
