package dev.jinx.it.tls;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.jinx.it.real.Certificates;
import dev.jinx.it.real.Observed;
import java.io.BufferedReader;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;

/**
 * An HTTPS server of one answer per connection, or one that does something else at the handshake;
 * it remembers what it saw of each connection.
 */
final class TlsPeer implements AutoCloseable {
  static final String HELLO = "hello";

  enum Does {
    SERVE,
    HAVE_NOTHING_IN_COMMON,
    HAVE_EXPIRED,
    RESET,
    END,
    SAY_NOTHING
  }

  private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
  private final List<Socket> connections = new CopyOnWriteArrayList<>();
  private final BlockingQueue<Observed> seen = new LinkedBlockingQueue<>();
  private final CountDownLatch closed = new CountDownLatch(1);
  private final Does does;
  private final long delay;
  private final SSLContext context;

  TlsPeer(Does does) throws IOException {
    this(does, 0);
  }

  /**
   * @param delay milliseconds that it takes to answer the client's hello
   */
  TlsPeer(Does does, long delay) throws IOException {
    this.does = does;
    this.delay = delay;
    this.context =
        switch (does) {
          case HAVE_EXPIRED -> Certificates.expiredServer();
          case HAVE_NOTHING_IN_COMMON -> withoutCertificate();
          default -> Certificates.server();
        };
    daemon(this::accept);
  }

  private static SSLContext withoutCertificate() {
    try {
      SSLContext none = SSLContext.getInstance("TLS");
      none.init(new KeyManager[0], null, null);
      return none;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  int port() {
    return server.getLocalPort();
  }

  /** What it saw of the next connection, once that is over. */
  Observed seen() throws InterruptedException {
    Observed next = seen.poll(10, TimeUnit.SECONDS);
    if (next == null) {
      throw new AssertionError("no connection has come to its end");
    }
    return next;
  }

  private void accept() {
    try {
      while (true) {
        Socket connection = server.accept();
        connections.add(connection);
        daemon(() -> seen.add(Observed.of(() -> serve(connection))));
      }
    } catch (IOException end) {
      // closed
    }
  }

  private String serve(Socket connection) throws IOException, InterruptedException {
    try (connection) {
      if (delay > 0) {
        var unused = closed.await(delay, TimeUnit.MILLISECONDS);
      }
      switch (does) {
        case RESET -> {
          readHello(connection);
          connection.setSoLinger(true, 0);
        }
        case END -> readHello(connection);
        case SAY_NOTHING -> {
          readHello(connection);
          closed.await();
        }
        default -> answer(connection);
      }
      return "done";
    }
  }

  private static void readHello(Socket connection) throws IOException {
    DataInputStream in = new DataInputStream(connection.getInputStream());
    in.skipNBytes(3);
    in.skipNBytes(in.readUnsignedShort());
  }

  private void answer(Socket connection) throws IOException {
    try (SSLSocket tls =
        (SSLSocket)
            context
                .getSocketFactory()
                .createSocket(connection, "client.invalid", connection.getPort(), true)) {
      tls.setUseClientMode(false);
      tls.startHandshake();
      var in = new BufferedReader(new InputStreamReader(tls.getInputStream(), ISO_8859_1));
      for (String line = in.readLine(); !"".equals(line); line = in.readLine()) {
        if (line == null) {
          throw new EOFException("no request");
        }
      }
      String answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\n" + HELLO;
      tls.getOutputStream().write(answer.getBytes(ISO_8859_1));
    }
  }

  private static void daemon(Runnable work) {
    Thread thread = new Thread(work, "tls-peer");
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void close() throws IOException {
    closed.countDown();
    server.close();
    for (Socket connection : connections) {
      connection.close();
    }
  }
}
