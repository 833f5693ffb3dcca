package dev.jinx.agent.point.http;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.effect.Cut;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.effect.Reset;
import dev.jinx.agent.effect.Response;
import dev.jinx.agent.fault.BodyFlow;
import dev.jinx.agent.fault.Injection.Waited;
import dev.jinx.agent.weave.Access;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Constructor;
import java.net.ConnectException;
import java.net.ProtocolException;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.util.concurrent.TimeUnit;
import okhttp3.Connection;
import okhttp3.Headers;
import okhttp3.HttpUrl;
import okhttp3.Interceptor;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.internal.connection.BufferedSocket;
import okhttp3.internal.connection.RealConnection;
import okhttp3.internal.connection.RoutePlanner;
import okhttp3.internal.http.ExchangeCodec;
import okhttp3.internal.http2.ErrorCode;
import okhttp3.internal.http2.StreamResetException;
import okio.Buffer;
import okio.BufferedSink;
import okio.BufferedSource;
import okio.Okio;
import okio.Sink;
import okio.Source;
import okio.Timeout;
import org.jspecify.annotations.Nullable;

/**
 * The inside of OkHttp 3.14 to 5.x, compiled against 5.x: methods that only some versions have are
 * called where they are there, or through handles; classes that only 5.x has are touched in {@link
 * Five} alone.
 */
@SuppressWarnings("NullAway.Init") // open() comes first
public final class OkHttpInside implements OkHttp.Inside {
  private static final MethodType GET = MethodType.methodType(Object.class, Object.class);
  private static final MethodType SET =
      MethodType.methodType(void.class, Object.class, Object.class);

  private MethodHandles.Lookup connection;
  private Class<?> connectionClass;
  private MethodHandle noNewExchanges;
  private MethodHandle routeFailureCount;
  private MethodHandle countRouteFailure;
  private MethodHandle routeSelectorCall;
  private MethodHandle lastConnection;
  private Constructor<?> http1Codec;
  private @Nullable MethodHandle transmitter;
  private @Nullable MethodHandle trailers;
  private @Nullable Five five;

  @Override
  public void open(Access access, ClassLoader library) throws ReflectiveOperationException {
    String internal = "okhttp3.internal.";
    connectionClass = find(library, internal + "connection.RealConnection");
    connection = access.in(connectionClass);
    noNewExchanges = connection.findSetter(connectionClass, "noNewExchanges", boolean.class);
    routeFailureCount = connection.findGetter(connectionClass, "routeFailureCount", int.class);
    countRouteFailure = connection.findSetter(connectionClass, "routeFailureCount", int.class);
    http1Codec = find(library, internal + "http1.Http1ExchangeCodec").getConstructors()[0];
    routeSelectorCall = call(access, find(library, internal + "connection.RouteSelector"));
    Class<?> carrier;
    if (has(library, internal + "connection.Transmitter")) {
      carrier = find(library, internal + "connection.Transmitter");
      transmitter =
          MethodHandles.publicLookup()
              .findVirtual(
                  find(library, internal + "http.RealInterceptorChain"),
                  "transmitter",
                  MethodType.methodType(carrier))
              .asType(GET);
    } else {
      carrier = find(library, internal + "connection.RealCall");
    }
    lastConnection =
        access.in(carrier).findGetter(carrier, "connection", connectionClass).asType(GET);
    if (has(library, internal + "connection.ConnectPlan")) {
      five = new Five(this, access, find(library, internal + "connection.ConnectPlan"));
    } else {
      trailers =
          MethodHandles.publicLookup()
              .findVirtual(ExchangeCodec.class, "trailers", MethodType.methodType(Headers.class));
    }
  }

  private static boolean has(ClassLoader library, String name) {
    try {
      find(library, name);
      return true;
    } catch (ClassNotFoundException e) {
      return false;
    }
  }

  private static Class<?> find(ClassLoader library, String name) throws ClassNotFoundException {
    return Class.forName(name, false, library);
  }

  private static MethodHandle getter(Access access, Class<?> type, String... names)
      throws ReflectiveOperationException {
    for (java.lang.reflect.Field field : type.getDeclaredFields()) {
      for (String name : names) {
        if (field.getName().equals(name)) {
          return access.in(type).unreflectGetter(field).asType(GET);
        }
      }
    }
    throw new NoSuchFieldException(type.getName() + "." + String.join(" or ", names));
  }

