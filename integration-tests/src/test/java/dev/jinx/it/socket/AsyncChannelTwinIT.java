package dev.jinx.it.socket;

import static dev.jinx.Jinx.socket;
import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jinx.FaultInjection;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import dev.jinx.SocketFault;
import dev.jinx.it.real.Observed;
import dev.jinx.it.real.RealServer;
import dev.jinx.it.socket.Peer.Does;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousChannelGroup;
import java.nio.channels.AsynchronousServerSocketChannel;
import java.nio.channels.AsynchronousSocketChannel;
import java.nio.channels.CompletionHandler;
import java.nio.channels.ConnectionPendingException;
import java.nio.channels.NotYetConnectedException;
import java.nio.channels.ReadPendingException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Asynchronous channels: the real failure and the injected one look the same. */
class AsyncChannelTwinIT {
  private static final long TIMEOUT = 150;

  /** Both ways to be told of an outcome. */
  enum Form {
    HANDLER {
      @Override
      Future<?> connect(AsynchronousSocketChannel channel, InetSocketAddress address) {
        Told<Void> told = new Told<>();
        channel.connect(address, "attached", told);
        return told.outcome;
      }

      @Override
      Future<? extends Number> read(AsynchronousSocketChannel channel, ByteBuffer buffer) {
        return timed(channel, buffer, 0);
      }

      @Override
      Future<? extends Number> write(AsynchronousSocketChannel channel, ByteBuffer buffer) {
        Told<Integer> told = new Told<>();
        channel.write(buffer, "attached", told);
        return told.outcome;
      }
    },
    SEVERAL {
      @Override
      Future<?> connect(AsynchronousSocketChannel channel, InetSocketAddress address) {
        return HANDLER.connect(channel, address);
      }

      @Override
      Future<? extends Number> read(AsynchronousSocketChannel channel, ByteBuffer buffer) {
        Told<Long> told = new Told<>();
        ByteBuffer[] buffers = {ByteBuffer.allocate(0), ByteBuffer.allocate(9), buffer};
        channel.read(buffers, 2, 1, 0, SECONDS, "attached", told);
        return told.outcome;
      }

      @Override
      Future<? extends Number> write(AsynchronousSocketChannel channel, ByteBuffer buffer) {
        Told<Long> told = new Told<>();
        channel.write(new ByteBuffer[] {buffer}, 0, 1, 0, SECONDS, "attached", told);
        return told.outcome;
      }
    },
    FUTURE {
      @Override
      Future<?> connect(AsynchronousSocketChannel channel, InetSocketAddress address) {
        return channel.connect(address);
      }

      @Override
      Future<? extends Number> read(AsynchronousSocketChannel channel, ByteBuffer buffer) {
        return channel.read(buffer);
      }

      @Override
      Future<? extends Number> write(AsynchronousSocketChannel channel, ByteBuffer buffer) {
        return channel.write(buffer);
      }
    };

    abstract Future<?> connect(AsynchronousSocketChannel channel, InetSocketAddress address);

    abstract Future<? extends Number> read(AsynchronousSocketChannel channel, ByteBuffer buffer);

    abstract Future<? extends Number> write(AsynchronousSocketChannel channel, ByteBuffer buffer);
  }

  private static Future<Integer> timed(
      AsynchronousSocketChannel channel, ByteBuffer buffer, long timeout) {
    Told<Integer> told = new Told<>();
    channel.read(buffer, timeout, MILLISECONDS, "attached", told);
    return told.outcome;
  }

  /** A handler that is told once, with its attachment, on a thread of the channel's group. */
  private static final class Told<V> implements CompletionHandler<V, String> {
    final CompletableFuture<V> outcome = new CompletableFuture<>();

    @Override
    public void completed(V value, String attachment) {
      check(attachment);
      assertThat(outcome.complete(value)).isTrue();
    }

    @Override
    public void failed(Throwable failure, String attachment) {
      check(attachment);
      assertThat(outcome.completeExceptionally(failure)).isTrue();
    }

    private void check(String attachment) {
      if (!attachment.equals("attached")
          || !Thread.currentThread().getName().startsWith("the group")) {
        outcome.completeExceptionally(
            new AssertionError(attachment + " on " + Thread.currentThread()));
      }
    }
  }

