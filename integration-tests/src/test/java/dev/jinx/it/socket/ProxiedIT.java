package dev.jinx.it.socket;

import static dev.jinx.Jinx.socket;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.FaultInjection;
import dev.jinx.Jinx;
import dev.jinx.it.real.RealServer;
import dev.jinx.it.socket.Streams.Listener;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.Socket;
import java.net.URI;
import java.time.Duration;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Behind a proxy, the other end of the connection is the proxy. */
@Timeout(60)
class ProxiedIT {
  private static final Duration DELAY = Duration.ofMillis(300);

  /** Says yes to what it is asked for by SOCKS 5 (RFC 1928), and is the destination itself. */
  private static byte socks(Listener listener) throws IOException {
    try (Socket client = listener.accept()) {
      DataInputStream in = new DataInputStream(client.getInputStream());
      in.readByte();
      in.skipNBytes(in.readUnsignedByte());
      client.getOutputStream().write(new byte[] {5, 0});
      in.skipNBytes(4);
      in.skipNBytes(in.readUnsignedByte() + 2);
      client.getOutputStream().write(new byte[] {5, 0, 0, 1, 127, 0, 0, 1, 0, 1});
      byte said = in.readByte();
      client.getOutputStream().write(said);
      return said;
    }
  }

  private static Duration throughSocks(InetSocketAddress proxy) throws IOException {
    long start = System.nanoTime();
    try (Socket socket = new Socket(new Proxy(Proxy.Type.SOCKS, proxy))) {
      socket.connect(InetSocketAddress.createUnresolved("service.example", 4711));
      socket.getOutputStream().write(7);
      assertThat(socket.getInputStream().read()).isEqualTo(7);
    }
    return Duration.ofNanos(System.nanoTime() - start);
  }

  @Test
  void aSocksProxyIsTheOtherEnd() throws Exception {
    try (Listener listener = new Listener()) {
      for (boolean named : new boolean[] {true, false}) {
        FutureTask<Byte> serving = Streams.beside(() -> socks(listener));
        var target =
            named
                ? socket("localhost").port(listener.address().getPort()).side("client")
                : socket("service.example");
        try (FaultInjection fault = Jinx.inject(target.latency(DELAY))) {
          Duration took = throughSocks(listener.address());
          assertThat(serving.get()).isEqualTo((byte) 7);
          assertThat(fault.injections() > 0).isEqualTo(named);
          assertThat(took.compareTo(DELAY) >= 0).isEqualTo(named);
        }
      }
    }
  }

  @Test
  void soIsAnHttpProxy() throws Exception {
    try (RealServer proxy = RealServer.http(RealServer.ECHO)) {
      InetSocketAddress address = new InetSocketAddress("localhost", proxy.uri("/").getPort());
      for (boolean named : new boolean[] {true, false}) {
        var target =
            named
                ? socket("localhost").port(address.getPort()).side("client")
                : socket("service.example");
        try (FaultInjection fault = Jinx.inject(target.latency(DELAY))) {
          var connection =
              URI.create("http://service.example/")
                  .toURL()
                  .openConnection(new Proxy(Proxy.Type.HTTP, address));
          assertThat(connection.getInputStream().readAllBytes()).asString().isEqualTo("hello");
          assertThat(fault.injections() > 0).isEqualTo(named);
        }
      }
    }
  }
}
