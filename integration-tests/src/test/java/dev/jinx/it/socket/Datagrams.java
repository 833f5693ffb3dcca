package dev.jinx.it.socket;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A server that sends each datagram back, or loses some, and remembers what it got. */
final class Datagrams implements AutoCloseable {
  private final DatagramChannel channel;
  private final int loses;
  private final List<Integer> received = new CopyOnWriteArrayList<>();

  /**
   * @param loses how many of the first datagrams never arrive
   */
  Datagrams(int loses) throws IOException {
    this.loses = loses;
    channel =
        DatagramChannel.open().bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    Thread thread = new Thread(this::serve, "datagrams");
    thread.setDaemon(true);
    thread.start();
  }

  InetSocketAddress address() throws IOException {
    return new InetSocketAddress("localhost", port(channel.getLocalAddress()));
  }

  /** An address at which nobody listens. */
  static InetSocketAddress refusing() throws IOException {
    try (DatagramChannel closed =
        DatagramChannel.open().bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
      return new InetSocketAddress("localhost", port(closed.getLocalAddress()));
    }
  }

  private static int port(SocketAddress address) {
    return ((InetSocketAddress) address).getPort();
  }

  /** The numbers that have come, in their order. */
  List<Integer> received() {
    return received;
  }

  private void serve() {
    int count = 0;
    ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
    try {
      while (true) {
        SocketAddress sender = channel.receive(buffer.clear());
        buffer.flip();
        if (count++ >= loses) {
          received.add(buffer.getInt(0));
          channel.send(buffer, sender);
        }
      }
    } catch (IOException closed) {
      // the end
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
