package jdk.internal.net.http;

import java.io.IOException;
import java.lang.reflect.Constructor;
import java.net.InetSocketAddress;
import java.net.http.HttpClient.Version;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import jdk.internal.net.http.common.ConnectionExpiredException;
import jdk.internal.net.http.common.MinimalFuture;
import jdk.internal.net.http.common.Utils;

/**
 * What only a class of the JDK's HTTP client's own package can do. It is defined there while that
 * client is hooked, and used through its static methods; an instance stands for an exchange that
 * was answered without a connection, as {@code Http1Exchange} and {@code Stream} do for real ones.
 */
final class JinxExchange<T> extends ExchangeImpl<T> {
  private final Response response;
  private final byte[] body;
  private volatile IOException cancelled;
  private HttpConnection connection;

  private JinxExchange(Exchange<T> exchange, Response response, byte[] body) {
    super(exchange);
    this.response = response;
    this.body = body;
  }

  // ---- what the agent calls

  static HttpRequest request(Object exchange) {
    return ((Exchange<?>) exchange).request;
  }

  static CompletableFuture<Object> future() {
    return new MinimalFuture<>();
  }

  /** Runs on the client's executor, and never on the current thread. */
  static void run(Object exchange, Runnable work) {
    ((Exchange<?>) exchange).multi.executor.ensureExecutedAsync(work);
  }

  /** The key of the HTTP/2 connection that would serve the exchange. */
  static String http2Key(Object exchange) {
    return Http2Connection.keyFor(((Exchange<?>) exchange).request);
  }

  static Object http2Client(Object exchange) {
    return ((Exchange<?>) exchange).client.client2();
  }

  static Duration connectTimeout(Object exchange) {
    return ((Exchange<?>) exchange).remainingConnectTimeout().orElse(null);
  }

  /** Why the exchange has been cancelled already, or null. */
  static Throwable cancelCause(Object exchange) {
    Throwable cause = ((Exchange<?>) exchange).getCancelCause();
    ExchangeImpl<?> real = ((Exchange<?>) exchange).exchImpl;
    return cause == null && real != null ? real.getCancelCause() : cause;
  }

  /** A failure that the client retries where it may, and otherwise unwraps. */
  static Throwable retryable(Throwable cause) {
    return new ConnectionExpiredException(cause);
  }

  /** Gives up a real exchange whose response has arrived: closes the connection or the stream. */
  static void discard(Object exchange) {
    IOException cause = new IOException("discarded");
    ExchangeImpl<?> real = ((Exchange<?>) exchange).exchImpl;
    if (real instanceof Stream<?> stream) {
      JinxBody2.lose(stream, cause);
    } else {
      real.cancel(cause);
    }
  }

  /**
   * Closes the connection that the exchange would have used, if the client has one already.
   *
   * @param http2 a connection of HTTP/2, or null; other streams on it come to their end
   */
  static void discardPooled(Object waiting, Object http2) {
    Exchange<?> exchange = (Exchange<?>) waiting;
    if (http2 != null) {
      Http2Connection connection = (Http2Connection) http2;
      connection.setFinalStream();
      if (connection.shouldClose()) {
        connection.close();
      }
      return;
    }
    HttpRequestImpl request = exchange.request;
    HttpConnection connection =
        exchange
            .client
            .connectionPool()
            .getConnection(
                request.secure(), request.getAddress(), Utils.resolveAddress(request.proxy()));
    if (connection != null) {
      connection.close();
    }
  }

  /** Answers an exchange; the returned response completes the future of its headers. */
  static <T> Object answer(
      Object unanswered,
      boolean http2,
      int status,
      Map<String, List<String>> given,
      byte[] givenBody) {
    @SuppressWarnings("unchecked")
    Exchange<T> exchange = (Exchange<T>) unanswered;
    boolean bodiless = status == 204 || status == 304;
    Map<String, List<String>> headers = new LinkedHashMap<>();
    if (http2) {
      headers.put(":status", List.of(Integer.toString(status)));
    }
    given.forEach(
        (name, values) ->
            headers
                .computeIfAbsent(name.toLowerCase(Locale.ROOT), n -> new ArrayList<>())
                .addAll(values));
    if (!bodiless) {
      headers.put("content-length", List.of(Integer.toString(givenBody.length)));
    }
    Response response =
        new Response(
            exchange.request,
            exchange,
            HttpHeaders.of(headers, (name, value) -> true),
            null,
            status,
            http2 ? Version.HTTP_2 : Version.HTTP_1_1);
    boolean head = exchange.request.method().equals("HEAD");
    exchange.exchImpl = new JinxExchange<>(exchange, response, head ? new byte[0] : givenBody);
    return response;
  }

  // ---- the exchange

  @Override
  CompletableFuture<T> readBodyAsync(
      BodyHandler<T> handler, boolean returnConnectionToPool, Executor executor) {
    try {
      BodySubscriber<T> subscriber = handler.apply(new ResponseInfoImpl(response));
      if (cancelled != null) {
        subscriber.onSubscribe(new MultiExchange.NullSubscription());
        subscriber.onError(cancelled);
      } else if (body.length == 0) {
        subscriber.onSubscribe(new MultiExchange.NullSubscription());
        subscriber.onComplete();
      } else {
        ByteBuffer bytes = ByteBuffer.wrap(body).asReadOnlyBuffer();
        new PullPublisher<>(List.of(List.of(bytes))).subscribe(subscriber);
      }
      return ResponseSubscribers.getBodyAsync(executor, subscriber, new MinimalFuture<>());
    } catch (Throwable t) {
      return MinimalFuture.failedFuture(t);
    }
  }

  @Override
  CompletableFuture<Void> ignoreBody() {
    return MinimalFuture.completedFuture(null);
  }

  @Override
  CompletableFuture<Response> getResponseAsync(Executor executor) {
    return MinimalFuture.completedFuture(response);
  }

  @Override
  CompletableFuture<ExchangeImpl<T>> sendHeadersAsync() {
    return MinimalFuture.completedFuture(this);
  }

  @Override
  CompletableFuture<ExchangeImpl<T>> sendBodyAsync() {
    return MinimalFuture.completedFuture(this);
  }

  /**
   * A closed connection; never null, because the client's timer asks it, on the selector's thread,
   * whether it is connected.
   */
  @Override
  synchronized HttpConnection connection() {
    if (connection == null) {
      try {
        Constructor<?> constructor = PlainHttpConnection.class.getDeclaredConstructors()[0];
        Object[] arguments = {
          InetSocketAddress.createUnresolved("answered", 0), exchange.client, "answered"
        };
        connection =
            (HttpConnection)
                constructor.newInstance(
                    // JDK 22 added the label
                    constructor.getParameterCount() == 2
                        ? new Object[] {arguments[0], arguments[1]}
                        : arguments);
        connection.close();
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException(e);
      }
    }
    return connection;
  }

  @Override
  void cancel() {
    cancel(new IOException("Request cancelled"));
  }

  @Override
  void cancel(IOException cause) {
    cancelled = cause;
  }

  @Override
  void onProtocolError(IOException cause) {
    cancel(cause);
  }

  @Override
  void released() {}

  @Override
  void completed() {}

  @Override
  boolean isCanceled() {
    return cancelled != null;
  }

  @Override
  Throwable getCancelCause() {
    return cancelled;
  }
}
