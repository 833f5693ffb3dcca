package dev.jinx.it.real;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
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
    END
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
      case RESET -> {
        var channel = (SocketChannel) endPoint(request).getTransport();
        channel.setOption(StandardSocketOptions.SO_LINGER, 0);
        channel.close();
        wakeSelector();
      }
      case END -> endPoint(request).close();
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
