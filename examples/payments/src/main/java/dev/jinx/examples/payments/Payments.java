package dev.jinx.examples.payments;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A tiny payments service: {@code POST /v1/charges} with an {@code Idempotency-Key} charges once
 * per key, {@code GET /v1/charges/count} tells how many were charged.
 */
public final class Payments {
  private final Set<String> charged = ConcurrentHashMap.newKeySet();
  private final AtomicLong calls = new AtomicLong();

  /** The only argument is the port, 8081 if none, 0 for a free one. */
  public static void main(String[] args) throws IOException {
    int port = args.length == 0 ? 8081 : Integer.parseInt(args[0]);
    // the JDK's server waits for acknowledgements without it: 40 ms an exchange
    System.setProperty("sun.net.httpserver.nodelay", "true");
    Payments payments = new Payments();
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
    server.setExecutor(Executors.newFixedThreadPool(8));
    server.createContext("/v1/charges", reading(payments::charge));
    server.createContext("/v1/charges/count", reading(payments::count));
    server.start();
    System.out.println("payments: ready on http://localhost:" + server.getAddress().getPort());
  }

  private void charge(HttpExchange exchange) throws IOException {
    String key = exchange.getRequestHeaders().getFirst("Idempotency-Key");
    if (!exchange.getRequestMethod().equals("POST")) {
      answer(exchange, 405, "{\"error\":\"POST only\"}");
    } else if (key == null || key.isBlank()) {
      answer(exchange, 400, "{\"error\":\"Idempotency-Key is missing\"}");
    } else {
      calls.incrementAndGet();
      answer(exchange, charged.add(key) ? 201 : 200, "{\"status\":\"charged\"}");
    }
  }

  private void count(HttpExchange exchange) throws IOException {
    answer(exchange, 200, "{\"charges\":%d,\"calls\":%d}".formatted(charged.size(), calls.get()));
  }

  // an unread body would cost the connection
  private static HttpHandler reading(HttpHandler handler) {
    return exchange -> {
      try (exchange) {
        exchange.getRequestBody().readAllBytes();
        handler.handle(exchange);
      }
    };
  }

  private static void answer(HttpExchange exchange, int status, String json) throws IOException {
    byte[] body = json.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
  }
}
