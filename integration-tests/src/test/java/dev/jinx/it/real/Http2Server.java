package dev.jinx.it.real;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.eclipse.jetty.http2.server.HTTP2CServerConnectionFactory;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.thread.QueuedThreadPool;

/**
 * A server on loopback that speaks HTTP/2 in clear text, to a client that asks for the upgrade, and
 * fails on demand.
 */
public final class Http2Server implements AutoCloseable {

  /** What becomes of a request. */
  public enum Answer {
    ECHO,
    UNAVAILABLE,
    SILENCE,
    RESET,
    END,
    /** 100 bytes. */
    BODY,
    /** The same, with the connection reset behind the first 40. */
    RESET_IN_BODY,
    /** The same, with the connection ended behind the first 40. */
    END_IN_BODY
  }

  private final Server server;
  private final ServerConnector connector;
  private final AtomicInteger requests = new AtomicInteger();
  private volatile Answer answer = Answer.ECHO;

  public Http2Server() {
    var threads = new QueuedThreadPool(8);
    threads.setDaemon(true);
    server = new Server(threads);
    var http = new HttpConfiguration();
    http.setSendServerVersion(false);
    http.setSendDateHeader(false);
    connector =
        new ServerConnector(
            server, 1, 1, new HttpConnectionFactory(http), new HTTP2CServerConnectionFactory(http));
    connector.setHost("localhost");
    server.addConnector(connector);
    server.setHandler(
        new Handler.Abstract() {
          @Override
          public boolean handle(Request request, Response response, Callback callback)
              throws Exception {
            requests.incrementAndGet();
            answer(request, response, callback);
            return true;
          }
        });
    try {
      server.start();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private void answer(Request request, Response response, Callback callback) throws IOException {
    // an answer to a request that was not read resets the stream
    ByteBuffer body = Content.Source.asByteBuffer(request);
    switch (answer) {
      case SILENCE -> {}
      case RESET -> reset(request);
      case END -> endPoint(request).close();
      case BODY -> response.write(true, bytes(100), callback);
      case RESET_IN_BODY, END_IN_BODY -> {
        boolean reset = answer == Answer.RESET_IN_BODY;
        response.getHeaders().put("content-length", 100);
        response.write(
            false,
            bytes(40),
            Callback.from(
                () ->
                    // what is on the way arrives before the reset
                    connector
                        .getScheduler()
                        .schedule(() -> lose(request, reset), 150, TimeUnit.MILLISECONDS)));
      }
      case UNAVAILABLE -> {
        response.setStatus(503);
        response.getHeaders().put("retry-after", "7");
        response.getHeaders().put("content-type", "text/plain");
        response.write(true, ByteBuffer.wrap("try again".getBytes(UTF_8)), callback);
      }
      case ECHO -> {
        response.getHeaders().put("x-request", request.getMethod());
        response.write(
            true, body.hasRemaining() ? body : ByteBuffer.wrap("hello".getBytes(UTF_8)), callback);
      }
    }
  }

  private static ByteBuffer bytes(int count) {
    return ByteBuffer.wrap("0123456789".repeat(count / 10).getBytes(UTF_8));
  }

  private void lose(Request request, boolean reset) {
    try {
      if (reset) {
        reset(request);
      } else {
        endPoint(request).close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void reset(Request request) throws IOException {
    var channel = (SocketChannel) endPoint(request).getTransport();
    channel.setOption(StandardSocketOptions.SO_LINGER, 0);
    channel.close();
    wakeSelector();
  }

  /** A registered channel is really closed with the selector's next turn. */
  private void wakeSelector() throws IOException {
    new Socket(connector.getHost(), connector.getLocalPort()).close();
  }

  private static org.eclipse.jetty.io.EndPoint endPoint(Request request) {
    return request.getConnectionMetaData().getConnection().getEndPoint();
  }

  public URI uri(String path) {
    return URI.create("http://localhost:" + connector.getLocalPort() + path);
  }

  /** How many requests have reached the server since the last {@link #answering}. */
  public int requests() {
    return requests.get();
  }

  /** How many connections are open now. */
  public int open() {
    return connector.getConnectedEndPoints().size();
  }

  /** Forgets the requests so far and answers the next ones this way. */
  public Http2Server answering(Answer answer) {
    this.answer = answer;
    requests.set(0);
    return this;
  }

  @Override
  public void close() {
    try {
      server.stop();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}
