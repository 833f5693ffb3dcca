package dev.jinx.it.socket;

import static dev.jinx.Jinx.socket;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.FaultInjection;
import dev.jinx.Jinx;
import dev.jinx.SocketFault;
import dev.jinx.it.socket.NettyTransport.Loop;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Faults that stand on a connection of one of Netty's transports. */
@Timeout(60)
class NettyTransportShapeIT {
  private static final int SIZE = 32 * 1024;

  private final Party server = new Party();

  @SuppressWarnings("NullAway.Init")
  private ServerSocket listener;

  @SuppressWarnings("NullAway.Init")
  private Socket accepted;

  /** One end, which gets bytes that count upwards. */
  private static final class Party extends ChannelInboundHandlerAdapter {
    final AtomicLong received = new AtomicLong();
    final AtomicLong wrong = new AtomicLong();
    final CompletableFuture<String> end = new CompletableFuture<>();

    void got(byte[] bytes, int count) {
      for (int i = 0; i < count; i++) {
        if (bytes[i] != (byte) (received.get() + i)) {
          wrong.incrementAndGet();
        }
      }
      received.addAndGet(count);
    }

    void await(long count) {
      while (received.get() < count && !end.isDone()) {
        LockSupport.parkNanos(100_000);
      }
    }

    void awaitIntact(long count) {
      await(count);
      assertThat(received).hasValue(count);
      assertThat(wrong).hasValue(0);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      ByteBuf buffer = (ByteBuf) message;
      byte[] bytes = new byte[buffer.readableBytes()];
      buffer.readBytes(bytes);
      buffer.release();
      got(bytes, bytes.length);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      end.complete(String.valueOf(cause.getMessage()));
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      end.complete("end");
    }
  }

  private static byte[] bytes(int count) {
    byte[] bytes = new byte[count];
    for (int i = 0; i < count; i++) {
      bytes[i] = (byte) i;
    }
    return bytes;
  }

  @BeforeEach
  void listen() throws IOException {
    listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
  }

  @AfterEach
  void close() throws IOException {
    listener.close();
    if (accepted != null) {
      accepted.close();
    }
  }

  private Channel connect(Loop loop, Party client) throws Exception {
    Channel channel =
        loop.connect(new InetSocketAddress("localhost", listener.getLocalPort()), 5000, client);
    accepted = listener.accept();
    Thread reader = new Thread(this::receive, "receiver");
    reader.setDaemon(true);
    reader.start();
    return channel;
  }

  private void receive() {
    try {
      InputStream in = accepted.getInputStream();
      byte[] bytes = new byte[8192];
      for (int count = in.read(bytes); count >= 0; count = in.read(bytes)) {
        server.got(bytes, count);
      }
      server.end.complete("end");
    } catch (IOException e) {
      server.end.complete(String.valueOf(e.getMessage()));
    }
  }

  /** Of the client's end only. */
  private SocketFault target() {
    return socket("localhost").port(listener.getLocalPort()).side("client");
  }

  private static ChannelFuture send(Channel channel, byte[] bytes) {
    return channel.writeAndFlush(Unpooled.wrappedBuffer(bytes));
  }

  @ParameterizedTest
  @EnumSource
  void bandwidthOfEachDirection(NettyTransport transport) throws Exception {
    Party client = new Party();
    try (Loop loop = transport.open()) {
      Channel channel = connect(loop, client);
      try (FaultInjection fault = Jinx.inject(target().bandwidth("64KB/s", "128KB/s"))) {
        long began = System.nanoTime();
        accepted.getOutputStream().write(bytes(SIZE));
        client.awaitIntact(SIZE);
        assertThat(Duration.ofNanos(System.nanoTime() - began))
            .isBetween(Duration.ofMillis(400), Duration.ofSeconds(5));

        began = System.nanoTime();
        ChannelFuture unused = send(channel, bytes(SIZE));
        server.awaitIntact(SIZE);
        assertThat(Duration.ofNanos(System.nanoTime() - began))
            .isBetween(Duration.ofMillis(200), Duration.ofSeconds(5));
        assertThat(fault.injections()).isEqualTo(1);
      }
      channel.close().sync();
    }
  }

  @ParameterizedTest
  @EnumSource
  void clearingLetsTheRestGoAtOnce(NettyTransport transport) throws Exception {
    Party client = new Party();
    try (Loop loop = transport.open()) {
      Channel channel = connect(loop, client);
      try (FaultInjection fault = Jinx.inject(target().bandwidth("1KB/s"))) {
        accepted.getOutputStream().write(bytes(SIZE));
        ChannelFuture unused = send(channel, bytes(SIZE));
        client.await(1);
        server.await(1);
        assertThat(fault.injections()).isEqualTo(1);
      }
      client.awaitIntact(SIZE);
      server.awaitIntact(SIZE);
      channel.close().sync();
    }
  }

