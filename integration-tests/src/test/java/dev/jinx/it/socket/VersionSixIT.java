package dev.jinx.it.socket;

import static dev.jinx.Jinx.socket;
import static dev.jinx.it.socket.Streams.readFully;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jinx.FaultInjection;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import dev.jinx.SocketFault;
import dev.jinx.it.real.Observed;
import dev.jinx.it.socket.NettyTransport.Loop;
import dev.jinx.it.socket.NettyTransport.Talk;
import dev.jinx.it.socket.Streams.End;
import dev.jinx.it.socket.Streams.Style;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousSocketChannel;
import java.nio.channels.DatagramChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Over version 6 of the protocol: what is named by an address is hit, and fails as it does. */
@Timeout(60)
class VersionSixIT {
  private static final Duration DELAY = Duration.ofMillis(300);

  /** A way to say one byte on a new connection, and to hear it back. */
  enum Way {
    SOCKET(Style.SOCKET, null),
    ADAPTOR(Style.ADAPTOR, null),
    CHANNEL(Style.CHANNEL, null),
    SELECTOR(Style.SELECTOR, null),
    NETTY(null, NettyTransport.NIO),
    EPOLL(null, NettyTransport.EPOLL),
    IO_URING(null, NettyTransport.IO_URING),
    ASYNCHRONOUS(null, null);

    private final @Nullable Style style;
    private final @Nullable NettyTransport transport;

    Way(@Nullable Style style, @Nullable NettyTransport transport) {
      this.style = style;
      this.transport = transport;
    }

    byte ask(InetSocketAddress address) throws Exception {
      if (style != null) {
        return over(style, address);
      }
      return transport != null ? over(transport, address) : overAsynchronous(address);
    }

    private static byte over(Style style, InetSocketAddress address) throws IOException {
      try (End end = style.connect(address)) {
        end.write(new byte[] {7});
        return readFully(end, 1)[0];
      }
    }

    private static byte overAsynchronous(InetSocketAddress address) throws Exception {
      try (AsynchronousSocketChannel channel = AsynchronousSocketChannel.open()) {
        ByteBuffer answer = ByteBuffer.allocate(1);
        channel.connect(address).get(20, SECONDS);
        channel.write(ByteBuffer.wrap(new byte[] {7})).get(20, SECONDS);
        channel.read(answer).get(20, SECONDS);
        return answer.get(0);
      }
    }

    private static byte over(NettyTransport transport, InetSocketAddress address) throws Exception {
      try (Loop loop = transport.open();
          Talk talk = loop.connect(address, 10_000)) {
        return talk.ask().get(20, SECONDS);
      }
    }
  }

  private final InetAddress six = InetAddress.getByName("::1");
  private final ServerSocket server = new ServerSocket(0, 50, six);

  VersionSixIT() throws IOException {}

  @BeforeEach
  void serve() {
    var unused =
        Streams.beside(
            () -> {
              while (true) {
                echo(server.accept());
              }
            });
  }

  private static void echo(Socket accepted) {
    var unused =
        Streams.beside(() -> accepted.getInputStream().transferTo(accepted.getOutputStream()));
  }

  @AfterEach
  void stop() throws IOException {
    server.close();
  }

  private InetSocketAddress address() {
    return new InetSocketAddress(six, server.getLocalPort());
  }

  private SocketFault client(String host) {
    return socket(host).port(server.getLocalPort()).side("client");
  }

  /** The one thing in which the two may differ is the port. */
  private static List<String> told(Way way, InetSocketAddress address) {
    return Observed.of(() -> way.ask(address)).thrown().stream()
        .map(each -> (each.type() + ": " + each.message()).replaceAll("]:\\d+", "]:0"))
        .toList();
  }

  private InetSocketAddress refusing() throws IOException {
    try (ServerSocket closed = new ServerSocket(0, 50, six)) {
      return new InetSocketAddress(six, closed.getLocalPort());
    }
  }

