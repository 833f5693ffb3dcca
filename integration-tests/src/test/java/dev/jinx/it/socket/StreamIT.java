package dev.jinx.it.socket;

import static dev.jinx.Jinx.socket;
import static dev.jinx.it.socket.Streams.beside;
import static dev.jinx.it.socket.Streams.pattern;
import static dev.jinx.it.socket.Streams.readFully;
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
import java.net.Socket;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What stands on a connection, in every style of talking, seen from both of its ends. */
@Timeout(60)
class StreamIT {
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

  private static Duration since(long start) {
    return Duration.ofNanos(System.nanoTime() - start);
  }

  @ParameterizedTest
  @EnumSource
  void bandwidthHoldsInBothDirections(Style style) throws Exception {
    byte[] bytes = pattern(64 * 1024);
    try (End end = style.connect(listener.address());
        Socket peer = listener.accept();
        FaultInjection fault = Jinx.inject(target().bandwidth("128KB/s"))) {
      FutureTask<?> sending = beside(() -> send(peer, bytes));
      long start = System.nanoTime();
      assertThat(readFully(end, bytes.length)).isEqualTo(bytes);
      assertThat(since(start)).isBetween(Duration.ofMillis(400), Duration.ofSeconds(5));
      sending.get(5, SECONDS);

      FutureTask<byte[]> receiving = beside(() -> readFully(peer.getInputStream(), bytes.length));
      start = System.nanoTime();
      end.write(bytes);
      assertThat(receiving.get(10, SECONDS)).isEqualTo(bytes);
      assertThat(since(start)).isBetween(Duration.ofMillis(400), Duration.ofSeconds(5));
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  private static Void send(Socket peer, byte[] bytes) throws IOException {
    peer.getOutputStream().write(bytes);
    return null;
  }

  @ParameterizedTest
  @EnumSource
  void theDirectionsAreApart(Style style) throws Exception {
    byte[] bytes = pattern(100_000);
    try (End end = style.connect(listener.address());
        Socket peer = listener.accept();
        FaultInjection fault = Jinx.inject(target().operation("read").bandwidth("1KB/s"))) {
      FutureTask<byte[]> receiving = beside(() -> readFully(peer.getInputStream(), bytes.length));
      end.write(bytes);
      assertThat(receiving.get(10, SECONDS)).isEqualTo(bytes);

      FutureTask<?> sending = beside(() -> send(peer, bytes));
      long start = System.nanoTime();
      assertThat(readFully(end, 300)).startsWith(pattern(300));
      assertThat(since(start)).isGreaterThan(Duration.ofMillis(200));
      sending.get(10, SECONDS);
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void slices(Style style) throws Exception {
    byte[] bytes = pattern(100);
    try (End end = style.connect(listener.address());
        Socket peer = listener.accept();
        FaultInjection fault =
            Jinx.inject(target().slice("10B", Duration.ofMillis(20)).ttl(Duration.ofMinutes(1)))) {
      send(peer, bytes);
      long start = System.nanoTime();
      byte[] part = new byte[100];
      for (int i = 0; i < 10; i++) {
        assertThat(end.read(part)).isEqualTo(10);
      }
      assertThat(since(start)).isGreaterThan(Duration.ofMillis(170));
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  /** Nobody calls again before something happens: not a selector, nor a peer that waits. */
  @ParameterizedTest
  @EnumSource
  void theLastByteIsFollowedByTheReset(Style style) throws Exception {
    try (End end = style.connect(listener.address());
        Socket peer = listener.accept();
        FaultInjection fault = Jinx.inject(target().reset("100B"))) {
      send(peer, pattern(100));
      assertThat(readFully(end, 100)).isEqualTo(pattern(100));

      assertThatThrownBy(() -> peer.getInputStream().read()).hasMessage("Connection reset");
      assertThatThrownBy(() -> end.read(new byte[1])).hasMessage("Connection reset");
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void theLastByteIsFollowedByTheEnd(Style style) throws Exception {
    try (End end = style.connect(listener.address());
        Socket peer = listener.accept();
        FaultInjection fault = Jinx.inject(target().limit("100B"))) {
      send(peer, pattern(100));
      assertThat(readFully(end, 100)).isEqualTo(pattern(100));

      assertThat(peer.getInputStream().read()).isEqualTo(-1);
      assertThat(end.read(new byte[1])).isEqualTo(-1);
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void theLastByteWrittenIsFollowedByTheReset(Style style) throws Exception {
    try (End end = style.connect(listener.address());
        Socket peer = listener.accept();
        FaultInjection fault = Jinx.inject(target().reset("100B"))) {
      end.write(pattern(100));
      assertThat(readFully(peer.getInputStream(), 100)).isEqualTo(pattern(100));

      assertThatThrownBy(() -> peer.getInputStream().read()).hasMessage("Connection reset");
      assertThatThrownBy(() -> end.read(new byte[1])).hasMessage("Connection reset");
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aResetInMidStreamIsRealAtBothEnds(Style style) throws Exception {
    byte[] bytes = pattern(20_000);
    try (End end = style.connect(listener.address());
        Socket peer = listener.accept();
        FaultInjection fault = Jinx.inject(target().reset("4KB"))) {
      send(peer, bytes);
      assertThat(readFully(end, 4096)).startsWith(pattern(4096));
      assertThatThrownBy(() -> end.read(new byte[100]))
          .isInstanceOf(SocketException.class)
          .hasMessage("Connection reset");
      assertThatThrownBy(() -> end.write(new byte[100]))
          .isInstanceOf(IOException.class)
          .hasMessage("Broken pipe");
      assertThatThrownBy(() -> peer.getInputStream().read())
          .isInstanceOf(SocketException.class)
          .hasMessage("Connection reset");
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aLimitEndsBothEnds(Style style) throws Exception {
    byte[] bytes = pattern(20_000);
    try (End end = style.connect(listener.address());
        Socket peer = listener.accept();
        FaultInjection fault = Jinx.inject(target().limit("4KB"))) {
      send(peer, bytes);
      assertThat(readFully(end, 4096)).startsWith(pattern(4096));
      assertThat(end.read(new byte[100])).isEqualTo(-1);
      assertThat(peer.getInputStream().read()).isEqualTo(-1);
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void oneBitOfEachByteIsFlipped(Style style) throws Exception {
    byte[] bytes = pattern(1000);
    try (End end = style.connect(listener.address());
        Socket peer = listener.accept();
        FaultInjection fault = Jinx.inject(target().corrupt(1))) {
      send(peer, bytes);
      assertFlipped(readFully(end, bytes.length), bytes);

      byte[] ours = bytes.clone();
      end.write(ours);
      assertFlipped(readFully(peer.getInputStream(), bytes.length), bytes);
      assertThat(ours).isEqualTo(bytes);
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  private static void assertFlipped(byte[] got, byte[] sent) {
    for (int i = 0; i < sent.length; i++) {
      assertThat(Integer.bitCount((got[i] ^ sent[i]) & 0xff)).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void whatIsWrittenIntoSilenceArrivesWhenItEnds(Style style) throws Exception {
    byte[] bytes = pattern(16 * 1024 * 1024); // more than the kernel buffers
    try (End end = style.connect(listener.address());
        Socket peer = listener.accept()) {
      FutureTask<Void> writing;
      try (FaultInjection fault = Jinx.inject(target().drop())) {
        end.write(new byte[] {42});
        peer.setSoTimeout(200);
        assertThatThrownBy(() -> peer.getInputStream().read())
            .isInstanceOf(java.net.SocketTimeoutException.class);
        writing =
            beside(
                () -> {
                  end.write(bytes);
                  return null;
                });
        assertThatThrownBy(() -> peer.getInputStream().read())
            .isInstanceOf(java.net.SocketTimeoutException.class);
        assertThat(writing.isDone()).isFalse();
        assertThat(fault.injections()).isEqualTo(1);
      }
      peer.setSoTimeout(20_000);
      assertThat(peer.getInputStream().read()).isEqualTo(42);
      assertThat(readFully(peer.getInputStream(), bytes.length)).isEqualTo(bytes);
      writing.get(10, SECONDS);
    }
  }

  @ParameterizedTest
  @EnumSource
  void anEndComesLate(Style style) throws Exception {
    try (End end = style.connect(listener.address());
        Socket peer = listener.accept();
        FaultInjection fault = Jinx.inject(target().slowClose(Duration.ofMillis(300)))) {
      send(peer, new byte[] {1});
      assertThat(end.read(new byte[1])).isEqualTo(1);
      peer.close();
      long start = System.nanoTime();
      assertThat(end.read(new byte[1])).isEqualTo(-1);
      assertThat(since(start)).isGreaterThanOrEqualTo(Duration.ofMillis(300));
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aProfileIsLatencyAndBandwidth(Style style) throws Exception {
    byte[] bytes = pattern(10_000);
    try (End end = style.connect(listener.address());
        Socket peer = listener.accept();
        FaultInjection fault = Jinx.inject(target().profile("edge"))) { // 30 KB/s
      end.write(new byte[] {1});
      assertThat(peer.getInputStream().read()).isEqualTo(1);
      send(peer, bytes);
      long start = System.nanoTime();
      assertThat(readFully(end, bytes.length)).isEqualTo(bytes);
      assertThat(since(start)).isGreaterThan(Duration.ofMillis(400));
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void clearingHealsAConnectionThatWasOnlySlowed(Style style) throws Exception {
    byte[] bytes = pattern(100_000);
    try (End end = style.connect(listener.address());
        Socket peer = listener.accept()) {
      FaultInjection fault = Jinx.inject(target().bandwidth("100B/s"));
      FutureTask<?> sending = beside(() -> send(peer, bytes));
      FutureTask<byte[]> reading = beside(() -> readFully(end, bytes.length));
      while (fault.injections() == 0) {
        LockSupport.parkNanos(100_000);
      }
      fault.close();
      assertThat(reading.get(10, SECONDS)).isEqualTo(bytes);
      sending.get(10, SECONDS);
    }
  }

  @ParameterizedTest
  @EnumSource
  void theOtherSideIsNotHit(Style style) throws Exception {
    try (End end = style.connect(listener.address());
        Socket peer = listener.accept();
        FaultInjection fault = Jinx.inject(target().reset("0B"))) {
      send(peer, new byte[] {1});
      peer.getOutputStream().flush();
      assertThat(fault.injections()).isZero();
    }
    try (End end = style.connect(listener.address());
        Socket peer = listener.accept();
        FaultInjection fault =
            Jinx.inject(
                socket("127.0.0.1", "localhost")
                    .port(listener.address().getPort())
                    .side("server")
                    .operation("read")
                    .reset("0B"))) {
      end.write(new byte[] {1});
      assertThatThrownBy(() -> peer.getInputStream().read())
          .isInstanceOf(SocketException.class)
          .hasMessage("Connection reset");
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @Test
  void aUnixDomainSocketIsMatchedByItsPath(@TempDir Path folder) throws Exception {
    Path path = folder.resolve("service.sock");
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(path));
      try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(path));
          SocketChannel peer = server.accept();
          FaultInjection fault =
              Jinx.inject(
                  socket("*/service.sock").side("client").latency(Duration.ofMillis(200)))) {
        channel.write(ByteBuffer.wrap(new byte[] {1}));
        peer.read(ByteBuffer.allocate(1));
        peer.write(ByteBuffer.wrap(new byte[] {2}));
        long start = System.nanoTime();
        assertThat(channel.read(ByteBuffer.allocate(1))).isEqualTo(1);
        assertThat(since(start)).isGreaterThanOrEqualTo(Duration.ofMillis(200));
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }
}
