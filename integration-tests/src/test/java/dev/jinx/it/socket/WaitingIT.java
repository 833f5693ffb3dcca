package dev.jinx.it.socket;

import static dev.jinx.Jinx.socket;
import static dev.jinx.it.socket.Streams.pattern;
import static dev.jinx.it.socket.Streams.readFully;
import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jinx.FaultInjection;
import dev.jinx.Jinx;
import dev.jinx.SocketFault;
import dev.jinx.it.socket.Streams.End;
import dev.jinx.it.socket.Streams.Listener;
import dev.jinx.it.socket.Streams.Style;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Faults that are armed while a connection's reader waits in the kernel already, as a broker's or a
 * multiplexed client's reader always does.
 */
@Timeout(60)
class WaitingIT {
  @SuppressWarnings("NullAway.Init")
  private Listener listener;

  @BeforeEach
  void listen() throws IOException {
    listener = new Listener();
  }

  @AfterEach
  void stop() throws IOException {
    listener.close();
  }

  private SocketFault target() {
    return socket("localhost").port(listener.address().getPort()).side("client");
  }

  /** Does it on a thread of its own, which is in the kernel when this returns. */
  private static <T> FutureTask<T> waiting(Callable<T> call) {
    FutureTask<T> task = new FutureTask<>(call);
    Thread thread = new Thread(task, "waiting");
    thread.setDaemon(true);
    thread.start();
    StackTraceElement[] stack = thread.getStackTrace();
    while (stack.length == 0
        || !stack[0].isNativeMethod()
        || !stack[0].getClassName().startsWith("sun.nio.ch.")) {
      LockSupport.parkNanos(100_000);
      stack = thread.getStackTrace();
    }
    return task;
  }

