package dev.jinx.agent.point.http;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.fault.BodyFlow;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.weave.Access;
import java.io.EOFException;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.net.URI;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import org.eclipse.jetty.client.Connection;
import org.eclipse.jetty.client.Destination;
import org.eclipse.jetty.client.HttpClient;
import org.eclipse.jetty.client.transport.HttpClientConnectionFactory;
import org.eclipse.jetty.client.transport.HttpDestination;
import org.eclipse.jetty.client.transport.HttpExchange;
import org.eclipse.jetty.client.transport.HttpReceiver;
import org.eclipse.jetty.client.transport.HttpRequest;
import org.eclipse.jetty.client.transport.IConnection;
import org.eclipse.jetty.client.transport.SendFailure;
import org.eclipse.jetty.http.HttpField;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.http.HttpVersion;
import org.eclipse.jetty.io.ByteArrayEndPoint;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.util.Jetty;
import org.eclipse.jetty.util.Promise;
import org.jspecify.annotations.Nullable;

/** Compiled against Jetty 12; for 12.0 and 12.1. */
final class JettyAdapter implements JettyInside {

  /** Methods of the client that are its own. */
  private record Handles(
      MethodHandle sent,
      MethodHandle begin,
      MethodHandle header,
      MethodHandle headers,
      MethodHandle available) {

    static Handles of(Access access) throws ReflectiveOperationException {
      MethodHandles.Lookup receiver = access.in(HttpReceiver.class);
      MethodType answer = MethodType.methodType(void.class, HttpExchange.class);
      return new Handles(
          access
              .in(HttpRequest.class)
              .findVirtual(HttpRequest.class, "sent", MethodType.methodType(void.class)),
          receiver.findVirtual(HttpReceiver.class, "responseBegin", answer),
          receiver.findVirtual(
              HttpReceiver.class, "responseHeader", answer.appendParameterTypes(HttpField.class)),
          receiver.findVirtual(HttpReceiver.class, "responseHeaders", answer),
          available(receiver, answer));
    }

    private static MethodHandle available(MethodHandles.Lookup receiver, MethodType answer)
        throws ReflectiveOperationException {
      String name = "responseContentAvailable";
      try {
        return receiver.findVirtual(HttpReceiver.class, name, answer);
      } catch (NoSuchMethodException in12dot0) {
        return MethodHandles.dropArguments(
            receiver.findVirtual(HttpReceiver.class, name, MethodType.methodType(void.class)),
            1,
            HttpExchange.class);
      }
    }
  }

  private volatile @Nullable Handles handles;

