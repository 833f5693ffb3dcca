package dev.jinx.agent.point.http.jetty;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.fault.BodyFlow;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.point.http.JettyInside;
import dev.jinx.agent.weave.Access;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.net.URI;
import java.nio.ByteBuffer;
import java.util.ArrayList;
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
import org.eclipse.jetty.util.Jetty;
import org.eclipse.jetty.util.Promise;
import org.jspecify.annotations.Nullable;

/** Compiled against Jetty 12; for 12.0 and 12.1. */
public final class JettyAdapter implements JettyInside {

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
    NoNetwork endPoint = new NoNetwork(client(exchange), onWrite);
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
    List<Object> fields = new ArrayList<>();
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
    return new OtherBody(ByteBuffer.wrap(body));
  }

  @Override
  public Body flowing(Object receiver, Object exchange, BodyFlow flow) {
    return new FlowingBody(this, (HttpReceiver) receiver, (HttpExchange) exchange, flow);
  }

  /** The client's receiver is to read once more. */
  void available(HttpReceiver receiver, HttpExchange exchange) {
    try {
      handles().available().invoke(receiver, exchange);
    } catch (Throwable e) {
      OwnFailures.note(e);
    }
  }
}
