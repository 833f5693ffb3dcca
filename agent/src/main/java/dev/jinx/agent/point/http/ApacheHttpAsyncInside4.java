package dev.jinx.agent.point.http;

import static java.util.Objects.requireNonNull;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.call.Kind;
import dev.jinx.agent.effect.Cut;
import dev.jinx.agent.effect.Ending;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.effect.Reset;
import dev.jinx.agent.effect.Response;
import dev.jinx.agent.fault.BodyFlow;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.point.AsyncCall;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.WeakIdentityMap;
import dev.jinx.agent.weave.Access;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.Selector;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLSession;
import org.apache.commons.logging.LogFactory;
import org.apache.http.ConnectionClosedException;
import org.apache.http.Header;
import org.apache.http.HttpConnectionMetrics;
import org.apache.http.HttpEntity;
import org.apache.http.HttpEntityEnclosingRequest;
import org.apache.http.HttpException;
import org.apache.http.HttpHost;
import org.apache.http.HttpRequest;
import org.apache.http.HttpResponse;
import org.apache.http.HttpVersion;
import org.apache.http.client.config.RequestConfig;
import org.apache.http.client.methods.HttpRequestWrapper;
import org.apache.http.client.protocol.HttpClientContext;
import org.apache.http.concurrent.FutureCallback;
import org.apache.http.conn.routing.HttpRoute;
import org.apache.http.entity.BasicHttpEntity;
import org.apache.http.impl.EnglishReasonPhraseCatalog;
import org.apache.http.impl.HttpConnectionMetricsImpl;
import org.apache.http.impl.io.HttpTransportMetricsImpl;
import org.apache.http.impl.nio.codecs.ChunkDecoder;
import org.apache.http.impl.nio.codecs.LengthDelimitedDecoder;
import org.apache.http.impl.nio.conn.ManagedNHttpClientConnectionFactory;
import org.apache.http.impl.nio.conn.PoolingNHttpClientConnectionManager;
import org.apache.http.impl.nio.reactor.IOReactorConfig;
import org.apache.http.impl.nio.reactor.SessionInputBufferImpl;
import org.apache.http.message.BasicHttpResponse;
import org.apache.http.message.BasicStatusLine;
import org.apache.http.nio.ContentDecoder;
import org.apache.http.nio.ContentEncoder;
import org.apache.http.nio.IOControl;
import org.apache.http.nio.NHttpClientConnection;
import org.apache.http.nio.NHttpConnection;
import org.apache.http.nio.conn.ManagedNHttpClientConnection;
import org.apache.http.nio.conn.NHttpClientConnectionManager;
import org.apache.http.nio.protocol.HttpAsyncClientExchangeHandler;
import org.apache.http.nio.protocol.HttpAsyncRequestExecutor;
import org.apache.http.nio.reactor.ConnectingIOReactor;
import org.apache.http.nio.reactor.IOSession;
import org.apache.http.nio.reactor.SessionRequest;
import org.apache.http.nio.reactor.SessionRequestCallback;
import org.apache.http.pool.PoolEntry;
import org.apache.http.protocol.BasicHttpContext;
import org.apache.http.protocol.HttpContext;
import org.apache.http.util.VersionInfo;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of one exchange of Apache HttpAsyncClient 4.1. Where there is to be no connection,
 * the client's own handler of the exchange is given a {@link StandIn}, on which the library's own
 * {@link HttpAsyncRequestExecutor} plays what it does on a real one; where something happens to a
 * real answer, a {@link Watched} handler stands between the connection and the client's own.
 */
final class ApacheHttpAsyncInside4 implements ApacheHttpAsyncClient4.Inside {
  private static final InetSocketAddress NO_ADDRESS = InetSocketAddress.createUnresolved("", 0);
  private static final HttpAsyncRequestExecutor EXECUTOR = new HttpAsyncRequestExecutor();
  private static final String HANDLER = HttpAsyncRequestExecutor.HTTP_HANDLER;
  private static final Pattern NUMBER = Pattern.compile("\\d+");

  private final WeakIdentityMap<ConnectingIOReactor, Turns> turns = new WeakIdentityMap<>();

  @SuppressWarnings("NullAway.Init") // open() comes first
  private Access access;

  @SuppressWarnings("NullAway.Init")
  private Exceptions exceptions;

  @SuppressWarnings("NullAway.Init")
  private Map<Object, AsyncCall<?>> calls;

  @SuppressWarnings("NullAway.Init")
  private Map<AsyncCall<?>, Object> held;

  @SuppressWarnings("NullAway.Init")
  private MethodHandle route;

  @SuppressWarnings("NullAway.Init")
  private MethodHandle request;

