package dev.jinx.examples.shop;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A payments service in the test's own JVM: answers 201, or what was asked for the next calls. */
class FakePayments implements AutoCloseable {
  private final List<String> keys = new CopyOnWriteArrayList<>();
  private final Queue<Integer> next = new ConcurrentLinkedQueue<>();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final HttpServer server;

  FakePayments() {
    try {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    server.setExecutor(threads);
    server.createContext("/v1/charges", this::charge);
    server.start();
  }

  String url() {
    return "http://localhost:" + server.getAddress().getPort();
  }

  /** The idempotency keys of the calls that arrived, in order. */
  List<String> keys() {
    return keys;
  }

  void answerNext(Integer... statuses) {
    next.addAll(List.of(statuses));
  }

  void reset() {
    keys.clear();
    next.clear();
  }

  private void charge(HttpExchange exchange) throws IOException {
    try (exchange) {
      exchange.getRequestBody().readAllBytes();
      keys.add(exchange.getRequestHeaders().getFirst("Idempotency-Key"));
      Integer status = next.poll();
      exchange.sendResponseHeaders(status == null ? 201 : status, -1);
    }
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