  /** The call behind an object; in 5.0 to 5.2, behind its {@code ConnectionUser}. */
  private static MethodHandle call(Access access, Class<?> type)
      throws ReflectiveOperationException {
    MethodHandle getter = getter(access, type, "call", "user", "connectionUser");
    ClassLoader library = type.getClassLoader();
    String user = "okhttp3.internal.connection.CallConnectionUser";
    return has(library, user)
        ? MethodHandles.filterReturnValue(getter, getter(access, find(library, user), "call"))
        : getter;
  }

  private static @Nullable Object get(MethodHandle getter, Object from) {
    try {
      return (Object) getter.invokeExact(from);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  private static Object present(@Nullable Object value) {
    if (value == null) {
      throw new IllegalStateException();
    }
    return value;
  }

  private void set(Object on, String field, Class<?> type, Object value) {
    try {
      connection.findSetter(connectionClass, field, type).asType(SET).invokeExact(on, value);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Arguments for a constructor whose parameters differ from version to version, by their types.
   */
  private static Object make(Constructor<?> constructor, @Nullable Object... known) {
    Class<?>[] types = constructor.getParameterTypes();
    @Nullable Object[] arguments = new @Nullable Object[types.length];
    for (int i = 0; i < types.length; i++) {
      arguments[i] = types[i] == int.class ? 0 : null;
      for (Object each : known) {
        if (types[i].isInstance(each)) {
          arguments[i] = each;
          break;
        }
      }
    }
    try {
      return constructor.newInstance(arguments);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  // ---- reading a call

  @Override
  public @Nullable String read(Field field, @Nullable String name, Object chain) {
    Request request = ((Interceptor.Chain) chain).request();
    HttpUrl url = request.url();
    return switch (field) {
      case SCHEME -> url.scheme();
      case HOST -> url.host();
      case PORT -> Integer.toString(url.port());
      case METHOD -> request.method();
      case PATH -> url.encodedPath();
      case QUERY -> url.encodedQuery();
      case HEADER -> name == null ? null : request.header(name);
      default -> null;
    };
  }

  @Override
  public Object call(Object chain) {
    return ((Interceptor.Chain) chain).call();
  }

  @Override
  public Object carrier(Object chain) {
    return transmitter == null ? call(chain) : present(get(transmitter, chain));
  }

  @Override
  public @Nullable Object callOf(Object part) {
    String type = part.getClass().getSimpleName();
    if (type.equals("RouteSelector")) {
      return get(routeSelectorCall, part);
    }
    return five == null ? null : five.callOf(part);
  }

  @Override
  public int connectTimeout(Object chain) {
    return ((Interceptor.Chain) chain).connectTimeoutMillis();
  }

  @Override
  public int readTimeout(Object chain) {
    return ((Interceptor.Chain) chain).readTimeoutMillis();
  }

  // ---- connections

  @Override
  public void forgetConnection(Object carrier) {
    Object last = get(lastConnection, carrier);
    if (last != null) {
      noNewExchanges(last);
    }
  }

  private void noNewExchanges(Object on) {
    try {
      noNewExchanges.invoke(on, true);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void pretendConnected(Object unconnected) {
    Socket socket = new Socket();
    set(unconnected, "rawSocket", Socket.class, socket);
    set(unconnected, "socket", Socket.class, socket);
    set(unconnected, "source", BufferedSource.class, new Buffer());
    set(unconnected, "sink", BufferedSink.class, new Buffer());
    set(unconnected, "protocol", Protocol.class, protocol(((Connection) unconnected).route()));
    noNewExchanges(unconnected);
  }

  private static Protocol protocol(okhttp3.Route route) {
    Protocol known = Protocol.H2_PRIOR_KNOWLEDGE;
    return route.address().protocols().contains(known) ? known : Protocol.HTTP_1_1;
  }

  @Override
  public Object pretendTcp(Object plan) {
    return Five.connected(plan);
  }

  @Override
  public Object pretendTls(Object plan) {
    return ((Five) present(five)).pretendTls(plan);
  }

  @Override
  public Object codec(
      OkHttp.Attempt attempt,
      Object connection,
      Object client,
      Object chain,
      @Nullable Object real) {
    return new Codec(
        this,
        attempt,
        (Connection) connection,
        client,
        (Interceptor.Chain) chain,
        (ExchangeCodec) real);
  }

  /** What only 5.x has. */
  private static final class Five {
    private final OkHttpInside inside;
    private final Constructor<?> constructor;
    private final MethodHandle taskRunner;
    private final MethodHandle pool;
    private final MethodHandle listener;
    private final MethodHandle call;
    private final MethodHandle setConnection;
    private final @Nullable MethodHandle userCall;

    Five(OkHttpInside inside, Access access, Class<?> plan) throws ReflectiveOperationException {
      this.inside = inside;
      constructor = inside.connectionClass.getDeclaredConstructors()[0];
      taskRunner = getter(access, plan, "taskRunner");
      pool = getter(access, plan, "connectionPool");
      ClassLoader library = plan.getClassLoader();
      listener =
          getter(
              access,
              find(library, "okhttp3.internal.connection.RealConnectionPool"),
              "connectionListener");
      call = call(access, plan);
      setConnection =
          access.in(plan).findSetter(plan, "connection", inside.connectionClass).asType(SET);
      String user = "okhttp3.internal.connection.CallConnectionUser";
      userCall = has(library, user) ? getter(access, find(library, user), "call") : null;
    }

    private static MethodHandle call(Access access, Class<?> plan)
        throws ReflectiveOperationException {
      return OkHttpInside.call(access, plan);
    }

    @Nullable Object callOf(Object part) {
      if (part instanceof RoutePlanner.Plan) {
        return get(call, part);
      }
      return userCall == null ? null : get(userCall, part);
    }

    static Object connected(Object plan) {
      return new RoutePlanner.ConnectResult((RoutePlanner.Plan) plan, null, null);
    }

    Object pretendTls(Object plan) {
      okhttp3.Route route = ((ExchangeCodec.Carrier) plan).getRoute();
      Object pretended =
          make(
              constructor,
              get(taskRunner, plan),
              get(pool, plan),
              get(listener, present(get(pool, plan))),
              route,
              new Socket(),
              protocol(route),
              new Buffer(),
              takesSockets(constructor) ? new Canned(new Buffer(), new Buffer()) : null);
      inside.noNewExchanges(pretended);
      try {
        setConnection.invokeExact(plan, pretended);
      } catch (Throwable e) {
        throw new IllegalStateException(e);
      }
      return connected(plan);
    }

    /** From 5.2 on, the two streams of a connection come as one. */
    static boolean takesSockets(Constructor<?> constructor) {
      for (Class<?> type : constructor.getParameterTypes()) {
        if (type.getSimpleName().equals("BufferedSocket")) {
          return true;
        }
      }
      return false;
    }

    private record Canned(BufferedSource getSource, BufferedSink getSink)
        implements BufferedSocket {
      @Override
      public void cancel() {}
    }

    static Object canned(BufferedSource source, BufferedSink sink) {
      return new Canned(source, sink);
    }
  }

  // ---- the exchange

  /** What a codec reads that has no connection. */
  private static final class Wire implements Source {
    private final Buffer bytes = new Buffer();
    private final @Nullable Throwable failure;
    private final Timeout timeout = new Timeout();

    /**
     * @param what the bytes of an answer, none for the end of the stream; or what a read throws
     */
    Wire(Object what) {
      failure = what instanceof Throwable thrown ? thrown : null;
      if (what instanceof byte[] answer) {
        bytes.write(answer);
      }
    }

    @Override
    public long read(Buffer sink, long count) {
      if (failure != null) {
        Wire.<RuntimeException>raise(failure);
      }
      return bytes.read(sink, count);
    }

    @SuppressWarnings("unchecked")
    private static <E extends Throwable> void raise(Throwable failure) throws E {
      throw (E) failure;
    }

    @Override
    public Timeout timeout() {
      return timeout;
    }

    @Override
    public void close() {}
  }

  /** The codec of one attempt: the real one, or one of ours in its place. */
  static final class Codec implements ExchangeCodec {
    private final OkHttpInside inside;
    private final OkHttp.Attempt attempt;
    private final Connection connection;
    private final Object client;
    private final Interceptor.Chain chain;
    private final boolean http2;
    private final @Nullable ExchangeCodec real;
    private @Nullable Request request;
    private @Nullable ExchangeCodec canned;

    Codec(
        OkHttpInside inside,
        OkHttp.Attempt attempt,
        Connection connection,
        Object client,
        Interceptor.Chain chain,
        @Nullable ExchangeCodec real) {
      this.inside = inside;
      this.attempt = attempt;
      this.connection = connection;
      this.client = client;
      this.chain = chain;
      this.real = real;
      Protocol protocol = connection.protocol();
      http2 = protocol == Protocol.HTTP_2 || protocol == Protocol.H2_PRIOR_KNOWLEDGE;
    }

    private ExchangeCodec current() {
      ExchangeCodec current = canned == null ? real : canned;
      if (current == null) {
        throw new IllegalStateException();
      }
      return current;
    }

    // by what name a version asks for it

    public RealConnection connection() {
      return (RealConnection) connection;
    }

    public RealConnection getConnection() {
      return (RealConnection) connection;
    }

    @Override
    public Carrier getCarrier() {
      return (Carrier) (Object) connection;
    }

    @Override
    public okio.Socket getSocket() {
      return current().getSocket();
    }

    @Override
    public boolean isResponseComplete() {
      return current().isResponseComplete();
    }

    @Override
    public @Nullable Headers peekTrailers() throws IOException {
      return current().peekTrailers();
    }

    public Headers trailers() throws Throwable {
      return (Headers) ((MethodHandle) present(inside.trailers)).invoke(current());
    }

    // the request

    @Override
    public void writeRequestHeaders(Request request) throws IOException {
      this.request = request;
      Object instead = real == null ? attempt.instead() : attempt.hold(Phase.BEFORE, http2);
      if (instead == null) {
        current().writeRequestHeaders(request);
      } else {
        replace(instead);
      }
    }

    @Override
    public Sink createRequestBody(Request request, long contentLength) throws IOException {
      return canned == null
          ? current().createRequestBody(request, contentLength)
          : Okio.blackhole();
    }

    @Override
    public void flushRequest() throws IOException {
      if (canned == null) {
        current().flushRequest();
      }
    }

    @Override
    public void finishRequest() throws IOException {
      if (canned == null) {
        current().finishRequest();
      }
    }

    // its answer

    @Override
    public okhttp3.Response.@Nullable Builder readResponseHeaders(boolean expectContinue)
        throws IOException {
      okhttp3.Response.Builder answer = current().readResponseHeaders(expectContinue);
      if (canned == null && answer != null && attempt.hasAfter() && isFinal(answer)) {
        Object instead = attempt.hold(Phase.AFTER, http2);
        if (instead != null) {
          discard();
          replace(instead);
          answer = current().readResponseHeaders(expectContinue);
        }
      }
      // a canned answer is read as HTTP/1.1, whatever the connection speaks
      return canned != null && answer != null && http2
          ? answer.protocol(connection.protocol()).message("")
          : answer;
    }

    private boolean isFinal(okhttp3.Response.Builder answer) {
      return answer.request(chain.request()).build().code() >= 200;
    }

    @Override
    public long reportedContentLength(okhttp3.Response response) throws IOException {
      return current().reportedContentLength(response);
    }

    @Override
    public Source openResponseBodySource(okhttp3.Response response) throws IOException {
      Source body = current().openResponseBodySource(response);
      BodyFlow flow = attempt.flow();
      return flow == null ? body : new FlowingBody(body, flow, isDelimited(response));
    }

    private boolean isDelimited(okhttp3.Response response) {
      return response.header("Content-Length") != null
          || response.header("Transfer-Encoding") != null;
    }

    @Override
    public void cancel() {
      attempt.cancel();
      if (real != null) {
        real.cancel();
      } else if (!http2) {
        ((RealConnection) connection).cancel();
      }
    }

    // what comes instead

    private void replace(Object instead) throws IOException {
      Object wire = wire(instead);
      BufferedSource source = Okio.buffer(new Wire(wire));
      BufferedSink sink = Okio.buffer(Okio.blackhole());
      Constructor<?> constructor = inside.http1Codec;
      canned =
          (ExchangeCodec)
              make(
                  constructor,
                  client,
                  connection,
                  source,
                  sink,
                  Five.takesSockets(constructor) ? Five.canned(source, sink) : null);
      Request written = request;
      if (written != null) {
        canned.writeRequestHeaders(written);
      }
    }

    /** The bytes of an answer, or the exception of a read, as observed of each protocol. */
    private Object wire(Object instead) {
      if (instead instanceof Response response) {
        return attempt.bytes(response);
      }
      if (instead instanceof NamedError error) {
        return named(error);
      }
      if (instead == Waited.CLOSED) {
        return cancelled();
      }
      if (instead == Waited.INTERRUPTED) {
        return http2 ? new InterruptedIOException() : new SocketException("Closed by interrupt");
      }
      return instead;
    }

    private Object named(NamedError error) {
      return switch (error) {
        case READ_TIMEOUT -> timedOut();
        case CONNECTION_RESET -> reset();
        case UNEXPECTED_EOF -> http2 ? cancelled() : new byte[0];
        default -> connecting(error);
      };
    }

    private IOException timedOut() {
      IOException timeout = new SocketTimeoutException("timeout");
      if (!http2) {
        // by the client's own clock, which closes the socket
        timeout.initCause(new SocketException("Socket closed"));
      }
      return timeout;
    }

    private IOException reset() {
      if (http2) {
        unfit();
      }
      return new SocketException("Connection reset");
    }

    /** What is left of a stream, or of a connection, when it is closed from this side. */
    private IOException cancelled() {
      return http2
          ? new StreamResetException(ErrorCode.CANCEL)
          : new SocketException("Socket closed");
    }

    /** In the second phase: it has connected in truth. */
    private IOException connecting(NamedError error) {
      IOException cause = attempt.connecting(error);
      if (cause instanceof ConnectException) {
        IOException failed =
            new ConnectException("Failed to connect to " + connection.route().socketAddress());
        failed.initCause(cause);
        return failed;
      }
      return cause;
    }

    private void discard() {
      if (real != null) {
        real.cancel();
      }
      if (!http2) {
        inside.noNewExchanges(connection);
      }
    }

    /**
     * No other call gets this connection, as after the loss of it. Its other streams go on: they
     * have not been decided on.
     */
    private void unfit() {
      inside.noNewExchanges(connection);
      try {
        int count = (int) inside.routeFailureCount.invoke(connection);
        inside.countRouteFailure.invoke(connection, count + 1);
      } catch (Throwable e) {
        throw new IllegalStateException(e);
      }
    }

    /** The body of an answer, slow or cut short. */
    private final class FlowingBody implements Source {
      private final Source body;
      private final BodyFlow flow;
      private final boolean delimited;

      FlowingBody(Source body, BodyFlow flow, boolean delimited) {
        this.body = body;
        this.flow = flow;
        this.delimited = delimited;
      }

      @Override
      public long read(Buffer sink, long count) throws IOException {
        long portion = count <= 0 ? count : flow.portion(count);
        if (portion == 0 && count > 0) {
          Cut cut = flow.cut();
          if (cut != null) {
            return cut(cut);
          }
          portion = count; // it was cleared this moment
        }
        long read = body.read(sink, portion);
        if (read > 0) {
          int millis = chain.readTimeoutMillis();
          long limit = millis == 0 ? Long.MAX_VALUE : TimeUnit.MILLISECONDS.toNanos(millis);
          switch (flow.await(read, limit, http2)) {
            case ELAPSED -> flow.passed(read);
            case TIMED_OUT -> throw lost(timedOut());
            case INTERRUPTED -> throw lost(new InterruptedIOException());
            case CLOSED -> throw lost(cancelled());
          }
        }
        return read;
      }

      private long cut(Cut cut) throws IOException {
        if (cut instanceof Reset) {
          throw lost(reset());
        }
        if (http2) {
          throw lost(cancelled());
        }
        if (delimited) {
          throw lost(new ProtocolException("unexpected end of stream"));
        }
        discard();
        return -1;
      }

      private IOException lost(IOException failure) {
        discard();
        return failure;
      }

      @Override
      public Timeout timeout() {
        return body.timeout();
      }

      @Override
      public void close() throws IOException {
        flow.close();
        body.close();
      }
    }
  }
}
