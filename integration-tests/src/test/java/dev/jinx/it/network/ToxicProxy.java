package dev.jinx.it.network;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.NANOSECONDS;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * A TCP proxy on loopback that really is a bad network, and can become one or get well at any time,
 * for the connections that it has as for new ones.
 */
final class ToxicProxy implements AutoCloseable {

  private enum Toxic {
    NONE,
    SLOW,
    SILENT,
    RESET
  }

  /**
   * @param delay nanoseconds, of {@code SLOW}
   * @param over opens when the next state begins: whoever waits because of this one goes on
   */
  private record State(Toxic toxic, long delay, CountDownLatch over) {}

  private static final long QUIET = MILLISECONDS.toNanos(50);
  private static final InetAddress LOOPBACK = InetAddress.getLoopbackAddress();
  private final Set<Link> links = ConcurrentHashMap.newKeySet();
  private final AtomicInteger connections = new AtomicInteger();
  private ServerSocket listener;
  private Thread acceptor;
  private volatile long lastBytes = System.nanoTime();
  private volatile int upstream;
  private volatile State state = new State(Toxic.NONE, 0, new CountDownLatch(1));

  ToxicProxy() {
    this.listener = listenSomewhere();
    acceptor = accept(listener);
  }

  /** Where the server is: the port of the loopback address. */
  void standBefore(int server) {
    upstream = server;
  }

  int port() {
    return listener.getLocalPort();
  }

  /** How many connections were made so far. */
  int connections() {
    return connections.get();
  }

  /** Each answer comes so much later: its first bytes, and so all that follow them. */
  void slow(Duration delay) {
    become(Toxic.SLOW, delay.toNanos());
  }

  /** Nothing goes through, in either direction, until this ends. */
  void silence() {
    become(Toxic.SILENT, 0);
  }

  /** The next bytes of a client meet an RST, and so do the first ones of a new connection. */
  void reset() {
    become(Toxic.RESET, 0);
  }

  /** Waits until nothing has gone through for a moment: what is under way is hit too. */
  void awaitQuiet() {
    while (System.nanoTime() - lastBytes < QUIET) {
      LockSupport.parkNanos(QUIET / 10);
    }
  }

  /** No new connection, and the next bytes on those that are there meet an RST. */
  void refuse() throws IOException, InterruptedException {
    listener.close();
    acceptor.join(); // as long as it waits there, the kernel listens
    reset();
  }

  /** A good network again. */
  void heal() {
    become(Toxic.NONE, 0);
    if (listener.isClosed()) {
      try {
        listener = listen(port());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      acceptor = accept(listener);
    }
  }

  private void become(Toxic toxic, long delay) {
    State before = state;
    state = new State(toxic, delay, new CountDownLatch(1));
    before.over.countDown();
  }

  /**
   * On a port that the kernel gives to no outgoing connection: while nobody listens there, another
   * could take it, or a client even connect to itself.
   */
  private static ServerSocket listenSomewhere() {
    while (true) {
      try {
        return listen(ThreadLocalRandom.current().nextInt(20_000, 30_000));
      } catch (BindException taken) {
        // another one, then
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /** One like those, for a server. */
  static int freePort() throws IOException {
    try (ServerSocket probe = listenSomewhere()) {
      return probe.getLocalPort();
    }
  }

  private static ServerSocket listen(int port) throws IOException {
    return new ServerSocket(port, 50, LOOPBACK);
  }

  private Thread accept(ServerSocket listener) {
    return daemon(
        () -> {
          while (true) {
            Socket client = listener.accept();
            connections.incrementAndGet();
            Thread unused = daemon(new Link(client)::start);
          }
        });
  }

  private interface Work {
    void run() throws IOException, InterruptedException;
  }

  private static Thread daemon(Work work) {
    Thread thread =
        new Thread(
            () -> {
              try {
                work.run();
              } catch (IOException | InterruptedException closed) {
                // the end
              }
            },
            "toxic-proxy");
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  @Override
  public void close() throws IOException {
    listener.close();
    links.forEach(Link::reset);
  }

  /** One connection through the proxy. */
  private final class Link {
    private final Socket client;
    private final Socket server = new Socket();
    private volatile boolean asked;

    Link(Socket client) {
      this.client = client;
      links.add(this);
    }

    void start() throws IOException, InterruptedException {
      try {
        client.setTcpNoDelay(true);
        server.setTcpNoDelay(true);
        server.connect(new InetSocketAddress(LOOPBACK, upstream));
      } catch (IOException e) {
        reset();
        throw e;
      }
      Thread unused = daemon(() -> pump(server, client, false));
      pump(client, server, true);
    }

    private void pump(Socket from, Socket to, boolean asking)
        throws IOException, InterruptedException {
      byte[] buffer = new byte[8192];
      try {
        InputStream in = from.getInputStream();
        OutputStream out = to.getOutputStream();
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
          if (!suffer(n, asking)) {
            return;
          }
          out.write(buffer, 0, n);
        }
        suffer(0, asking);
        to.shutdownOutput();
      } catch (IOException e) {
        reset();
      }
      if (from.isOutputShutdown()) { // so the other direction has ended too
        end();
      }
    }

    /** What the state of the network does to some bytes; false: the connection is no more. */
    private boolean suffer(int bytes, boolean asking) throws InterruptedException {
      lastBytes = System.nanoTime();
      State now = state;
      while (now.toxic == Toxic.SILENT) {
        now.over.await();
        now = state;
      }
      if (now.toxic == Toxic.RESET && asking && bytes > 0) {
        reset();
        return false;
      }
      if (asking) {
        asked = true;
      } else if (asked && bytes > 0) {
        asked = false;
        if (now.toxic == Toxic.SLOW) {
          now.over.await(now.delay, NANOSECONDS);
        }
      }
      return true;
    }

    void reset() {
      try {
        client.setSoLinger(true, 0);
        server.setSoLinger(true, 0);
      } catch (IOException closed) {
        // it is
      }
      end();
    }

    private void end() {
      links.remove(this);
      try (client;
          server) {
        // closes both
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