  @SuppressWarnings("NullAway.Init")
  private static AsynchronousChannelGroup group;

  @SuppressWarnings("NullAway.Init")
  private static Peer echo;

  @BeforeAll
  static void start() throws IOException {
    echo = new Peer(Does.ECHO);
    // one thread only: whoever holds it holds all
    group =
        AsynchronousChannelGroup.withFixedThreadPool(
            1,
            work -> {
              Thread thread = Executors.defaultThreadFactory().newThread(work);
              thread.setName("the group");
              thread.setDaemon(true);
              return thread;
            });
  }

  @AfterAll
  static void stop() throws IOException {
    echo.close();
    group.shutdownNow();
  }

  private static SocketFault target() {
    return socket("localhost").port(echo.address().getPort());
  }

  private static AsynchronousSocketChannel connected(InetSocketAddress address) throws Exception {
    AsynchronousSocketChannel channel = AsynchronousSocketChannel.open(group);
    Object unused = channel.connect(address).get(5, SECONDS);
    return channel;
  }

  private static <V> V get(Future<V> future) throws Exception {
    return future.get(10, SECONDS);
  }

  private static Object ask(Form form, AsynchronousSocketChannel channel) throws Exception {
    Object unused = get(form.write(channel, ByteBuffer.wrap(new byte[] {7})));
    return receive(form, channel);
  }

  private static Object receive(Form form, AsynchronousSocketChannel channel) throws Exception {
    ByteBuffer answer = ByteBuffer.allocate(4);
    Number count = get(form.read(channel, answer));
    return count + " " + (count.intValue() < 0 ? "" : answer.get(0)) + " " + answer.position();
  }

  private static Observed talk(Form form, InetSocketAddress address) {
    return Observed.of(
        () -> {
          try (AsynchronousSocketChannel channel = AsynchronousSocketChannel.open(group)) {
            try {
              Object unused = get(form.connect(channel, address));
              return ask(form, channel);
            } finally {
              assertThat(channel.isOpen()).isEqualTo(address.getPort() != 0 && isUp(channel));
            }
          }
        });
  }

  /** One that could not be connected has been closed. */
  private static boolean isUp(AsynchronousSocketChannel channel) {
    return Observed.of(channel::getRemoteAddress).value() != null;
  }

  private static void assertTwins(Observed injected, Observed real) {
    assertThat(injected.outcome()).isEqualTo(real.outcome());
  }

  @ParameterizedTest
  @EnumSource
  void nothingArmed(Form form) {
    assertThat(talk(form, echo.address()).thrown()).isEmpty();
    try (FaultInjection fault = Jinx.inject(socket("localhost").port(1).drop())) {
      assertThat(talk(form, echo.address()).value()).isEqualTo("1 7 1");
      assertThat(fault.matches()).isZero();
    }
  }

  // ---- connect