  @ParameterizedTest
  @EnumSource
  void resetInMidStream(NettyTransport transport) throws Exception {
    Party client = new Party();
    try (Loop loop = transport.open()) {
      Channel unused = connect(loop, client);
      try (FaultInjection fault = Jinx.inject(target().operation("read").reset("4KB"))) {
        accepted.getOutputStream().write(bytes(SIZE));

        assertThat(client.end.get(10, SECONDS)).contains("Connection reset");
        client.awaitIntact(4096);
        assertThat(server.end.get(10, SECONDS)).isEqualTo("Connection reset");
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }

  /** Nothing comes any more by which the event loop would be woken. */
  @ParameterizedTest
  @EnumSource
  void theLastByteIsFollowedByTheReset(NettyTransport transport) throws Exception {
    Party client = new Party();
    try (Loop loop = transport.open()) {
      Channel unused = connect(loop, client);
      try (FaultInjection fault = Jinx.inject(target().operation("read").reset("4KB"))) {
        accepted.getOutputStream().write(bytes(4096));

        assertThat(server.end.get(10, SECONDS)).isEqualTo("Connection reset");
        assertThat(client.end.get(10, SECONDS)).contains("Connection reset");
        client.awaitIntact(4096);
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void theLastByteWrittenIsFollowedByTheReset(NettyTransport transport) throws Exception {
    Party client = new Party();
    try (Loop loop = transport.open()) {
      Channel channel = connect(loop, client);
      try (FaultInjection fault = Jinx.inject(target().operation("write").reset("4KB"))) {
        assertThat(send(channel, bytes(4096)).await(10, SECONDS)).isTrue();

        assertThat(client.end.get(10, SECONDS)).contains("Connection reset");
        assertThat(server.end.get(10, SECONDS)).isEqualTo("Connection reset");
        assertThat(server.received).hasValue(4096);
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void resetInTheMiddleOfAWrite(NettyTransport transport) throws Exception {
    Party client = new Party();
    try (Loop loop = transport.open()) {
      Channel channel = connect(loop, client);
      try (FaultInjection fault = Jinx.inject(target().operation("write").reset("4KB"))) {
        ChannelFuture sent = send(channel, bytes(SIZE));

        assertThat(sent.await(10, SECONDS)).isTrue();
        // the JDK's channels have taken it all in one write, on the way when it is met
        assertThat(sent.isSuccess()).isEqualTo(transport == NettyTransport.NIO);
        assertThat(server.end.get(10, SECONDS)).isEqualTo("Connection reset");
        assertThat(server.received.get()).isLessThanOrEqualTo(4096);
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void theEndInMidStream(NettyTransport transport) throws Exception {
    Party client = new Party();
    try (Loop loop = transport.open()) {
      Channel unused = connect(loop, client);
      try (FaultInjection fault = Jinx.inject(target().operation("read").limit("4KB"))) {
        accepted.getOutputStream().write(bytes(SIZE));

        assertThat(client.end.get(10, SECONDS)).isEqualTo("end");
        client.awaitIntact(4096);
        assertThat(server.end.get(10, SECONDS)).isEqualTo("end");
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void silenceBothWaysThatHeals(NettyTransport transport) throws Exception {
    Party client = new Party();
    try (Loop loop = transport.open()) {
      Channel channel = connect(loop, client);
      byte[] first = bytes(100);
      try (FaultInjection fault = Jinx.inject(target().drop())) {
        // the kernel takes what it has room for
        assertThat(send(channel, first).await(10, SECONDS)).isTrue();
        ChannelFuture much = channel.newSucceededFuture();
        byte[] later = new byte[SIZE];
        for (int i = 0; i < 200; i++) {
          for (int j = 0; j < SIZE; j++) {
            later[j] = (byte) (100 + i * SIZE + j);
          }
          much = send(channel, later.clone());
        }
        accepted.getOutputStream().write(bytes(SIZE));
        while (channel.isWritable()) {
          LockSupport.parkNanos(100_000);
        }
        assertThat(much.await(300)).isFalse();
        assertThat(client.received).hasValue(0);
        assertThat(server.received).hasValue(0);
        assertThat(fault.injections()).isEqualTo(1);
      }
      client.awaitIntact(SIZE);
      server.awaitIntact(100 + 200L * SIZE);
      channel.close().sync();
    }
  }

  @ParameterizedTest
  @EnumSource
  void corruptBytes(NettyTransport transport) throws Exception {
    Party client = new Party();
    try (Loop loop = transport.open()) {
      Channel channel = connect(loop, client);
      try (FaultInjection fault = Jinx.inject(target().corrupt(1))) {
        accepted.getOutputStream().write(bytes(SIZE));
        byte[] mine = bytes(SIZE);
        assertThat(send(channel, mine).await(10, SECONDS)).isTrue();
        client.await(SIZE);
        server.await(SIZE);

        assertThat(client.wrong).hasValue(SIZE);
        assertThat(server.wrong).hasValue(SIZE);
        assertThat(mine).isEqualTo(bytes(SIZE));
        assertThat(fault.injections()).isEqualTo(1);
      }
      channel.close().sync();
    }
  }
}