  @ParameterizedTest
  @EnumSource
  void connectionRefused(Way way) throws IOException {
    List<String> real = told(way, refusing());
    assertThat(real).isNotEmpty();

    for (String host : List.of("::1", "0:0:0:0:0:0:0:1", "[::1]", "::/64")) {
      try (FaultInjection fault = Jinx.inject(client(host).error(NamedError.CONNECTION_REFUSED))) {
        assertThat(told(way, address())).as(host).isEqualTo(real);
        assertThat(fault.injections()).as(host).isEqualTo(1);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void latencyIsOfTheAddressAlone(Way way) throws Exception {
    try (FaultInjection fault = Jinx.inject(client("::1").operation("read").latency(DELAY));
        FaultInjection four = Jinx.inject(client("127.0.0.0/8").latency(Duration.ofMinutes(1)));
        FaultInjection other = Jinx.inject(client("fe80::/10").latency(Duration.ofMinutes(1)))) {
      long start = System.nanoTime();
      assertThat(way.ask(address())).isEqualTo((byte) 7);
      assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(DELAY.toNanos());
      assertThat(fault.injections()).isEqualTo(1);
      assertThat(four.injections() + other.injections()).isZero();
    }
  }

  @ParameterizedTest
  @EnumSource
  void aServerIsHitByItsClientsAddress(Way way) throws Exception {
    SocketFault servers = socket("::1").port(server.getLocalPort()).side("server");
    try (FaultInjection fault = Jinx.inject(servers.slowClose(DELAY).bandwidth("2B/s"))) {
      assertThat(way.ask(address())).isEqualTo((byte) 7);
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aResetIsReal(Style style) throws Exception {
    try (ServerSocket plain = new ServerSocket(0, 50, six);
        End end = style.connect(plain.getLocalSocketAddress());
        Socket peer = plain.accept();
        FaultInjection fault =
            Jinx.inject(socket("::1").port(plain.getLocalPort()).side("client").reset("1B"))) {
      peer.getOutputStream().write(1);
      assertThat(readFully(end, 1)).hasSize(1);
      assertThatThrownBy(() -> end.read(new byte[1]))
          .isInstanceOf(SocketException.class)
          .hasMessage("Connection reset");
      assertThatThrownBy(() -> peer.getInputStream().read())
          .isInstanceOf(SocketException.class)
          .hasMessage("Connection reset");
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  /** A server that listens to both versions has its clients of the older one by their addresses. */
  @ParameterizedTest
  @ValueSource(strings = {"::1", "127.0.0.1"})
  void aServerOfBothVersions(String host) throws IOException {
    try (ServerSocketChannel both = ServerSocketChannel.open().bind(new InetSocketAddress(0));
        FaultInjection fault =
            Jinx.inject(
                socket(host)
                    .port(both.socket().getLocalPort())
                    .side("server")
                    .operation("read")
                    .latency(DELAY))) {
      for (String client : List.of("::1", "127.0.0.1")) {
        InetSocketAddress to = new InetSocketAddress(client, both.socket().getLocalPort());
        try (SocketChannel asking = SocketChannel.open(to);
            SocketChannel accepted = both.accept()) {
          asking.write(ByteBuffer.wrap(new byte[] {7}));
          assertThat(accepted.read(ByteBuffer.allocate(1))).isEqualTo(1);
        }
      }
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @Test
  void datagrams() throws IOException {
    try (DatagramSocket peer = new DatagramSocket(new InetSocketAddress(six, 0));
        DatagramSocket socket = new DatagramSocket();
        DatagramChannel channel = DatagramChannel.open().connect(peer.getLocalSocketAddress())) {
      peer.setSoTimeout(200);
      DatagramPacket sent = new DatagramPacket(new byte[] {7}, 1, peer.getLocalSocketAddress());
      try (FaultInjection four = Jinx.inject(socket("127.0.0.1").drop())) {
        socket.send(sent);
        peer.receive(new DatagramPacket(new byte[1], 1));
        assertThat(four.injections()).isZero();
      }
      try (FaultInjection fault =
          Jinx.inject(socket("::1").port(peer.getLocalPort()).operation("write").drop())) {
        socket.send(sent);
        channel.write(ByteBuffer.wrap(new byte[] {7}));
        assertThatThrownBy(() -> peer.receive(new DatagramPacket(new byte[1], 1)))
            .isInstanceOf(SocketTimeoutException.class);
        assertThat(fault.injections()).isEqualTo(2);
      }
    }
  }
}
