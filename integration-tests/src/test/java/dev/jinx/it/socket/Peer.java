package dev.jinx.it.socket;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A server that does one thing to every connection, and a byte of it is all that is ever exchanged.
 */
final class Peer implements AutoCloseable {
  enum Does {
    ECHO,
    SAY_NOTHING,
    RESET,
    END
  }

  private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
  private final List<Socket> connections = new CopyOnWriteArrayList<>();
  private final AtomicInteger received = new AtomicInteger();
  private final CountDownLatch ended = new CountDownLatch(1);
  private final Does does;

  Peer(Does does) throws IOException {
    this.does = does;
    daemon(this::accept);
  }

  InetSocketAddress address() {
    return new InetSocketAddress("localhost", server.getLocalPort());
  }

  private void accept() {
    try {
      while (true) {
        Socket connection = server.accept();
        connections.add(connection);
        daemon(() -> serve(connection));
      }
    } catch (IOException closed) {
      // the end
    }
  }

  private void serve(Socket connection) {
    try {
      for (int b = connection.getInputStream().read();
          b >= 0;
          b = connection.getInputStream().read()) {
        received.incrementAndGet();
        switch (does) {
          case ECHO -> connection.getOutputStream().write(b);
          case SAY_NOTHING -> {}
          case RESET -> {
            connection.setSoLinger(true, 0);
            connection.close();
          }
          case END -> connection.close();
        }
      }
    } catch (IOException closed) {
      // the end
    }
    ended.countDown();
  }

  /** How many bytes have come. */
  int received() {
    return received.get();
  }

  /** Until a connection has come to its end, whatever kind of end. */
  void awaitEnd() throws InterruptedException {
    if (!ended.await(10, TimeUnit.SECONDS)) {
      throw new AssertionError("the connection is still there");
    }
  }

  private static void daemon(Runnable work) {
    Thread thread = new Thread(work, "peer");
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void close() throws IOException {
    server.close();
    for (Socket connection : connections) {
      connection.close();
    }
  }
}
