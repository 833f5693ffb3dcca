package dev.jinx.it.tls;

import dev.jinx.it.real.Observed;
import java.io.Closeable;
import java.io.IOException;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * A server that remembers what it saw of each connection.
 *
 * @param seen what it saw, in the order in which the connections came to their ends
 */
record Server(int port, Closeable stop, BlockingQueue<Observed> seen) implements AutoCloseable {

  Server(int port, Closeable stop) {
    this(port, stop, new LinkedBlockingQueue<>());
  }

  /** What it saw of the next connection. */
  Observed next() throws InterruptedException {
    Observed next = seen.poll(10, TimeUnit.SECONDS);
    if (next == null) {
      throw new AssertionError("no connection has come to its end");
    }
    return next;
  }

  /** Accepts until it is closed, each connection on a thread of its own. */
  void serve(Callable<Callable<String>> accept) {
    daemon(
        () -> {
          try {
            while (true) {
              Callable<String> connection = accept.call();
              daemon(() -> seen.add(Observed.of(connection)));
            }
          } catch (Exception end) {
            // closed
          }
        });
  }

  private static void daemon(Runnable work) {
    Thread thread = new Thread(work, "tls-server");
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void close() throws IOException {
    stop.close();
  }
}