  @Override
  public void open(Access access) {
    if (handles == null) {
      try {
        handles = Handles.of(access);
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  private Handles handles() {
    Handles opened = handles;
    if (opened == null) {
      throw new IllegalStateException();
    }
    return opened;
  }

  private static HttpRequest request(Object exchange) {
    return ((HttpExchange) exchange).getRequest();
  }

  private static HttpClient client(Object exchange) {
    return ((HttpExchange) exchange).getHttpDestination().getHttpClient();
  }

  // ---- reading

  @Override
  public @Nullable String read(Field field, @Nullable String name, Object exchange) {
    HttpRequest request = request(exchange);
    return switch (field) {
      case SCHEME -> request.getScheme();
      case HOST -> request.getHost();
      case METHOD -> request.getMethod();
      case PATH -> request.getPath();
      case QUERY -> query(request);
      case HEADER -> name == null ? null : request.getHeaders().get(name);
      default -> null;
    };
  }

  private static @Nullable String query(HttpRequest request) {
    URI uri = request.getURI();
    return uri == null ? request.getQuery() : uri.getRawQuery();
  }

  @Override
  public int port(Object exchange) {
    return request(exchange).getPort();
  }

  @Override
  public boolean isHttp2(Object exchange) {
    Connection connection = request(exchange).getConnection();
    if (connection != null) {
      return connection.getClass().getName().contains("HTTP2");
    }
    var protocol = ((HttpExchange) exchange).getHttpDestination().getOrigin().getProtocol();
    return protocol != null && protocol.getProtocols().get(0).startsWith("h2");
  }

  @Override
  public boolean isInterim(Object exchange) {
    return HttpStatus.isInterim(((HttpExchange) exchange).getResponse().getStatus());
  }

  @Override
  public Executor executor(Object exchange) {
    return client(exchange).getExecutor();
  }

  // ---- the client's clocks

  @Override
  public void sent(Object exchange) {
    try {
      handles().sent().invoke(request(exchange));
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public long total(Object exchange) {
    long at = request(exchange).getTimeoutNanoTime();
    return at == Long.MAX_VALUE ? Long.MAX_VALUE : Math.max(1, at - System.nanoTime());
  }

  @Override
  public long totalMillis(Object exchange) {
    return request(exchange).getConversation().getTimeout();
  }

  @Override
  public long idleMillis(Object exchange) {
    long own = request(exchange).getIdleTimeout();
    return Math.max(0, own >= 0 ? own : client(exchange).getIdleTimeout());
  }

  @Override
  public long connectMillis(Object exchange) {
    return Math.max(0, client(exchange).getConnectTimeout());
  }

  @Override
  public String idleMessage(Object exchange, long elapsedMillis) {
    long idle = idleMillis(exchange);
    if (!isHttp2(exchange)) {
      return "Idle timeout expired: " + elapsedMillis + "/" + idle + " ms";
    }
    if (request(exchange).getIdleTimeout() >= 0) {
      return "Idle timeout " + idle + " ms elapsed";
    }
    return Jetty.VERSION.startsWith("12.0.")
        ? "Idle timeout expired: " + idle + " ms"
        : "Session idle timeout expired";
  }

  @Override
  public String connection(Object exchange) {
    return String.valueOf(request(exchange).getConnection());
  }

  // ---- ending an exchange

  @Override
  public void abort(Object exchange, Throwable failure) {
    var unused = request(exchange).abort(failure);
  }

  @Override
  public void queued(Object exchange) {
    request(exchange).notifyQueued();
  }

  @Override
  public void send(Object exchange, byte @Nullable [] answer, @Nullable Throwable onWrite)
      throws Exception {
    HttpDestination destination = ((HttpExchange) exchange).getHttpDestination();
    Map<String, Object> context = new HashMap<>();
    Promise<Connection> nobody = Promise.from(connection -> {}, failure -> {});
    // 12.1
    context.put(Destination.class.getName(), destination);
    context.put(Connection.class.getName() + ".promise", nobody);
    // 12.0
    context.put("org.eclipse.jetty.client.destination", destination);
    context.put("org.eclipse.jetty.client.connection.promise", nobody);
    EndPoint endPoint = new EndPoint(client(exchange), onWrite);
    var connection = new HttpClientConnectionFactory().newConnection(endPoint, context);
    endPoint.setConnection(connection);
    connection.onOpen();
    SendFailure failure = ((IConnection) connection).send((HttpExchange) exchange);
    if (failure != null) {
      abort(exchange, failure.failure);
    } else if (onWrite == null && answer != null) {
      if (answer.length > 0) {
        endPoint.addInput(ByteBuffer.wrap(answer));
      }
      endPoint.addInputEOF();
    }
  }

  @Override
  public void poseAsHttp2(Object exchange) {
    ((HttpExchange) exchange).getResponse().version(HttpVersion.HTTP_2).reason(null);
  }

  /** The end of a connection that has no network. */
  private static final class EndPoint extends ByteArrayEndPoint {
    private final Executor executor;
    private final @Nullable Throwable onWrite;

    EndPoint(HttpClient client, @Nullable Throwable onWrite) {
      super(client.getScheduler(), 0);
      this.executor = client.getExecutor();
      this.onWrite = onWrite;
    }

    @Override
    protected void execute(Runnable task) {
      executor.execute(task);
    }

    @Override
    public boolean flush(ByteBuffer... buffers) throws IOException {
      if (onWrite != null) {
        throw onWrite instanceof IOException known ? known : new IOException(onWrite);
      }
      for (ByteBuffer buffer : buffers) {
        buffer.position(buffer.limit());
      }
      return true;
    }
  }

  @Override
  public void closeOne(Object exchange) {
    Connection idle =
        ((HttpExchange) exchange).getHttpDestination().getConnectionPool().acquire(false);
    if (idle != null) {
      idle.close();
    }
  }

  // ---- the answer

  @Override
  public void replay(Object receiver, Object exchange, List<Object> fields) throws Throwable {
    Handles inside = handles();
    inside.begin().invoke((HttpReceiver) receiver, (HttpExchange) exchange);
    for (Object field : fields) {
      inside.header().invoke((HttpReceiver) receiver, (HttpExchange) exchange, (HttpField) field);
    }
    inside.headers().invoke((HttpReceiver) receiver, (HttpExchange) exchange);
  }

  @Override
  public void answer(
      Object receiver,
      Object exchange,
      int status,
      Map<String, List<String>> headers,
      long contentLength)
      throws Throwable {
    var response = ((HttpExchange) exchange).getResponse();
    HttpVersion version = response.getVersion();
    String reason = version == HttpVersion.HTTP_2 ? null : HttpStatus.getMessage(status);
    response.version(version).status(status).reason(reason);
    List<Object> fields = new java.util.ArrayList<>();
    headers.forEach(
        (name, values) -> values.forEach(value -> fields.add(new HttpField(name, value))));
    if (contentLength >= 0) {
      fields.add(new HttpField("Content-Length", Long.toString(contentLength)));
    }
    replay(receiver, exchange, fields);
  }

  @Override
  public @Nullable Runnable keepOut(Object exchange) {
    if (isHttp2(exchange)) {
      return null;
    }
    Connection connection = request(exchange).getConnection();
    ((HttpExchange) exchange).getHttpDestination().remove(connection);
    return connection::close;
  }

  // ---- bodies

  @Override
  public Body other(byte[] body) {
    return new Other(ByteBuffer.wrap(body));
  }

  private static final class Other implements Body {
    private @Nullable ByteBuffer rest;

    Other(ByteBuffer body) {
      rest = body.hasRemaining() ? body : null;
    }

    @Override
    public @Nullable Object read(Real real, boolean demand) throws Throwable {
      ByteBuffer body = rest;
      if (body != null) {
        rest = null;
        return Content.Chunk.from(body, false);
      }
      while (true) {
        Content.Chunk chunk = (Content.Chunk) real.read(demand);
        if (chunk == null || chunk.isLast() || Content.Chunk.isFailure(chunk)) {
          return chunk;
        }
        chunk.release();
      }
    }
  }

  @Override
  public Body flowing(Object receiver, Object exchange, BodyFlow flow) {
    return new Flowing((HttpReceiver) receiver, (HttpExchange) exchange, flow);
  }

  /** No thread waits: a read finds nothing, and the client is told when there is something. */
  private final class Flowing implements Body {
    private final HttpReceiver receiver;
    private final HttpExchange exchange;
    private final BodyFlow flow;
    private Content.@Nullable Chunk rest;

    /** How many bytes of the rest have come. */
    private int come;

    private boolean waiting;
    private boolean demanded;

    Flowing(HttpReceiver receiver, HttpExchange exchange, BodyFlow flow) {
      this.receiver = receiver;
      this.exchange = exchange;
      this.flow = flow;
    }

    @Override
    public @Nullable Object read(Real real, boolean demand) throws Throwable {
      synchronized (this) {
        if (waiting) {
          demanded |= demand;
          return null;
        }
      }
      Content.Chunk chunk = rest;
      if (chunk == null) {
        chunk = (Content.Chunk) real.read(demand);
        if (chunk == null || Content.Chunk.isFailure(chunk) || !chunk.hasRemaining()) {
          return chunk;
        }
        rest = chunk;
      }
      if (come == 0 && !next(chunk, demand)) {
        return null;
      }
      byte[] portion = new byte[come];
      chunk.getByteBuffer().get(portion);
      flow.passed(come);
      come = 0;
      boolean last = false;
      if (!chunk.hasRemaining()) {
        last = chunk.isLast();
        rest = null;
        chunk.release();
      }
      return Content.Chunk.from(ByteBuffer.wrap(portion), last);
    }

    /** Waits for the next bytes, or finds the body cut; false where there is nothing yet. */
    private boolean next(Content.Chunk chunk, boolean demand) {
      int portion = (int) flow.portion(chunk.remaining());
      if (portion == 0) {
        if (flow.cut() != null) {
          rest = null;
          chunk.release();
          abort(
              exchange,
              isHttp2(exchange)
                  ? new java.nio.channels.ClosedChannelException()
                  : new EOFException(connection(exchange)));
          return false;
        }
        // it was cleared this moment
        portion = chunk.remaining();
      }
      int coming = portion;
      synchronized (this) {
        waiting = true;
      }
      flow.later(coming, waited -> arrived(coming));
      synchronized (this) {
        demanded = waiting && demand;
        return !waiting;
      }
    }

    private void arrived(int portion) {
      boolean tell;
      synchronized (this) {
        come = portion;
        waiting = false;
        tell = demanded;
        demanded = false;
      }
      if (tell) {
        executor(exchange)
            .execute(
                () -> {
                  try {
                    handles().available().invoke(receiver, exchange);
                  } catch (Throwable e) {
                    OwnFailures.note(e);
                  }
                });
      }
    }
  }
}
