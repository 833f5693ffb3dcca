package dev.jinx.agent.point.http;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Fault;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.point.Adapters;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.HookPoint;
import dev.jinx.agent.point.Point;
import dev.jinx.agent.point.tls.TlsFailures;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.Landmark;
import dev.jinx.agent.weave.MethodHook;
import dev.jinx.agent.weave.Original;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Every HTTP client that is built on Netty's own codecs: Reactor Netty, AsyncHttpClient, Vert.x.
 * Each request passes the client's codec on its way out, once an attempt, above the connection and
 * beneath all that the client makes of it. There a handler takes the exchange over, and leaves the
 * pipeline when it is over. What goes wrong before a connection stands is for {@link
 * NettyConnecting}, where it is known how the client connects.
 */
public final class NettyHttp extends HookPoint implements Point {
  static final String NAME = "netty";
  static final String REACTOR = "reactor-netty";
  static final String ASYNC = "async-http-client";
  static final String VERTX = "vertx";

  /** The clients of which it is known how they connect: name and what their handlers begin with. */
  private static final String[][] KNOWN = {
    {REACTOR, "reactor.netty."}, {ASYNC, "org.asynchttpclient."}, {VERTX, "io.vertx."}
  };

  private static final String CODEC = "io/netty/channel/CombinedChannelDuplexHandler";
  private static final String WRITE =
      "(Lio/netty/channel/ChannelHandlerContext;Ljava/lang/Object;Lio/netty/channel/ChannelPromise;)V";
  private static final int BOUND = 1024;

  /** Netty's part. A context is that of the codec, a message one that is written to it. */
  public interface Netty {
    /** Whether a message begins an exchange of a client's. */
    boolean begins(Object context, Object message);

    String method(Object message);

    /** The path and the query, or a whole URI where a proxy is asked. */
    String uri(Object message);

    @Nullable String header(Object message, String name);

    boolean isSecure(Object context);

    /** The peer's host and port; null where it has none. */
    @Nullable String peer(Object context);

    /** Whether the class of a handler of that pipeline begins with that. */
    boolean has(Object context, String classPrefix);

    // ---- what Netty throws on a channel of that class

    Throwable connectionRefused(Class<?> channel, InetSocketAddress address);

    Throwable connectTimedOut(Class<?> channel, long millis, InetSocketAddress address);

    Throwable connectionReset(Class<?> channel);
  }

  /** The handler that takes exchanges over. */
  public interface Exchanges {
    /** Whether an exchange on that connection is in the hands of an injection already. */
    boolean isTaken(Object context);

    /**
     * @param clock whether some clock of the client's runs that no handler tells of
     */
    void take(
        Injection injection,
        Spelling spelling,
        boolean clock,
        Object context,
        Object message,
        Object promise)
        throws Exception;
  }

  /** How failures are spelled. */
  public interface Spelling {
    /**
     * @param millis how long the client waits for a connection
     * @param peer where it is, or would be, connected
     */
    Throwable make(Failure failure, Class<?> channel, long millis, @Nullable SocketAddress peer)
        throws Throwable;
  }

  static Adapters<Netty> adapters(Access access) {
    return new Adapters<>("dev.jinx.agent.point.http.NettyInside", Netty.class, access);
  }

  private final Adapters<Netty> adapters;
  private final Adapters<Exchanges> exchanges;

  private final Exceptions exceptions;
  private final Map<String, String[]> authorities = new ConcurrentHashMap<>();

  public NettyHttp(Armory armory, Access access, Exceptions exceptions) {
    super(armory, Operation.HTTP_EXCHANGE);
    this.adapters = adapters(access);
    this.exchanges =
        new Adapters<>("dev.jinx.agent.point.http.NettyExchange", Exchanges.class, access);
    this.exceptions = exceptions;
  }

  @Override
  public String client() {
    return NAME;
  }

  @Override
  public List<ClassHooks> classes() {
    List<MethodHook> write = List.of(on("write", WRITE, MethodHook.FIRST_TWO));
    return List.of(
        new ClassHooks(NAME, CODEC, write),
        new ClassHooks(NAME, "io/netty/handler/codec/MessageToMessageCodec", write));
  }

  @Override
  public List<Landmark> landmarks() {
    return List.of(
        new Landmark(
            client(), "io/netty/handler/codec/http/HttpClientCodec", List.of(List.of(CODEC))));
  }

  private Netty netty(Object context) {
    return adapters.of(context.getClass());
  }

  // ---- reading a call

  @Override
  protected boolean concerns(Object context, @Nullable Object message) {
    return message != null && netty(context).begins(context, message);
  }

  /** One at a time: a client that sends its next request before the answer keeps to the rest. */
  @Override
  public boolean counts(Object context, @Nullable Object message) {
    return !exchanges.of(context.getClass()).isTaken(context);
  }

  @Override
  public boolean carries(Fault fault, Object context, @Nullable Object message) {
    // the others have failed, or not, before they had a connection
    return !NettyConnecting.isFor(fault) || client(netty(context), context).equals(NAME);
  }

