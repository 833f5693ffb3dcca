package dev.jinx.it.socket;

import static dev.jinx.Jinx.socket;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jinx.FaultInjection;
import dev.jinx.Jinx;
import dev.jinx.SocketFault;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Servers that accept late. */
@Timeout(60)
class AcceptIT {
  private static final Duration DELAY = Duration.ofMillis(300);

  private static SocketFault accepting(int port) {
    return socket().port(port).operation("accept").side("server").latency(DELAY);
  }

  @Test
  void aServerSocketHandsAConnectionOnLater() throws IOException {
    try (ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        FaultInjection fault = Jinx.inject(accepting(server.getLocalPort()));
        Socket client = new Socket("localhost", server.getLocalPort())) {
      long start = System.nanoTime();
      try (Socket accepted = server.accept()) {
        assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(DELAY.toNanos());
        assertThat(accepted.getPort()).isEqualTo(client.getLocalPort());
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aChannelToo(boolean blocks) throws IOException {
    try (ServerSocketChannel server = ServerSocketChannel.open();
        Selector selector = Selector.open()) {
      server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      server.configureBlocking(blocks);
      if (!blocks) {
        server.register(selector, SelectionKey.OP_ACCEPT);
      }
      try (FaultInjection fault = Jinx.inject(accepting(server.socket().getLocalPort()));
          SocketChannel client = SocketChannel.open(server.getLocalAddress())) {
        long start = System.nanoTime();
        SocketChannel accepted = null;
        int rounds = 0;
        while (accepted == null) {
          if (!blocks) {
            selector.select();
            selector.selectedKeys().clear();
          }
          accepted = server.accept();
          rounds++;
        }
        accepted.close();
        assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(DELAY.toNanos());
        assertThat(rounds).isLessThan(10);
        assertThat(client.isOpen()).isTrue();
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }

  @Test
  void closingTheServerEndsTheWait() throws Exception {
    ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    try (FaultInjection fault =
            Jinx.inject(accepting(server.getLocalPort()).latency(Duration.ofMinutes(1)));
        Socket client = new Socket("localhost", server.getLocalPort())) {
      FutureTask<Socket> accepting = new FutureTask<>(server::accept);
      new Thread(accepting).start();
      while (fault.injections() == 0) {
        LockSupport.parkNanos(100_000);
      }
      server.close();
      assertThatThrownBy(() -> accepting.get(10, TimeUnit.SECONDS))
          .hasCauseInstanceOf(SocketException.class);
      assertThat(client.isConnected()).isTrue();
    }
  }

  @Test
  void aConnectionThatIsNotHandedOnIsClosed() throws IOException {
    try (ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Socket client = new Socket("localhost", server.getLocalPort())) {
      try (FaultInjection fault = Jinx.inject(failing(server.getLocalPort()))) {
        assertThatThrownBy(server::accept)
            .isInstanceOf(SocketException.class)
            .hasMessage("Too many open files");
        assertThat(client.getInputStream().read()).isEqualTo(-1);
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 200})
  void norOneOfAChannel(long latency) throws IOException {
    try (ServerSocketChannel server = ServerSocketChannel.open();
        Selector selector = Selector.open()) {
      server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      server.configureBlocking(false);
      server.register(selector, SelectionKey.OP_ACCEPT);
      int port = server.socket().getLocalPort();
      try (FaultInjection fault = Jinx.inject(failing(port).latency(Duration.ofMillis(latency)));
          Socket client = new Socket("localhost", port)) {
        assertThatThrownBy(
                () -> {
                  while (server.accept() == null) {
                    selector.select();
                    selector.selectedKeys().clear();
                  }
                })
            .isInstanceOf(SocketException.class)
            .hasMessage("Too many open files");
        assertThat(client.getInputStream().read()).isEqualTo(-1);
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }

  private static SocketFault failing(int port) {
    return socket()
        .port(port)
        .operation("accept")
        .error(SocketException.class, "Too many open files");
  }
}