  @ParameterizedTest
  @EnumSource
  void theAnswerThatItWaitsForIsLate(Style style) throws Exception {
    try (End end = style.connect(listener.address());
        Socket peer = listener.accept()) {
      FutureTask<byte[]> reading = waiting(() -> readFully(end, 3));
      try (FaultInjection fault = Jinx.inject(target().latency(Duration.ofMillis(300)))) {
        if (style != Style.SELECTOR) { // that one is used by one thread
          end.write(new byte[] {1});
          assertThat(peer.getInputStream().read()).isEqualTo(1);
        }
        long start = System.nanoTime();
        peer.getOutputStream().write(pattern(3));
        assertThat(reading.get(10, SECONDS)).isEqualTo(pattern(3));
        assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(MILLISECONDS.toNanos(300));
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void theLineIsSlowAtOnce(Style style) throws Exception {
    byte[] bytes = pattern(16 * 1024);
    try (End end = style.connect(listener.address());
        Socket peer = listener.accept()) {
      FutureTask<byte[]> reading = waiting(() -> readFully(end, bytes.length));
      try (FaultInjection fault = Jinx.inject(target().bandwidth("32KB/s"))) {
        long start = System.nanoTime();
        peer.getOutputStream().write(bytes);
        assertThat(reading.get(10, SECONDS)).isEqualTo(bytes);
        assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(MILLISECONDS.toNanos(400));
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void silenceIsSilenceAtOnce(Style style) throws Exception {
    try (End end = style.connect(listener.address());
        Socket peer = listener.accept()) {
      FutureTask<byte[]> reading = waiting(() -> readFully(end, 5));
      try (FaultInjection fault = Jinx.inject(target().drop())) {
        peer.getOutputStream().write(pattern(5));
        assertThatThrownBy(() -> reading.get(300, MILLISECONDS))
            .isInstanceOf(TimeoutException.class);
        assertThat(fault.injections()).isEqualTo(1);
      }
      assertThat(reading.get(10, SECONDS)).isEqualTo(pattern(5));
    }
  }

  @ParameterizedTest
  @EnumSource
  void aResetLosesWhatCame(Style style) throws Exception {
    try (End end = style.connect(listener.address());
        Socket peer = listener.accept()) {
      FutureTask<byte[]> reading = waiting(() -> readFully(end, 5));
      try (FaultInjection fault = Jinx.inject(target().reset("0B"))) {
        peer.getOutputStream().write(pattern(5));
        assertThatThrownBy(() -> reading.get(10, SECONDS))
            .isInstanceOf(ExecutionException.class)
            .hasRootCauseInstanceOf(SocketException.class)
            .hasRootCauseMessage("Connection reset");
        assertThatThrownBy(() -> peer.getInputStream().read())
            .isInstanceOf(SocketException.class)
            .hasMessage("Connection reset");
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void aSecondFaultFindsIt(Style style) throws Exception {
    try (End end = style.connect(listener.address());
        Socket peer = listener.accept();
        FaultInjection first = Jinx.inject(target().bandwidth("1MB/s"))) {
      end.write(new byte[] {1});
      FutureTask<byte[]> reading = waiting(() -> readFully(end, 5));
      try (FaultInjection second = Jinx.inject(target().latency(Duration.ofMillis(300)))) {
        long start = System.nanoTime();
        peer.getOutputStream().write(pattern(5));
        assertThat(reading.get(10, SECONDS)).isEqualTo(pattern(5));
        assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(MILLISECONDS.toNanos(300));
        assertThat(second.injections()).isEqualTo(1);
      }
      assertThat(first.injections()).isEqualTo(1);
    }
  }

  /** What was taken back is read on in its order, whatever is armed and cleared meanwhile. */
  @ParameterizedTest
  @EnumSource
  void nothingIsReordered(Style style) throws Exception {
    byte[] bytes = pattern(32 * 1024);
    try (End end = style.connect(listener.address());
        Socket peer = listener.accept()) {
      FutureTask<byte[]> reading = waiting(() -> readFully(end, bytes.length));
      try (FaultInjection slow = Jinx.inject(target().bandwidth("64KB/s"))) {
        peer.getOutputStream().write(bytes);
        while (!reading.isDone()) {
          Jinx.inject(target().slice("1000B", Duration.ofMillis(1))).close();
        }
        assertThat(slow.injections()).isEqualTo(1);
      }
      assertThat(reading.get(10, SECONDS)).isEqualTo(bytes);
    }
  }

  @Test
  void aServerThatWaitsHandsTheNextOneOnLater() throws Exception {
    FutureTask<Socket> accepting = waiting(listener::accept);
    try (FaultInjection fault =
            Jinx.inject(
                socket()
                    .port(listener.address().getPort())
                    .operation("accept")
                    .latency(Duration.ofMillis(300)));
        End end = Style.SOCKET.connect(listener.address())) {
      long start = System.nanoTime();
      accepting.get(10, SECONDS).close();
      assertThat(System.nanoTime() - start).isGreaterThan(MILLISECONDS.toNanos(250));
      assertThat(end.read(new byte[1])).isEqualTo(-1);
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aDatagramIsLost(boolean isSocket) throws Exception {
    try (DatagramChannel receiver = DatagramChannel.open();
        DatagramChannel sender = DatagramChannel.open()) {
      receiver.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      sender.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      FutureTask<Byte> receiving =
          waiting(
              () -> {
                byte[] bytes = new byte[1];
                if (isSocket) {
                  receiver.socket().receive(new DatagramPacket(bytes, 1));
                } else {
                  receiver.receive(ByteBuffer.wrap(bytes));
                }
                return bytes[0];
              });
      try (FaultInjection fault =
          Jinx.inject(
              socket().port(sender.socket().getLocalPort()).operation("read").drop().first(1))) {
        sender.send(ByteBuffer.wrap(new byte[] {1}), receiver.getLocalAddress());
        sender.send(ByteBuffer.wrap(new byte[] {2}), receiver.getLocalAddress());
        assertThat(receiving.get(10, SECONDS)).isEqualTo((byte) 2);
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }
}