  @SuppressWarnings("NullAway.Init")
  private MethodHandle connection;

  @SuppressWarnings("NullAway.Init")
  private MethodHandle established;

  @SuppressWarnings("NullAway.Init")
  private Class<?> handlerClass;

  @Override
  public void open(
      Access access,
      Class<?> handler,
      Exceptions exceptions,
      Map<Object, AsyncCall<?>> calls,
      Map<AsyncCall<?>, Object> held) {
    this.access = access;
    this.exceptions = exceptions;
    this.calls = calls;
    this.held = held;
    try {
      handlerClass = handler.getSuperclass();
      MethodHandles.Lookup lookup = access.in(handlerClass);
      route = getter(lookup, "routeRef");
      request = getter(lookup, "requestRef");
      connection = getter(lookup, "managedConnRef");
      established = getter(lookup, "routeEstablished");
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  private MethodHandle getter(MethodHandles.Lookup lookup, String name)
      throws ReflectiveOperationException {
    return lookup
        .unreflectGetter(handlerClass.getDeclaredField(name))
        .asType(MethodType.methodType(Object.class, Object.class));
  }

  private static Object get(MethodHandle field, Object from) {
    try {
      return (Object) field.invokeExact(from);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  // ---- reading a call

  @Override
  public @Nullable Object request(Object handler) {
    return ((AtomicReference<?>) get(request, handler)).get();
  }

  @Override
  public boolean isConnected(Object handler) {
    return ((AtomicBoolean) get(established, handler)).get();
  }

  private HttpRoute route(Object handler) {
    return (HttpRoute) requireNonNull(((AtomicReference<?>) get(route, handler)).get());
  }

  private @Nullable NHttpClientConnection connection(Object handler) {
    return (NHttpClientConnection) ((AtomicReference<?>) get(connection, handler)).get();
  }

  @Override
  public @Nullable String read(Field field, @Nullable String name, Object handler) {
    HttpHost target = route(handler).getTargetHost();
    HttpRequestWrapper sent = (HttpRequestWrapper) request(handler);
    if (sent == null) {
      return null;
    }
    return switch (field) {
      case SCHEME -> target.getSchemeName();
      case HOST -> target.getHostName();
      case PORT -> Integer.toString(target.getPort());
      case METHOD -> sent.getMethod();
      case PATH -> {
        URI uri = sent.getURI();
        yield uri == null ? sent.getRequestLine().getUri() : uri.getRawPath();
      }
      case QUERY -> {
        URI uri = sent.getURI();
        yield uri == null
            ? sent.getRequestLine().getUri()
            : uri.getRawQuery() == null ? null : "?" + uri.getRawQuery();
      }
      case HEADER -> {
        Header header = sent.getFirstHeader(name);
        yield header == null ? null : header.getValue();
      }
      default -> null;
    };
  }

  @Override
  public void begin(Injection injection, Object handler, boolean connected) {
    Call call = new Call(injection, (HttpAsyncClientExchangeHandler) handler);
    calls.put(handler, call);
    if (connected) {
      // not at once: the connection's own work on it is not over
      call.run(
          () -> {
            call.invoke("releaseConnection");
            call.begin();
          });
    } else {
      call.begin();
    }
  }

  @Override
  public void sending(AsyncCall<?> call, Object handler) {
    NHttpClientConnection connection = connection(handler);
    if (connection != null && call instanceof Call its && its.watches) {
      HttpContext context = connection.getContext();
      if (context.getAttribute(HANDLER) == handler) {
        context.setAttribute(HANDLER, new Watched(its, connection));
      }
    }
  }

  // ---- the client's inside

  /** A private field of that object's, null where it has none. */
  private @Nullable Object field(Object of, String name) {
    try {
      for (Class<?> type = of.getClass(); type != null; type = type.getSuperclass()) {
        for (java.lang.reflect.Field field : type.getDeclaredFields()) {
          if (field.getName().equals(name)) {
            return access.in(type).unreflectGetter(field).invoke(of);
          }
        }
      }
      return null;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /** The work that waits for the client's reactor; one request at a time brings all of it there. */
  private static final class Turns {
    final Queue<Runnable> work = new ConcurrentLinkedQueue<>();
    final AtomicBoolean asked = new AtomicBoolean();
  }

  private void onReactor(ConnectingIOReactor reactor, Runnable work) {
    Turns its = turns.computeIfAbsent(reactor, it -> new Turns());
    its.work.add(work);
    if (!its.asked.compareAndSet(false, true)) {
      return;
    }
    Runnable all =
        () -> {
          its.asked.set(false);
          for (Runnable next = its.work.poll(); next != null; next = its.work.poll()) {
            try {
              next.run();
            } catch (Throwable e) {
              // the reactor would die of it
              OwnFailures.note(e);
            }
          }
          // behind a request that fails, the reactor leaves those that follow for its next turn
          if (field(reactor, "selector") instanceof Selector selector) {
            selector.wakeup();
          }
        };
    try {
      reactor.connect(
          NO_ADDRESS,
          NO_ADDRESS,
          null,
          new SessionRequestCallback() {
            @Override
            public void completed(SessionRequest never) {
              all.run();
            }

            @Override
            public void failed(SessionRequest asItShould) {
              all.run();
            }

            @Override
            public void timeout(SessionRequest never) {
              all.run();
            }

            @Override
            public void cancelled(SessionRequest request) {
              all.run();
            }
          });
    } catch (RuntimeException closed) {
      apart(all);
    }
  }

  private static void apart(Runnable work) {
    var thread = new Thread(work, "httpasyncclient-closed");
    thread.setDaemon(true);
    thread.start();
  }

  // ---- one exchange

  private final class Call extends AsyncCall<Watched> {
    final HttpAsyncClientExchangeHandler handler;
    final HttpRoute route;
    final HttpClientContext context;
    final NHttpClientConnectionManager manager;
    final @Nullable ConnectingIOReactor reactor;
    boolean watches;
    private InetAddress[] addresses = {};
    private @Nullable Watched watched;
    private volatile boolean onReactor;

    Call(Injection injection, HttpAsyncClientExchangeHandler handler) {
      super(injection);
      this.handler = handler;
      this.route = route(handler);
      this.context = requireNonNull((HttpClientContext) field(handler, "localContext"));
      this.manager = requireNonNull((NHttpClientConnectionManager) field(handler, "connmgr"));
      this.reactor = (ConnectingIOReactor) field(manager, "ioReactor");
    }

    @Nullable BodyFlow flow() {
      return injection.flow();
    }

    /** A method of the handler's own, without parameters. */
    void invoke(String method) {
      try {
        access
            .in(handlerClass)
            .findVirtual(handlerClass, method, MethodType.methodType(void.class))
            .invoke(handler);
      } catch (Throwable e) {
        throw new IllegalStateException(e);
      }
    }

    // ---- its clocks

    private IOReactorConfig config() {
      return reactor != null && field(reactor, "config") instanceof IOReactorConfig config
          ? config
          : IOReactorConfig.DEFAULT;
    }

    private HttpHost firstHop() {
      return route.getProxyHost() == null ? route.getTargetHost() : route.getProxyHost();
    }

    @Override
    protected long patience(Phase phase, @Nullable Ending planned) {
      RequestConfig config = context.getRequestConfig();
      if (!isWhileConnecting(planned)) {
        return nanos(
            config.getSocketTimeout() > 0 ? config.getSocketTimeout() : config().getSoTimeout());
      }
      try {
        // here, as the real look-up: what comes later is on a thread that must not wait
        addresses = InetAddress.getAllByName(firstHop().getHostName());
      } catch (UnknownHostException e) {
        addresses = new InetAddress[0];
      }
      return nanos(config.getConnectTimeout());
    }

    /** The reactor looks at its clocks once in an interval. */
    private long nanos(int millis) {
      if (millis <= 0) {
        return Long.MAX_VALUE;
      }
      long interval = Math.max(1, config().getSelectInterval());
      return TimeUnit.MILLISECONDS.toNanos((millis + interval - 1) / interval * interval);
    }

    // ---- its threads

    @Override
    protected void run(Runnable work) {
      Runnable there =
          () -> {
            onReactor = true;
            work.run();
          };
      if (reactor == null) {
        apart(there);
      } else {
        ApacheHttpAsyncInside4.this.onReactor(reactor, there);
      }
    }

    private void onReactor(Runnable work) {
      if (onReactor) {
        work.run();
      } else {
        run(work);
      }
    }

    @Override
    protected void held() {
      held.put(this, manager);
    }

    @Override
    protected void released() {
      held.remove(this);
    }

    // ---- its ends

    @Override
    protected void goOn() {
      watches = injection.hasAfter() || injection.flow() != null;
      if (!watches) {
        calls.remove(handler, this);
        injection.finish();
      }
      try (CallScope inside = CallScope.enter(Kind.HTTP)) {
        invoke("requestConnection");
      } catch (IllegalStateException e) {
        handler.failed(e.getCause() instanceof Exception cause ? cause : e);
      }
    }

    @Override
    protected void deliver(Watched real) {
      real.release();
    }

    @Override
    protected void discard(Watched real) {}

    @Override
    protected void failed(Failure failure, Phase phase) throws Throwable {
      end(failure, phase);
    }

    @Override
    protected void outOfPatience(Phase phase, @Nullable Ending planned) throws Throwable {
      end(
          new Failure.Named(
              isWhileConnecting(planned) ? NamedError.CONNECT_TIMEOUT : NamedError.READ_TIMEOUT),
          phase);
    }

    @Override
    protected void cancelled(Phase phase, @Nullable Ending planned) {
      // where the handler was cancelled, this finds it closed
      handler.failed(new ConnectionClosedException("Connection closed unexpectedly"));
    }

    private void end(Failure failure, Phase phase) throws Throwable {
      Watched real = watched;
      if (isWhileConnecting(failure)) {
        Exception cause = connecting(((Failure.Named) failure).error());
        onReactor(() -> handler.failed(cause));
        return;
      }
      Exception thrown = thrown(failure);
      if (phase == Phase.AFTER && real != null) {
        onReactor(() -> real.fail(failure, thrown));
      } else {
        onReactor(() -> withoutOneOfThePool(() -> new StandIn(this).begin(failure, thrown, null)));
      }
    }

    @Override
    protected void answered(Response response, Phase phase) {
      Watched real = watched;
      if (phase == Phase.AFTER && real != null) {
        onReactor(
            () -> {
              real.discard();
              new StandIn(this).answer(response);
            });
      } else {
        onReactor(() -> new StandIn(this).begin(null, null, response));
      }
    }

    /** The real failure would take a connection along that stands in the pool. */
    private void withoutOneOfThePool(Runnable then) {
      if (!(manager instanceof PoolingNHttpClientConnectionManager pool)
          || pool.getStats(route).getAvailable() == 0) {
        then.run();
        return;
      }
      RequestConfig config = context.getRequestConfig();
      var unused =
          pool.requestConnection(
              route,
              context.getUserToken(),
              config.getConnectTimeout(),
              config.getConnectionRequestTimeout(),
              TimeUnit.MILLISECONDS,
              new FutureCallback<NHttpClientConnection>() {
                @Override
                public void completed(NHttpClientConnection connection) {
                  try {
                    connection.shutdown();
                  } catch (IOException e) {
                    OwnFailures.note(e);
                  } finally {
                    pool.releaseConnection(connection, null, 0, TimeUnit.MILLISECONDS);
                  }
                  then.run();
                }

                @Override
                public void failed(Exception none) {
                  then.run();
                }

                @Override
                public void cancelled() {
                  then.run();
                }
              });
    }

    // ---- failures, observed with 4.1 and 4.1.5

    private Exception connecting(NamedError error) {
      return switch (error) {
        case CONNECTION_REFUSED -> new ConnectException("Connection refused");
        case CONNECT_TIMEOUT -> {
          InetAddress address = addresses.length == 0 ? null : addresses[0];
          yield saysWhere() && address != null
              ? new ConnectException(
                  "Timeout connecting to ["
                      + new InetSocketAddress(address, firstHop().getPort())
                      + "]")
              : new ConnectException();
        }
        case UNKNOWN_HOST ->
            new UnknownHostException(firstHop().getHostName() + ": Name or service not known");
        default -> ApacheHttpAsyncClient5.tls(error);
      };
    }

    /** From HttpCore 4.4.10 on. */
    private boolean saysWhere() {
      VersionInfo version =
          VersionInfo.loadVersionInfo(
              "org.apache.http.nio", NHttpConnection.class.getClassLoader());
      Matcher release =
          Pattern.compile("4\\.4\\.(\\d+).*").matcher(version == null ? "" : version.getRelease());
      return release.matches() && Integer.parseInt(release.group(1)) >= 10;
    }

    /** What a connection throws; null where the library itself says what went wrong. */
    private @Nullable Exception thrown(Failure failure) throws Throwable {
      if (failure instanceof Failure.Thrown thrown) {
        Throwable made = exceptions.make(thrown, handler);
        return made instanceof Exception it ? it : new IllegalStateException(made);
      }
      return switch (((Failure.Named) failure).error()) {
        case READ_TIMEOUT, UNEXPECTED_EOF -> null;
        // beneath TLS it is an end
        case CONNECTION_RESET -> route.isSecure() ? null : new SocketException("Connection reset");
        default -> new IOException(failure.summary());
      };
    }
  }

  /** Lets the library end an exchange as it does on such a connection. */
  private static void end(
      NHttpClientConnection connection, Failure failure, @Nullable Exception thrown) {
    try {
      if (thrown != null) {
        EXECUTOR.exception(connection, thrown);
      } else if (AsyncCall.is(NamedError.READ_TIMEOUT, failure)) {
        EXECUTOR.timeout(connection);
      } else {
        EXECUTOR.endOfInput(connection);
      }
    } catch (IOException | RuntimeException e) {
      EXECUTOR.exception(connection, e);
    }
  }

  // ---- a real connection

  /** Stands between a connection and the client's own handler, for one exchange. */
  private final class Watched implements HttpAsyncClientExchangeHandler {
    private final Call call;
    private final HttpAsyncClientExchangeHandler handler;
    private final NHttpClientConnection connection;
    private @Nullable Paced paced;
    private @Nullable HttpResponse response;
    private volatile boolean holds;
    private volatile boolean over;
    private boolean ours;
    private boolean complete;

    /**
     * @param connection as the pool has handed it out
     */
    Watched(Call call, NHttpClientConnection connection) {
      this.call = call;
      this.handler = call.handler;
      // itself: the handler gives the other one back before all is done
      this.connection =
          field(connection, "poolEntry") instanceof PoolEntry<?, ?> entry
                  && entry.getConnection() instanceof NHttpClientConnection itself
              ? itself
              : connection;
    }

    @Override
    public void responseReceived(HttpResponse response) throws IOException, HttpException {
      if (calls.get(handler) != call || !isConnected(handler)) {
        // another exchange's, or a proxy's answer to CONNECT
        handler.responseReceived(response);
        return;
      }
      this.response = response;
      BodyFlow flow = call.flow();
      paced = flow == null ? null : new Paced(flow, response, call.route.isSecure());
      call.watched = this;
      call.onReactor = true;
      call.watches = false;
      holds = true;
      call.arrived(this);
    }

    /** The answer goes on. */
    void release() {
      HttpResponse its = response;
      try {
        if (its != null) {
          handler.responseReceived(its);
        }
        boolean completed;
        synchronized (this) {
          holds = false;
          completed = complete;
        }
        if (completed) {
          handler.responseCompleted();
        } else {
          connection.requestInput();
        }
      } catch (HttpException | IOException | RuntimeException e) {
        EXECUTOR.exception(connection, e);
      }
    }

    void fail(Failure failure, @Nullable Exception thrown) {
      holds = false;
      ours = true;
      boolean known = thrown != null || !complete || AsyncCall.is(NamedError.READ_TIMEOUT, failure);
      ApacheHttpAsyncInside4.end(
          connection,
          failure,
          known ? thrown : new ConnectionClosedException("Connection is closed"));
    }

    /** The real answer, and its connection, are nothing to the client any more. */
    void discard() {
      over = true;
      holds = false;
      call.invoke("discardConnection");
    }

    @Override
    public void consumeContent(ContentDecoder decoder, IOControl control) throws IOException {
      if (holds) {
        control.suspendInput();
        return;
      }
      Paced its = paced;
      if (over) {
        return;
      }
      if (its == null) {
        handler.consumeContent(decoder, control);
      } else if (its.isReady(control)) {
        handler.consumeContent(its.of(decoder), control);
        if (!decoder.isCompleted()) {
          // what is left in the connection's buffer is told of only where input is wanted anew
          its.isReady(control);
        }
      }
    }

    @Override
    public void responseCompleted() throws IOException, HttpException {
      synchronized (this) {
        complete = true;
        if (holds || over) {
          return;
        }
      }
      handler.responseCompleted();
    }

    @Override
    public @Nullable HttpRequest generateRequest() throws IOException, HttpException {
      return holds || over ? null : handler.generateRequest();
    }

    @Override
    public void produceContent(ContentEncoder encoder, IOControl control) throws IOException {
      handler.produceContent(encoder, control);
    }

    @Override
    public void requestCompleted() {
      handler.requestCompleted();
    }

    @Override
    public void inputTerminated() {
      if (!over) {
        handler.inputTerminated();
      }
    }

    @Override
    public void failed(Exception cause) {
      if (!over) {
        handler.failed(ours && cause instanceof SocketTimeoutException ? emptied(cause) : cause);
      }
    }

    /** Nothing has come over a connection that says nothing. */
    private Exception emptied(Exception cause) {
      String message = cause.getMessage();
      return message == null
          ? cause
          : new SocketTimeoutException(message.replaceAll("\\(\\d+\\)]$", "]"));
    }

    @Override
    public boolean cancel() {
      return handler.cancel();
    }

    @Override
    public boolean isDone() {
      return over || handler.isDone();
    }

    @Override
    public void close() throws IOException {
      if (!over) {
        handler.close();
      }
    }
  }

  /** The body of an answer, at its own pace and to its own end. */
  private final class Paced {
    private static final int PORTION = 8192;

    private final BodyFlow flow;
    private final HttpResponse response;
    private final boolean secure;
    private long allowed;
    private long passed;
    private boolean waits;
    private boolean ended;

    /**
     * @param secure whether it comes over TLS, beneath which a reset is an end to this client
     */
    Paced(BodyFlow flow, HttpResponse response, boolean secure) {
      this.flow = flow;
      this.secure = secure;
      this.response = response;
    }

    /** Whether something may be read now; otherwise, input is wanted again when it may. */
    boolean isReady(IOControl control) {
      long portion;
      synchronized (this) {
        if (allowed > 0) {
          return true;
        }
        control.suspendInput();
        if (waits) {
          return false;
        }
        portion = flow.portion(PORTION);
        if (portion == 0) {
          if (flow.cut() != null) {
            return true;
          }
          portion = PORTION;
        }
        waits = true;
      }
      long next = portion;
      flow.later(
          next,
          waited -> {
            synchronized (this) {
              allowed = next;
              waits = false;
            }
            control.requestInput();
          });
      synchronized (this) {
        return !waits;
      }
    }

    ContentDecoder of(ContentDecoder decoder) {
      return new ContentDecoder() {
        @Override
        public int read(ByteBuffer to) throws IOException {
          return Paced.this.read(decoder, to);
        }

        @Override
        public boolean isCompleted() {
          return ended || decoder.isCompleted();
        }
      };
    }

    private int read(ContentDecoder decoder, ByteBuffer to) throws IOException {
      long portion;
      synchronized (this) {
        portion = allowed;
      }
      if (portion == 0) {
        Cut cut = ended ? null : flow.cut();
        if (cut == null) {
          return ended ? -1 : 0;
        }
        Exception cause =
            cut instanceof Reset && !secure ? new SocketException("Connection reset") : end();
        if (cause instanceof IOException failure) {
          throw failure;
        }
        ended = true;
        return -1;
      }
      int limit = to.limit();
      to.limit((int) Math.min(limit, to.position() + portion));
      int count = decoder.read(to);
      to.limit(limit);
      if (count > 0) {
        passed += count;
        synchronized (this) {
          allowed -= count;
        }
        flow.passed(count);
      }
      return count;
    }

    private @Nullable IOException end() {
      HttpEntity entity = response.getEntity();
      if (entity != null && entity.isChunked()) {
        return truncated(true, passed + 1, passed);
      }
      return entity == null || entity.getContentLength() < 0
          ? null
          : truncated(false, entity.getContentLength(), passed);
    }
  }

  /** What the library's own decoders say of a body that ends early, with other numbers. */
  private static IOException truncated(boolean chunked, long expected, long received) {
    ByteBuffer bytes = ByteBuffer.wrap(chunked ? new byte[] {'2', '\r', '\n', 'x'} : new byte[0]);
    ReadableByteChannel channel =
        new ReadableByteChannel() {
          @Override
          public int read(ByteBuffer to) {
            int count = bytes.remaining();
            to.put(bytes);
            return count == 0 ? -1 : count;
          }

          @Override
          public boolean isOpen() {
            return true;
          }

          @Override
          public void close() {}
        };
    var buffer = new SessionInputBufferImpl(64);
    var metrics = new HttpTransportMetricsImpl();
    ContentDecoder decoder =
        chunked
            ? new ChunkDecoder(channel, buffer, metrics)
            : new LengthDelimitedDecoder(channel, buffer, metrics, 1);
    try {
      for (int turn = 0; turn < 5; turn++) {
        decoder.read(ByteBuffer.allocate(8));
      }
      return new ConnectionClosedException("Connection closed");
    } catch (IOException e) {
      var message = new StringBuilder();
      Matcher number = NUMBER.matcher(String.valueOf(e.getMessage()));
      long value = expected;
      while (number.find()) {
        number.appendReplacement(message, Long.toString(value));
        value = received;
      }
      String text = number.appendTail(message).toString();
      return chunked
          ? new org.apache.http.TruncatedChunkException(text)
          : new ConnectionClosedException(text);
    }
  }

  // ---- no connection

  /**
   * Stands in for a connection: takes a request, which goes nowhere, and gives an answer of ours or
   * fails. It is closed when it has done so, so that nothing of it is kept.
   */
  private final class StandIn implements ManagedNHttpClientConnection, ContentEncoder {
    private final Call call;
    private final String id;
    private final HttpContext context = new BasicHttpContext();
    private @Nullable HttpRequest request;
    private @Nullable Failure failure;
    private @Nullable Exception thrown;
    private @Nullable Response answer;
    private @Nullable Canned body;
    private @Nullable Paced paced;
    private long written;
    private boolean sent;
    private boolean wanted;
    private volatile boolean inputWanted = true;
    private volatile boolean open = true;
    private int timeout;

    StandIn(Call call) {
      this.call = call;
      this.timeout = call.config().getSoTimeout();
      this.id = "http-outgoing-" + number();
    }

    private long number() {
      try {
        var counter = ManagedNHttpClientConnectionFactory.class.getDeclaredField("COUNTER");
        return ((AtomicLong)
                access
                    .in(ManagedNHttpClientConnectionFactory.class)
                    .unreflectGetter(counter)
                    .invoke())
            .getAndIncrement();
      } catch (Throwable e) {
        return 0;
      }
    }

    /** Sends the request and ends as it is to. */
    void begin(@Nullable Failure failure, @Nullable Exception thrown, @Nullable Response answer) {
      this.failure = failure;
      this.thrown = thrown;
      this.answer = answer;
      try (CallScope inside = CallScope.enter(Kind.HTTP)) {
        access
            .in(handlerClass)
            .findVirtual(
                handlerClass,
                "connectionAllocated",
                MethodType.methodType(void.class, NHttpClientConnection.class))
            .invoke(call.handler, allocated());
        EXECUTOR.connected(this, null);
      } catch (Throwable e) {
        EXECUTOR.exception(this, e instanceof Exception it ? it : new IllegalStateException(e));
        return;
      }
      send();
    }

    /** Gives the answer to a request that has been sent on a real connection. */
    @SuppressWarnings("unchecked")
    void answer(Response response) {
      answer = response;
      try {
        ((AtomicReference<Object>) get(connection, call.handler)).set(allocated());
      } catch (Throwable e) {
        OwnFailures.note(e);
      }
      give(response);
    }

    /** As the pool hands connections out. */
    private Object allocated() throws Throwable {
      String names = "org.apache.http.impl.nio.conn.CPool";
      ClassLoader loader = PoolingNHttpClientConnectionManager.class.getClassLoader();
      Class<?> entryClass = Class.forName(names + "Entry", false, loader);
      Class<?> proxyClass = Class.forName(names + "Proxy", false, loader);
      MethodHandles.Lookup lookup = access.in(entryClass);
      Object entry =
          lookup
              .unreflectConstructor(entryClass.getDeclaredConstructors()[0])
              .invoke(
                  LogFactory.getLog(PoolingNHttpClientConnectionManager.class),
                  id,
                  call.route,
                  this,
                  -1L,
                  TimeUnit.MILLISECONDS);
      lookup
          .findVirtual(entryClass, "markRouteComplete", MethodType.methodType(void.class))
          .invoke(entry);
      return access
          .in(proxyClass)
          .findStatic(
              proxyClass,
              "newProxy",
              MethodType.methodType(NHttpClientConnection.class, entryClass))
          .invoke(entry);
    }

    // ---- the request

    private void send() {
      try {
        if (request instanceof HttpEntityEnclosingRequest enclosing
            && enclosing.getEntity() != null
            && !enclosing.expectContinue()) {
          long before;
          do {
            wanted = true;
            before = written;
            EXECUTOR.outputReady(this, this);
          } while (!sent && wanted && written > before);
          if (!sent) {
            wanted = false;
            return;
          }
        }
        if (answer != null) {
          give(answer);
        } else if (failure != null) {
          end(this, failure, thrown);
        }
      } catch (HttpException | IOException | RuntimeException e) {
        EXECUTOR.exception(this, e);
      }
    }

    @Override
    public void submitRequest(HttpRequest request) {
      this.request = request;
    }

    @Override
    public int write(ByteBuffer bytes) {
      int count = bytes.remaining();
      bytes.position(bytes.limit());
      written += count;
      if (request instanceof HttpEntityEnclosingRequest enclosing) {
        long length = enclosing.getEntity().getContentLength();
        sent |= length >= 0 && written >= length;
      }
      return count;
    }

    @Override
    public void complete() {
      sent = true;
    }

    @Override
    public boolean isCompleted() {
      return sent;
    }

    @Override
    public void requestOutput() {
      if (request != null && !sent && !wanted) {
        wanted = true;
        call.run(this::send);
      }
    }

    @Override
    public void suspendOutput() {
      wanted = false;
    }

    // ---- the answer

    private void give(Response response) {
      int status = response.status();
      var head =
          new BasicHttpResponse(
              new BasicStatusLine(
                  HttpVersion.HTTP_1_1,
                  status,
                  EnglishReasonPhraseCatalog.INSTANCE.getReason(status, null)));
      response
          .headers()
          .forEach((name, values) -> values.forEach(value -> head.addHeader(name, value)));
      boolean mayHaveBody = status != 204 && status != 304;
      if (mayHaveBody) {
        head.addHeader("Content-Length", Integer.toString(response.body().length));
      }
      try {
        HttpRequestWrapper asked = (HttpRequestWrapper) request(call.handler);
        if (!mayHaveBody
            || status == 205
            || (asked != null && asked.getMethod().equalsIgnoreCase("HEAD"))) {
          call.handler.responseReceived(head);
          done();
          return;
        }
        var entity = new BasicHttpEntity();
        entity.setContentLength(response.body().length);
        entity.setContentType(head.getFirstHeader("Content-Type"));
        entity.setContentEncoding(head.getFirstHeader("Content-Encoding"));
        head.setEntity(entity);
        body = new Canned(ByteBuffer.wrap(response.body()));
        BodyFlow flow = call.flow();
        paced = flow == null ? null : new Paced(flow, head, call.route.isSecure());
        call.handler.responseReceived(head);
        feed();
      } catch (HttpException | IOException | RuntimeException e) {
        EXECUTOR.exception(this, e);
      }
    }

    private synchronized void feed() {
      Canned its = body;
      try {
        while (its != null && inputWanted) {
          if (paced != null && !paced.isReady(this)) {
            return;
          }
          ContentDecoder decoder = paced == null ? its : paced.of(its);
          int before = its.bytes().remaining();
          call.handler.consumeContent(decoder, this);
          if (decoder.isCompleted()) {
            body = null;
            done();
            return;
          }
          if (its.bytes().remaining() == before) {
            // nothing taken: others have their turn
            call.run(this::feed);
            return;
          }
        }
      } catch (HttpException | IOException | RuntimeException e) {
        body = null;
        EXECUTOR.exception(this, e);
      }
    }

    private void done() throws IOException, HttpException {
      open = false;
      call.handler.responseCompleted();
    }

    @Override
    public void requestInput() {
      inputWanted = true;
      if (body != null) {
        call.run(this::feed);
      }
    }

    @Override
    public void suspendInput() {
      inputWanted = false;
    }

    // ---- all else of a connection

    @Override
    public void shutdown() {
      open = false;
    }

    @Override
    public void close() {
      open = false;
    }

    @Override
    public boolean isOpen() {
      return open;
    }

    @Override
    public boolean isStale() {
      return false;
    }

    @Override
    public int getStatus() {
      return open ? NHttpConnection.ACTIVE : NHttpConnection.CLOSED;
    }

    @Override
    public String getId() {
      return id;
    }

    @Override
    public String toString() {
      return id + " [ACTIVE]";
    }

    @Override
    public void setSocketTimeout(int millis) {
      timeout = millis;
    }

    @Override
    public int getSocketTimeout() {
      return timeout;
    }

    @Override
    public HttpContext getContext() {
      return context;
    }

    @Override
    public @Nullable HttpRequest getHttpRequest() {
      return request;
    }

    @Override
    public @Nullable HttpResponse getHttpResponse() {
      return null;
    }

    @Override
    public boolean isRequestSubmitted() {
      return request != null;
    }

    @Override
    public void resetOutput() {}

    @Override
    public void resetInput() {}

    @Override
    public HttpConnectionMetrics getMetrics() {
      return new HttpConnectionMetricsImpl(null, null);
    }

    @Override
    public void bind(IOSession session) {}

    @Override
    public @Nullable IOSession getIOSession() {
      return null;
    }

    @Override
    public @Nullable SSLSession getSSLSession() {
      return null;
    }

    @Override
    public @Nullable InetAddress getLocalAddress() {
      return null;
    }

    @Override
    public int getLocalPort() {
      return -1;
    }

    @Override
    public @Nullable InetAddress getRemoteAddress() {
      return null;
    }

    @Override
    public int getRemotePort() {
      return -1;
    }
  }

  /** The bytes of an answer of ours. */
  private record Canned(ByteBuffer bytes) implements ContentDecoder {
    @Override
    public int read(ByteBuffer to) {
      int count = Math.min(to.remaining(), bytes.remaining());
      if (count == 0) {
        return bytes.hasRemaining() ? 0 : -1;
      }
      ByteBuffer portion = bytes.slice();
      portion.limit(count);
      to.put(portion);
      bytes.position(bytes.position() + count);
      return count;
    }

    @Override
    public boolean isCompleted() {
      return !bytes.hasRemaining();
    }
  }
}