  @Override
  public @Nullable String read(
      Field field, @Nullable String name, Object context, @Nullable Object message) {
    Netty netty = netty(context);
    Object request = Objects.requireNonNull(message);
    return switch (field) {
      case METHOD -> netty.method(request);
      case SCHEME -> scheme(netty, context);
      case HOST -> authority(netty, context, request)[0];
      case PORT -> port(netty, context, request);
      case PATH -> RequestTarget.path(target(netty.uri(request)));
      case QUERY -> RequestTarget.query(target(netty.uri(request)));
      case HEADER -> name == null ? null : netty.header(request, name);
      case CLIENT -> client(netty, context);
      default -> null;
    };
  }

  private static String client(Netty netty, Object context) {
    for (String[] each : KNOWN) {
      if (netty.has(context, each[1])) {
        return each[0];
      }
    }
    return NAME;
  }

  private static String scheme(Netty netty, Object context) {
    return netty.isSecure(context) ? "https" : "http";
  }

  private String port(Netty netty, Object context, Object request) {
    String port = authority(netty, context, request)[1];
    return port.isEmpty() ? RequestTarget.port(scheme(netty, context), 0) : port;
  }

  /** Host and port, either empty where it is not said; split once for each text. */
  private String[] authority(Netty netty, Object context, Object request) {
    String text = netty.uri(request);
    int begin = text.startsWith("/") ? -1 : text.indexOf("://");
    if (begin >= 0) {
      int end = text.indexOf('/', begin + 3);
      text = text.substring(begin + 3, end < 0 ? text.length() : end);
    } else {
      String host = netty.header(request, "host");
      text = host == null || host.isEmpty() ? netty.peer(context) : host;
    }
    if (text == null) {
      return new String[] {"", ""};
    }
    String[] known = authorities.get(text);
    if (known == null) {
      if (authorities.size() >= BOUND) {
        authorities.clear();
      }
      known = split(text.substring(text.lastIndexOf('@') + 1));
      authorities.put(text, known);
    }
    return known;
  }

  private static String[] split(String text) {
    int colon = text.lastIndexOf(':');
    boolean hasPort = colon >= 0 && colon > text.lastIndexOf(']');
    String host = hasPort ? text.substring(0, colon) : text;
    String plain = RequestTarget.host(host);
    return new String[] {plain == null ? "" : plain, hasPort ? text.substring(colon + 1) : ""};
  }

  /** The path and query of what may be a whole URI. */
  private static String target(String uri) {
    if (uri.startsWith("/")) {
      return uri;
    }
    int begin = uri.indexOf("://");
    int path = begin < 0 ? 0 : uri.indexOf('/', begin + 3);
    return path < 0 ? "/" : uri.substring(path);
  }

  // ---- carrying out

  @Override
  protected @Nullable Object inject(
      Injection injection, Original original, Object codec, Object[] arguments) throws Exception {
    Object context = arguments[0];
    Netty netty = netty(context);
    String host = read(Field.HOST, null, context, arguments[1]);
    String client = client(netty, context);
    exchanges
        .of(context.getClass())
        .take(
            injection,
            (failure, channel, millis, peer) ->
                spelled(netty, failure, codec, host, channel, millis, peer),
            client.equals(ASYNC) || client.equals(VERTX),
            context,
            arguments[1],
            arguments[2]);
    return null;
  }

  private Throwable spelled(
      Netty netty,
      Failure failure,
      Object near,
      @Nullable String host,
      Class<?> channel,
      long millis,
      @Nullable SocketAddress peer)
      throws ReflectiveOperationException {
    InetSocketAddress address =
        peer instanceof InetSocketAddress it
            ? it
            : InetSocketAddress.createUnresolved(host == null ? "" : host, 0);
    NamedError error = failure instanceof Failure.Named named ? named.error() : null;
    if (error == NamedError.CONNECTION_RESET) {
      return netty.connectionReset(channel);
    } else if (error == NamedError.CONNECTION_REFUSED) {
      return netty.connectionRefused(channel, address);
    } else if (error == NamedError.CONNECT_TIMEOUT) {
      return netty.connectTimedOut(channel, millis, address);
    } else if (error == NamedError.UNKNOWN_HOST) {
      return new UnknownHostException(host);
    }
    return spelled(failure, exceptions, near);
  }

  /** Failures that are none of Netty's own. */
  static Throwable spelled(Failure failure, Exceptions exceptions, Object near)
      throws ReflectiveOperationException {
    if (failure instanceof Failure.Thrown thrown) {
      return exceptions.make(thrown, near);
    }
    return switch (((Failure.Named) failure).error()) {
      case TLS_HANDSHAKE_FAILURE -> TlsFailures.handshake();
      case CERTIFICATE_EXPIRED -> TlsFailures.certificateExpired();
      default -> new IOException(failure.summary());
    };
  }
}