  @ParameterizedTest
  @EnumSource
  void connectionRefused(Form form) {
    Observed real = talk(form, new InetSocketAddress("localhost", RealServer.refusing().getPort()));

    for (SocketFault refused :
        List.of(
            target().error(NamedError.CONNECTION_REFUSED).operation("connect"),
            target()
                .error(NamedError.CONNECTION_REFUSED)
                .latency(Duration.ofMillis(100))
                .operation("connect"))) {
      try (FaultInjection fault = Jinx.inject(refused)) {
        assertTwins(talk(form, echo.address()), real);
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void aConnectIsLateWithoutAThread(Form form) throws Exception {
    try (FaultInjection fault =
            Jinx.inject(target().operation("connect").latency(Duration.ofMillis(300)).first(1));
        AsynchronousSocketChannel channel = AsynchronousSocketChannel.open(group)) {
      long start = System.nanoTime();
      Future<?> connecting = form.connect(channel, echo.address());
      assertThatThrownBy(() -> form.connect(channel, echo.address()))
          .isInstanceOf(ConnectionPendingException.class);
      assertThatThrownBy(() -> form.read(channel, ByteBuffer.allocate(1)))
          .isInstanceOf(NotYetConnectedException.class);
      try (AsynchronousSocketChannel other = connected(echo.address())) {
        assertThat(ask(form, other)).isEqualTo("1 7 1");
      }
      assertThat(connecting.isDone()).isFalse();
      Object unused = get(connecting);

      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .isGreaterThanOrEqualTo(Duration.ofMillis(300));
      assertThat(ask(form, channel)).isEqualTo("1 7 1");
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void closingEndsAConnect(Form form) throws Exception {
    Observed real;
    try (var unreachable = RealServer.unreachable()) {
      real = closedWhileConnecting(form, unreachable.uri().getPort());
    }

    try (FaultInjection fault = Jinx.inject(target().operation("connect").drop())) {
      assertTwins(closedWhileConnecting(form, echo.address().getPort()), real);
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  private static Observed closedWhileConnecting(Form form, int port) throws IOException {
    AsynchronousSocketChannel channel = AsynchronousSocketChannel.open(group);
    Future<?> connecting = form.connect(channel, new InetSocketAddress("localhost", port));
    assertThat(connecting.isDone()).isFalse();
    channel.close();
    return Observed.of(() -> get(connecting));
  }

  // ---- failures of a read

  @ParameterizedTest
  @EnumSource
  void connectionReset(Form form) throws IOException {
    Observed real;
    try (Peer resetting = new Peer(Does.RESET)) {
      real = talk(form, resetting.address());
    }

    for (SocketFault reset :
        List.of(
            target().operation("read").error(NamedError.CONNECTION_RESET),
            target().operation("read").with("effect.reset", Map.of("after", "0B")))) {
      try (FaultInjection fault = Jinx.inject(reset)) {
        assertTwins(talk(form, echo.address()), real);
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void unexpectedEof(Form form) throws IOException {
    Observed real;
    try (Peer ending = new Peer(Does.END)) {
      real = talk(form, ending.address());
    }

    for (SocketFault end :
        List.of(
            target().error(NamedError.UNEXPECTED_EOF),
            target().operation("read").with("effect.limit", Map.of("after", "0B")))) {
      try (FaultInjection fault = Jinx.inject(end)) {
        assertTwins(talk(form, echo.address()), real);
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void anExceptionOfItsOwn(Form form) {
    try (FaultInjection fault =
        Jinx.inject(target().operation("read").error(IOException.class, "broken"))) {
      assertThat(talk(form, echo.address()).thrown())
          .contains(new Observed.Thrown(IOException.class.getName(), "broken"));
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @Test
  void silence() throws Exception {
    List<Observed.Outcome> real;
    try (Peer silent = new Peer(Does.SAY_NOTHING)) {
      real = outOfPatience(silent.address());
    }

    for (SocketFault silence :
        List.of(
            target().operation("read").drop(),
            target().operation("read").latency(Duration.ofSeconds(20)),
            target().error(NamedError.READ_TIMEOUT))) {
      try (FaultInjection fault = Jinx.inject(silence)) {
        assertThat(outOfPatience(echo.address())).isEqualTo(real);
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }

  private static List<Observed.Outcome> outOfPatience(InetSocketAddress address) throws Exception {
    try (AsynchronousSocketChannel channel = connected(address)) {
      Object unused = get(channel.write(ByteBuffer.wrap(new byte[] {7})));
      ByteBuffer answer = ByteBuffer.allocate(4);
      Observed first = Observed.of(() -> get(timed(channel, answer, TIMEOUT)));
      assertThat(first.elapsed())
          .isBetween(Duration.ofMillis(TIMEOUT), Duration.ofMillis(TIMEOUT + 5000));
      Observed second = Observed.of(() -> get(timed(channel, answer, TIMEOUT)));
      return List.of(first.outcome(), second.outcome());
    }
  }

  @ParameterizedTest
  @EnumSource
  void closingEndsARead(Form form) throws Exception {
    Observed real;
    try (Peer silent = new Peer(Does.SAY_NOTHING)) {
      real = closedWhileReading(form, silent.address(), () -> {});
    }

    for (SocketFault held :
        List.of(
            target().operation("read").drop(),
            target().operation("read").latency(Duration.ofSeconds(60)))) {
      try (FaultInjection fault = Jinx.inject(held)) {
        assertTwins(closedWhileReading(form, echo.address(), () -> awaitInjection(fault)), real);
      }
    }
  }

  private static Observed closedWhileReading(
      Form form, InetSocketAddress address, Runnable untilHeld) throws Exception {
    AsynchronousSocketChannel channel = connected(address);
    Object unused = get(channel.write(ByteBuffer.wrap(new byte[] {7})));
    Future<?> reading = form.read(channel, ByteBuffer.allocate(4));
    untilHeld.run();
    assertThatThrownBy(() -> form.read(channel, ByteBuffer.allocate(4)))
        .isInstanceOf(ReadPendingException.class);
    channel.close();
    return Observed.of(() -> get(reading));
  }

  @Test
  void cancelling() throws Exception {
    List<Observed.Outcome> real;
    try (Peer silent = new Peer(Does.SAY_NOTHING)) {
      real = cancelled(silent.address());
    }

    try (FaultInjection fault =
        Jinx.inject(target().operation("read").latency(Duration.ofSeconds(60)))) {
      assertThat(cancelled(echo.address())).isEqualTo(real);
      assertThat(fault.injections()).isEqualTo(2);
    }
  }

  private static List<Observed.Outcome> cancelled(InetSocketAddress address) throws Exception {
    try (AsynchronousSocketChannel channel = connected(address);
        AsynchronousSocketChannel closed = connected(address)) {
      Future<Integer> reading = channel.read(ByteBuffer.allocate(4));
      Observed cancelling = Observed.of(() -> reading.cancel(false));
      Observed afterwards = Observed.of(reading::get);
      Observed again = Observed.of(() -> channel.read(ByteBuffer.allocate(4)).get());
      Observed closing = Observed.of(() -> closed.read(ByteBuffer.allocate(4)).cancel(true));
      return List.of(
          cancelling.outcome(),
          Observed.of(() -> reading.isCancelled() + " " + reading.isDone()).outcome(),
          afterwards.outcome(),
          again.outcome(),
          closing.outcome(),
          Observed.of(() -> channel.isOpen() + " " + closed.isOpen()).outcome());
    }
  }

  // ---- late, and let go

  @ParameterizedTest
  @EnumSource
  void clearingLetsTheConversationGoOn(Form form) throws Exception {
    for (SocketFault held : List.of(target().drop(), target().latency(Duration.ofSeconds(60)))) {
      try (AsynchronousSocketChannel channel = connected(echo.address())) {
        FaultInjection fault = Jinx.inject(held);
        Object unused = get(form.write(channel, ByteBuffer.wrap(new byte[] {7})));
        ByteBuffer answer = ByteBuffer.allocate(4);
        Future<? extends Number> reading = form.read(channel, answer);
        awaitInjection(fault);
        assertThat(reading.isDone()).isFalse();

        fault.close();

        assertThat(get(reading).intValue()).isEqualTo(1);
        assertThat(answer.get(0)).isEqualTo((byte) 7);
        assertThat(ask(form, channel)).isEqualTo("1 7 1");
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void oneHitForEachTurnAndNoThreadForAny(Form form) throws Exception {
    try (AsynchronousSocketChannel channel = connected(echo.address());
        AsynchronousSocketChannel quick = connected(echo.address());
        FaultInjection fault =
            Jinx.inject(target().latency(Duration.ofMillis(150)).operation("read").first(3))) {
      long start = System.nanoTime();
      for (int i = 0; i < 3; i++) {
        assertThat(ask(form, channel)).isEqualTo("1 7 1");
      }
      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .isBetween(Duration.ofMillis(450), Duration.ofSeconds(5));
      assertThat(fault.injections()).isEqualTo(3);
      assertThat(ask(form, quick)).isEqualTo("1 7 1");
    }
  }

  @ParameterizedTest
  @EnumSource
  void othersOfTheGroupGoOnMeanwhile(Form form) throws Exception {
    try (Peer other = new Peer(Does.ECHO);
        AsynchronousSocketChannel slow = connected(echo.address());
        AsynchronousSocketChannel quick = connected(other.address());
        FaultInjection fault =
            Jinx.inject(target().latency(Duration.ofSeconds(60)).operation("read"))) {
      Object unused = get(form.write(slow, ByteBuffer.wrap(new byte[] {7})));
      Future<?> held = form.read(slow, ByteBuffer.allocate(4));
      awaitInjection(fault);
      for (int i = 0; i < 20; i++) {
        assertThat(ask(form, quick)).isEqualTo("1 7 1");
      }
      assertThat(held.isDone()).isFalse();
    }
  }

  private static void awaitInjection(FaultInjection fault) {
    while (fault.injections() == 0) {
      LockSupport.parkNanos(100_000);
    }
  }

  // ---- streams

  @ParameterizedTest
  @EnumSource
  void bandwidth(Form form) throws Exception {
    try (Bulk bulk = new Bulk();
        AsynchronousSocketChannel channel = connected(bulk.address());
        FaultInjection fault =
            Jinx.inject(
                socket("localhost")
                    .port(bulk.address().getPort())
                    .with("effect.bandwidth", "200KB/s"))) {
      byte[] bytes = new byte[100_000];
      new java.util.Random(1).nextBytes(bytes);
      long start = System.nanoTime();
      for (ByteBuffer rest = ByteBuffer.wrap(bytes); rest.hasRemaining(); ) {
        Object unused = get(form.write(channel, rest));
      }
      Duration written = Duration.ofNanos(System.nanoTime() - start);
      ByteBuffer answer = ByteBuffer.allocate(bytes.length);
      while (answer.hasRemaining()) {
        assertThat(get(form.read(channel, answer)).intValue()).isPositive();
      }

      assertThat(answer.array()).isEqualTo(bytes);
      assertThat(written).isBetween(Duration.ofMillis(400), Duration.ofSeconds(4));
      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .isBetween(Duration.ofMillis(900), Duration.ofSeconds(8));
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aSilentLineFillsUpAndIsSentOnceItIsNotSilentAnyMore(Form form) throws Exception {
    try (Bulk bulk = new Bulk();
        AsynchronousSocketChannel channel = connected(bulk.address())) {
      FaultInjection fault = Jinx.inject(socket("localhost").port(bulk.address().getPort()).drop());
      byte[] bytes = new byte[2 * channel.getOption(StandardSocketOptions.SO_SNDBUF)];
      new java.util.Random(1).nextBytes(bytes);
      ByteBuffer rest = ByteBuffer.wrap(bytes);
      Future<? extends Number> stuck;
      while (true) {
        Future<? extends Number> writing = form.write(channel, rest);
        awaitInjection(fault);
        try {
          Object unused = writing.get(300, TimeUnit.MILLISECONDS);
        } catch (java.util.concurrent.TimeoutException full) {
          stuck = writing;
          break;
        }
      }
      assertThat(rest.position()).isPositive().isLessThan(bytes.length);
      fault.close();

      Object unused = get(stuck);
      Thread writer =
          new Thread(
              () -> {
                while (rest.hasRemaining()) {
                  Object ignored = Observed.of(() -> get(form.write(channel, rest)));
                }
              });
      writer.start();
      ByteBuffer answer = ByteBuffer.allocate(bytes.length);
      while (answer.hasRemaining()) {
        assertThat(get(form.read(channel, answer)).intValue()).isPositive();
      }
      assertThat(answer.array()).isEqualTo(bytes);
      writer.join();
    }
  }

  @Test
  void aConnectionThatWasAcceptedIsAServers() throws Exception {
    try (AsynchronousServerSocketChannel server =
            AsynchronousServerSocketChannel.open(group)
                .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        Socket client = new Socket()) {
      InetSocketAddress address = (InetSocketAddress) server.getLocalAddress();
      Future<AsynchronousSocketChannel> accepting = server.accept();
      client.connect(address);
      try (AsynchronousSocketChannel accepted = get(accepting);
          FaultInjection fault =
              Jinx.inject(
                  socket("*")
                      .port(address.getPort())
                      .with("target.side", "server")
                      .operation("read")
                      .error(IOException.class, "broken"))) {
        assertThat(Observed.of(() -> get(accepted.read(ByteBuffer.allocate(1)))).thrown())
            .contains(new Observed.Thrown(IOException.class.getName(), "broken"));
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }

  /** Sends back whatever comes, as it comes. */
  private static final class Bulk implements AutoCloseable {
    private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());

    Bulk() throws IOException {
      Thread thread = new Thread(this::serve, "bulk");
      thread.setDaemon(true);
      thread.start();
    }

    InetSocketAddress address() {
      return new InetSocketAddress("localhost", server.getLocalPort());
    }

    private void serve() {
      try (Socket connection = server.accept()) {
        connection.getInputStream().transferTo(connection.getOutputStream());
      } catch (IOException closed) {
        // the end
      }
    }

    @Override
    public void close() throws IOException {
      server.close();
    }
  }
}
