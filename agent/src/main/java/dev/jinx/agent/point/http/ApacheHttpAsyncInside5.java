package dev.jinx.agent.point.http;

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
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.Original;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.hc.client5.http.ConnectExceptionSupport;
import org.apache.hc.client5.http.EndpointInfo;
import org.apache.hc.client5.http.HttpRoute;
import org.apache.hc.client5.http.async.AsyncExecCallback;
import org.apache.hc.client5.http.async.AsyncExecChain;
import org.apache.hc.client5.http.async.AsyncExecRuntime;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.protocol.HttpClientContext;
import org.apache.hc.core5.concurrent.Cancellable;
import org.apache.hc.core5.concurrent.FutureCallback;
import org.apache.hc.core5.function.Resolver;
import org.apache.hc.core5.http.ConnectionClosedException;
import org.apache.hc.core5.http.EntityDetails;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.http.HttpRequest;
import org.apache.hc.core5.http.HttpResponse;
import org.apache.hc.core5.http.HttpVersion;
import org.apache.hc.core5.http.TruncatedChunkException;
import org.apache.hc.core5.http.message.BasicHttpResponse;
import org.apache.hc.core5.http.nio.AsyncClientExchangeHandler;
import org.apache.hc.core5.http.nio.AsyncDataConsumer;
import org.apache.hc.core5.http.nio.CapacityChannel;
import org.apache.hc.core5.http.nio.DataStreamChannel;
import org.apache.hc.core5.http.nio.RequestChannel;
import org.apache.hc.core5.http.protocol.HttpContext;
import org.apache.hc.core5.http2.H2Error;
import org.apache.hc.core5.http2.H2StreamResetException;
import org.apache.hc.core5.io.SocketTimeoutExceptionFactory;
import org.apache.hc.core5.reactor.AbstractIOSessionPool;
import org.apache.hc.core5.reactor.ConnectionInitiator;
import org.apache.hc.core5.reactor.DefaultConnectingIOReactor;
import org.apache.hc.core5.reactor.IOReactorConfig;
import org.apache.hc.core5.reactor.IOReactorStatus;
import org.apache.hc.core5.reactor.IOSession;
import org.apache.hc.core5.util.TimeValue;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of one exchange of Apache HttpClient 5, asynchronous. The client's own chain runs
 * down to the {@link AsyncExecRuntime}, its way to a connection; another one is put in its place
 * where there is to be no connection ({@link Nowhere}) or where something happens to the answer
 * ({@link Through}). So interceptors, cookies, retries and redirects are all the client's own.
 */
final class ApacheHttpAsyncInside5 implements ApacheHttpAsyncClient5.Inside {
  private static final InetSocketAddress NO_ADDRESS = InetSocketAddress.createUnresolved("", 0);

  /** The fields on the way from a runtime to the reactor, in all versions. */
  private static final String[] TO_THE_REACTOR = {"connectionInitiator", "connPool", "sessionPool"};

  @SuppressWarnings("NullAway.Init") // open() comes first
  private Access access;

  @SuppressWarnings("NullAway.Init")
  private Exceptions exceptions;

  @SuppressWarnings("NullAway.Init")
  private Map<AsyncCall<?>, Object> held;

  @Override
  public void open(Access access, Exceptions exceptions, Map<AsyncCall<?>, Object> held) {
    this.access = access;
    this.exceptions = exceptions;
    this.held = held;
  }

  @Override
  public @Nullable String read(Field field, @Nullable String name, Object call) {
    HttpRequest request = (HttpRequest) call;
    return switch (field) {
      case SCHEME -> request.getScheme();
      case HOST -> request.getAuthority() == null ? null : request.getAuthority().getHostName();
      case PORT ->
          request.getAuthority() == null
              ? null
              : Integer.toString(request.getAuthority().getPort());
      case METHOD -> request.getMethod();
      case PATH, QUERY -> request.getPath();
      case HEADER -> {
        Header header = request.getFirstHeader(name);
        yield header == null ? null : header.getValue();
      }
      default -> null;
    };
  }

  @Override
  public void begin(Injection injection, Original original, Object exec, Object[] arguments) {
    new Call(injection, original, exec, arguments).begin();
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

  private @Nullable DefaultConnectingIOReactor reactor(AsyncExecRuntime runtime) {
    Object at = runtime;
    while (at != null && !(at instanceof DefaultConnectingIOReactor)) {
      Object next = null;
      for (String name : TO_THE_REACTOR) {
        next = next == null ? field(at, name) : next;
      }
      at = next;
    }
    return (DefaultConnectingIOReactor) at;
  }

  private IOReactorConfig config(@Nullable DefaultConnectingIOReactor reactor) {
    if (reactor != null && field(reactor, "workers") instanceof Object[] workers) {
      if (field(workers[0], "reactorConfig") instanceof IOReactorConfig config) {
        return config;
      }
    }
    return IOReactorConfig.DEFAULT;
  }

  /** What the client's settings for a route say; the class came with version 5.2. */
  private final class Configured {
    final @Nullable ConnectionConfig config;

    @SuppressWarnings("unchecked")
    Configured(AsyncExecRuntime runtime, HttpRoute route) {
      Object manager = field(runtime, "manager");
      Object pool = manager == null ? field(runtime, "connPool") : manager;
      Object resolver = pool == null ? null : field(pool, "connectionConfigResolver");
      config =
          resolver == null
              ? null
              : ((Resolver<Object, ConnectionConfig>) resolver)
                  .resolve(manager == null ? route.getTargetHost() : route);
    }

    @Nullable Timeout connect() {
      return config == null ? null : config.getConnectTimeout();
    }

    @Nullable Timeout socket() {
      return config == null ? null : config.getSocketTimeout();
    }
  }

  // ---- one exchange

  private final class Call extends AsyncCall<Exchange> {
    final Original original;
    final Object exec;
    final Object[] arguments;
    final HttpRequest request;
    final AsyncExecChain.Scope scope;
    final AsyncExecCallback callback;
    final @Nullable DefaultConnectingIOReactor reactor;
    final boolean http2;
    private InetAddress[] addresses = {};
    private @Nullable Exchange exchange;
    private volatile boolean onReactor;

    Call(Injection injection, Original original, Object exec, Object[] arguments) {
      super(injection);
      this.original = original;
      this.exec = exec;
      this.arguments = arguments;
      this.request = (HttpRequest) arguments[0];
      this.scope = (AsyncExecChain.Scope) arguments[2];
      this.callback = (AsyncExecCallback) arguments[4];
      this.reactor = reactor(scope.execRuntime);
      this.http2 = field(scope.execRuntime, "connPool") != null;
    }

    @Nullable BodyFlow flow() {
      return injection.flow();
    }

    // ---- its clocks

    private HttpHost firstHop() {
      HttpHost proxy = scope.route.getProxyHost();
      return proxy == null ? scope.route.getTargetHost() : proxy;
    }

    @Override
    protected long patience(Phase phase, @Nullable Ending planned) {
      if (!isWhileConnecting(planned)) {
        return nanos(responseTimeout());
      }
      try {
        // here, as the real look-up: what comes later is on a thread that must not wait
        addresses = InetAddress.getAllByName(firstHop().getHostName());
      } catch (UnknownHostException e) {
        addresses = new InetAddress[0];
      }
      return nanos(connectTimeout());
    }

    /** The reactor looks at its clocks once in an interval. */
    private long nanos(@Nullable Timeout timeout) {
      if (timeout == null || timeout.isDisabled()) {
        return Long.MAX_VALUE;
      }
      long interval = Math.max(1, config(reactor).getSelectInterval().toMilliseconds());
      long intervals = (timeout.toMilliseconds() + interval - 1) / interval;
      return TimeUnit.MILLISECONDS.toNanos(intervals * interval);
    }

    @SuppressWarnings("deprecation")
    private Timeout connectTimeout() {
      RequestConfig config = scope.clientContext.getRequestConfig();
      Timeout timeout = config.getConnectTimeout();
      if (timeout == null) {
        timeout = new Configured(scope.execRuntime, scope.route).connect();
      }
      return timeout == null ? Timeout.ofMinutes(3) : timeout;
    }

    private Timeout responseTimeout() {
      Timeout timeout = http2 ? null : scope.clientContext.getRequestConfig().getResponseTimeout();
      if (timeout == null) {
        timeout = new Configured(scope.execRuntime, scope.route).socket();
      }
      if (timeout == null && http2 && scope.route.isSecure()) {
        // left over from the handshake
        timeout = connectTimeout();
      }
      return timeout == null ? config(reactor).getSoTimeout() : timeout;
    }

    // ---- its threads

    /**
     * Runs work on one of the client's I/O threads: a connect without an address fails there, and
     * says so.
     */
    @Override
    protected void run(Runnable work) {
      AtomicBoolean ran = new AtomicBoolean();
      Runnable once =
          () -> {
            if (ran.compareAndSet(false, true)) {
              onReactor = true;
              work.run();
            }
          };
      try {
        ConnectionInitiator initiator = reactor;
        if (initiator == null) {
          throw new IllegalStateException("no reactor");
        }
        var unused =
            initiator.connect(
                scope.route.getTargetHost(),
                NO_ADDRESS,
                NO_ADDRESS,
                Timeout.DISABLED,
                null,
                new FutureCallback<IOSession>() {
                  @Override
                  public void completed(IOSession never) {
                    once.run();
                  }

                  @Override
                  public void failed(Exception asItShould) {
                    once.run();
                  }

                  @Override
                  public void cancelled() {
                    once.run();
                  }
                });
      } catch (RuntimeException closed) {
        var thread = new Thread(once, "httpclient-closed");
        thread.setDaemon(true);
        thread.start();
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
      if (reactor != null) {
        held.put(this, reactor);
      }
      if (exchange == null) {
        scope.cancellableDependency.setDependency(
            () -> {
              cancel();
              return true;
            });
      }
    }

    @Override
    protected void released() {
      held.remove(this);
    }

    // ---- its ends

    private void execute(AsyncExecRuntime runtime) {
      Object[] other = arguments.clone();
      try (CallScope inside = CallScope.enter(Kind.HTTP)) {
        if (runtime != scope.execRuntime) {
          other[2] = with(runtime);
          other[4] = finishing();
        }
        original.call(exec, other);
      } catch (Exception e) {
        callback.failed(e);
      } catch (Throwable e) {
        callback.failed(new IllegalStateException(e));
      }
    }

    @SuppressWarnings("deprecation")
    private AsyncExecChain.Scope with(AsyncExecRuntime runtime) {
      try {
        return new AsyncExecChain.Scope(
            scope.exchangeId,
            scope.route,
            scope.originalRequest,
            scope.cancellableDependency,
            scope.clientContext,
            runtime,
            scope.scheduler,
            scope.execCount);
      } catch (NoSuchFieldError version50) {
        return new AsyncExecChain.Scope(
            scope.exchangeId,
            scope.route,
            scope.originalRequest,
            scope.cancellableDependency,
            scope.clientContext,
            runtime);
      }
    }

    /** The call is over, whatever became of it. */
    private AsyncExecCallback finishing() {
      return new AsyncExecCallback() {
        @Override
        public AsyncDataConsumer handleResponse(HttpResponse response, EntityDetails body)
            throws HttpException, IOException {
          return callback.handleResponse(response, body);
        }

        @Override
        public void handleInformationResponse(HttpResponse response)
            throws HttpException, IOException {
          callback.handleInformationResponse(response);
        }

        @Override
        public void completed() {
          gone();
          callback.completed();
        }

        @Override
        public void failed(Exception cause) {
          gone();
          callback.failed(cause);
        }
      };
    }

    @Override
    protected void goOn() {
      if (injection.hasAfter() || injection.flow() != null) {
        execute(new Through(this));
      } else {
        injection.finish();
        execute(scope.execRuntime);
      }
    }

    @Override
    protected void deliver(Exchange real) {
      real.release();
    }

    @Override
    protected void discard(Exchange real) {
      real.discard();
      scope.execRuntime.discardEndpoint();
    }

    @Override
    protected void failed(Failure failure, Phase phase) throws Throwable {
      Exception cause = spelled(failure);
      end(cause, failure, phase);
    }

    @Override
    protected void outOfPatience(Phase phase, @Nullable Ending planned) throws Throwable {
      boolean connecting = isWhileConnecting(planned);
      Exception cause =
          spelled(
              new Failure.Named(connecting ? NamedError.CONNECT_TIMEOUT : NamedError.READ_TIMEOUT));
      end(cause, planned, phase);
    }

    @Override
    protected void cancelled(Phase phase, @Nullable Ending planned) {
      boolean closed = reactor != null && reactor.getStatus().compareTo(IOReactorStatus.ACTIVE) > 0;
      Exception cause =
          closed
              ? new ConnectionClosedException("Connection is closed")
              : new InterruptedIOException();
      if (exchange != null) {
        exchange.fail(cause);
      } else {
        callback.failed(cause);
      }
    }

    private void end(Exception cause, @Nullable Ending ending, Phase phase) {
      Exchange real = exchange;
      if (phase == Phase.AFTER && real != null) {
        onReactor(() -> real.fail(cause));
      } else if (isWhileConnecting(ending)) {
        onReactor(() -> callback.failed(cause));
      } else {
        onReactor(() -> execute(new Nowhere(this, cause, null)));
      }
    }

    @Override
    protected void answered(Response response, Phase phase) {
      Exchange real = exchange;
      if (phase == Phase.AFTER && real != null) {
        onReactor(() -> new Canned(this, real.after(), response).begin());
      } else {
        onReactor(() -> execute(new Nowhere(this, null, response)));
      }
    }

    /** Failures as they leave a real exchange, observed with 5.1 and 5.6. */
    private Exception spelled(Failure failure) throws Throwable {
      if (failure instanceof Failure.Thrown thrown) {
        Throwable made = exceptions.make(thrown, exec);
        return made instanceof Exception it ? it : new IllegalStateException(made);
      }
      return switch (((Failure.Named) failure).error()) {
        case CONNECTION_REFUSED -> connecting(new ConnectException("Connection refused"));
        case CONNECT_TIMEOUT -> connecting(SocketTimeoutExceptionFactory.create(connectTimeout()));
        case UNKNOWN_HOST ->
            new UnknownHostException(firstHop().getHostName() + ": Name or service not known");
        case TLS_HANDSHAKE_FAILURE, CERTIFICATE_EXPIRED ->
            ApacheHttpAsyncClient5.tls(((Failure.Named) failure).error());
        case READ_TIMEOUT -> {
          Timeout timeout = responseTimeout();
          yield http2
              ? new H2StreamResetException(
                  H2Error.NO_ERROR, "Timeout due to inactivity (" + timeout + ")")
              : SocketTimeoutExceptionFactory.create(timeout);
        }
        case CONNECTION_RESET -> new SocketException("Connection reset");
        case UNEXPECTED_EOF ->
            new ConnectionClosedException(
                http2 ? "Connection is closed" : "Connection closed by peer");
        default -> new IOException(failure.summary());
      };
    }

    private IOException connecting(IOException cause) {
      return ConnectExceptionSupport.enhance(cause, firstHop(), addresses);
    }
  }

  // ---- ways to a connection

  /** A real connection, whose answers pass an {@link Exchange}. */
  private class Through implements AsyncExecRuntime {
    final Call call;
    final AsyncExecRuntime real;

    Through(Call call) {
      this.call = call;
      this.real = call.scope.execRuntime;
    }

    /** The chain goes on with the runtime that it is given back. */
    final FutureCallback<AsyncExecRuntime> giving(FutureCallback<AsyncExecRuntime> callback) {
      return new FutureCallback<>() {
        @Override
        public void completed(AsyncExecRuntime real) {
          callback.completed(Through.this);
        }

        @Override
        public void failed(Exception cause) {
          callback.failed(cause);
        }

        @Override
        public void cancelled() {
          callback.cancelled();
        }
      };
    }

    @Override
    public boolean isEndpointAcquired() {
      return real.isEndpointAcquired();
    }

    @Override
    public Cancellable acquireEndpoint(
        String id,
        HttpRoute route,
        Object state,
        HttpClientContext context,
        FutureCallback<AsyncExecRuntime> callback) {
      return real.acquireEndpoint(id, route, state, context, giving(callback));
    }

    @Override
    public void releaseEndpoint() {
      real.releaseEndpoint();
    }

    @Override
    public void discardEndpoint() {
      real.discardEndpoint();
    }

    @Override
    public boolean isEndpointConnected() {
      return real.isEndpointConnected();
    }

    @Override
    public Cancellable connectEndpoint(
        HttpClientContext context, FutureCallback<AsyncExecRuntime> callback) {
      return real.connectEndpoint(context, giving(callback));
    }

    @Override
    public void disconnectEndpoint() {
      real.disconnectEndpoint();
    }

    @Override
    @Deprecated
    public void upgradeTls(HttpClientContext context) {
      real.upgradeTls(context);
    }

    @Override
    public void upgradeTls(HttpClientContext context, FutureCallback<AsyncExecRuntime> callback) {
      real.upgradeTls(context, callback == null ? null : giving(callback));
    }

    @Override
    public EndpointInfo getEndpointInfo() {
      return real.getEndpointInfo();
    }

    @Override
    public boolean validateConnection() {
      return real.validateConnection();
    }

    @Override
    public Cancellable execute(
        String id, AsyncClientExchangeHandler handler, HttpClientContext context) {
      Exchange exchange = new Exchange(call, handler, true);
      Cancellable ofIt = real.execute(id, exchange, context);
      return () -> {
        call.cancel();
        return ofIt.cancel();
      };
    }

    @Override
    public void markConnectionReusable(Object state, TimeValue validity) {
      real.markConnectionReusable(state, validity);
    }

    @Override
    public void markConnectionNonReusable() {
      real.markConnectionNonReusable();
    }

    @Override
    public AsyncExecRuntime fork() {
      return real.fork();
    }
  }

  /**
   * No connection: an exchange that fails, or is answered by us, once its request is out. One that
   * fails takes a connection along that stands in the pool, as the real failure would.
   */
  private final class Nowhere extends Through {
    private final @Nullable Exception failure;
    private final @Nullable Response answer;

    Nowhere(Call call, @Nullable Exception failure, @Nullable Response answer) {
      super(call);
      this.failure = failure;
      this.answer = answer;
    }

    @Override
    public boolean isEndpointAcquired() {
      return real.isEndpointAcquired() || !takesAConnection();
    }

    private boolean takesAConnection() {
      if (failure == null || !call.http2) {
        return failure != null;
      }
      // here, to ask the pool is to connect
      Object pool = field(real, "connPool");
      Object sessions = pool == null ? null : field(pool, "sessionPool");
      Object of = sessions == null ? pool : sessions;
      return of instanceof AbstractIOSessionPool<?> known
          && (known.getRoutes().contains(call.scope.route)
              || known.getRoutes().contains(call.scope.route.getTargetHost()));
    }

    @Override
    public boolean isEndpointConnected() {
      return true;
    }

    @Override
    public boolean validateConnection() {
      return true;
    }

    @Override
    public void markConnectionReusable(Object state, TimeValue validity) {}

    @Override
    public void markConnectionNonReusable() {}

    @Override
    public Cancellable execute(
        String id, AsyncClientExchangeHandler handler, HttpClientContext context) {
      Sent request = new Sent(call, handler, context, failure, answer);
      call.run(request::begin);
      return () -> {
        handler.cancel();
        return true;
      };
    }
  }

  /** A request that goes nowhere; what comes of it comes when it is out. */
  private final class Sent implements DataStreamChannel {
    private final Call call;
    private final AsyncClientExchangeHandler handler;
    private final HttpContext context;
    private final @Nullable Exception failure;
    private final @Nullable Response answer;
    private boolean ended;
    private boolean wrote;

    Sent(
        Call call,
        AsyncClientExchangeHandler handler,
        HttpContext context,
        @Nullable Exception failure,
        @Nullable Response answer) {
      this.call = call;
      this.handler = handler;
      this.context = context;
      this.failure = failure;
      this.answer = answer;
    }

    void begin() {
      RequestChannel channel =
          (request, body, context) -> {
            context.setProtocolVersion(call.http2 ? HttpVersion.HTTP_2 : HttpVersion.HTTP_1_1);
            ended = body == null;
          };
      try {
        handler.produceRequest(channel, context);
        go();
      } catch (HttpException | IOException | RuntimeException e) {
        fail(e);
      }
    }

    private synchronized void go() throws IOException {
      if (!ended) {
        do {
          wrote = false;
          handler.produce(this);
        } while (!ended && wrote && handler.available() > 0);
        if (!ended) {
          return;
        }
      }
      if (failure != null) {
        fail(failure);
      } else if (answer != null) {
        new Canned(call, new Exchange(call, handler, false), answer).begin();
      }
    }

    private void fail(Exception cause) {
      handler.failed(cause);
      handler.releaseResources();
    }

    @Override
    public void requestOutput() {
      call.run(
          () -> {
            try {
              go();
            } catch (IOException | RuntimeException e) {
              fail(e);
            }
          });
    }

    @Override
    public int write(ByteBuffer bytes) {
      int count = bytes.remaining();
      bytes.position(bytes.limit());
      wrote |= count > 0;
      return count;
    }

    @Override
    public void endStream(@Nullable List<? extends Header> trailers) {
      ended = true;
    }

    @Override
    public void endStream() {
      ended = true;
    }
  }

  // ---- answers

  /** An answer of ours, given to an exchange as one that came over the wire. */
  private static final class Canned implements EntityDetails, CapacityChannel {
    private static final int WINDOW = 65_535;

    private final Call call;
    private final Exchange exchange;
    private final Response answer;
    private final HttpResponse head;
    private final boolean hasBody;
    private int passed;
    private long window = WINDOW;
    private boolean waiting;

    Canned(Call call, Exchange exchange, Response answer) {
      this.call = call;
      this.exchange = exchange;
      this.answer = answer;
      this.head = new BasicHttpResponse(answer.status());
      this.hasBody =
          !call.request.getMethod().equals("HEAD")
              && answer.status() != 204
              && answer.status() != 304;
    }

    void begin() {
      head.setVersion(call.http2 ? HttpVersion.HTTP_2 : HttpVersion.HTTP_1_1);
      answer
          .headers()
          .forEach((name, values) -> values.forEach(value -> head.addHeader(name, value)));
      if (answer.status() != 204 && answer.status() != 304) {
        head.addHeader("Content-Length", answer.body().length);
      }
      try {
        exchange.consumeResponse(head, hasBody ? this : null, call.scope.clientContext);
        if (hasBody) {
          feed();
        } else {
          exchange.releaseResources();
        }
      } catch (HttpException | IOException | RuntimeException e) {
        exchange.fail(e);
      }
    }

    private void feed() throws HttpException, IOException {
      byte[] body = answer.body();
      while (passed < body.length) {
        if (!mayGoOn()) {
          return;
        }
        int portion = Math.min(8192, body.length - passed);
        passed += portion;
        exchange.consume(ByteBuffer.wrap(body, passed - portion, portion));
        synchronized (this) {
          window -= portion;
        }
      }
      exchange.streamEnd(null);
      exchange.releaseResources();
    }

    private boolean mayGoOn() throws IOException {
      synchronized (this) {
        if (window > 0) {
          return true;
        }
      }
      exchange.updateCapacity(this);
      synchronized (this) {
        waiting = window <= 0;
        return !waiting;
      }
    }

    @Override
    public void update(int increment) {
      synchronized (this) {
        window += increment;
        if (!waiting || window <= 0) {
          return;
        }
        waiting = false;
      }
      call.run(
          () -> {
            try {
              feed();
            } catch (HttpException | IOException | RuntimeException e) {
              exchange.fail(e);
            }
          });
    }

    @Override
    public long getContentLength() {
      return answer.body().length;
    }

    @Override
    public @Nullable String getContentType() {
      Header type = head.getFirstHeader("Content-Type");
      return type == null ? null : type.getValue();
    }

    @Override
    public @Nullable String getContentEncoding() {
      Header encoding = head.getFirstHeader("Content-Encoding");
      return encoding == null ? null : encoding.getValue();
    }

    @Override
    public boolean isChunked() {
      return false;
    }

    @Override
    public Set<String> getTrailerNames() {
      return Set.of();
    }
  }

  /** Something that a connection tells the client of an exchange. */
  private interface Event {
    void tell() throws HttpException, IOException;
  }

  /** The rest of some bytes of the body. */
  private record Data(ByteBuffer rest) implements Event {
    @Override
    public void tell() {}
  }

  /**
   * What a connection tells the client of an exchange, held back, cut or slowed down: events go on
   * one after the other, on the thread they come on or, if they had to wait, on an I/O thread.
   */
  private final class Exchange implements AsyncClientExchangeHandler {
    private final Call call;
    private final AsyncClientExchangeHandler handler;
    private final boolean real;
    private final @Nullable BodyFlow flow;
    private final Deque<Event> events = new ArrayDeque<>();
    private @Nullable Event head;
    private @Nullable HttpResponse response;
    private @Nullable EntityDetails body;
    private long passed;
    private boolean aProxys;

    // all that several threads touch is guarded by this object
    private boolean busy;
    private boolean over;
    private boolean ended;
    private long granted;
    private long owed;
    private @Nullable CapacityChannel capacity;

    /**
     * @param real whether a connection tells, and not we
     */
    Exchange(Call call, AsyncClientExchangeHandler handler, boolean real) {
      this.call = call;
      this.handler = handler;
      this.real = real;
      this.flow = call.flow();
    }

    /** The same exchange, for an answer of ours in place of a real one. */
    Exchange after() {
      return new Exchange(call, handler, false);
    }

    private void add(Event event) throws HttpException, IOException {
      if (aProxys) {
        event.tell();
        return;
      }
      synchronized (this) {
        if (over) {
          return;
        }
        events.add(event);
        if (busy) {
          return;
        }
        busy = true;
      }
      tellAll();
    }

    /** Tells the events so far, until one of them has to wait. */
    private void tellAll() throws HttpException, IOException {
      while (true) {
        Event event;
        synchronized (this) {
          event = over ? null : events.peek();
          if (event == null) {
            busy = false;
            return;
          }
          if (!(event instanceof Data)) {
            events.remove();
          }
        }
        if (event instanceof Data data) {
          if (!passPortion(data.rest())) {
            return;
          }
        } else if (event == head && real) {
          call.exchange = this;
          call.onReactor = true;
          call.arrived(this);
          return;
        } else {
          event.tell();
        }
      }
    }

    /** A real answer goes on. */
    void release() {
      Event first = head;
      try {
        if (first != null) {
          first.tell();
        }
        tellAll();
      } catch (HttpException | IOException | RuntimeException e) {
        fail(e);
      }
    }

    /** Nothing more is told. */
    synchronized void discard() {
      over = true;
      events.clear();
    }

    void fail(Exception cause) {
      if (endsNow()) {
        handler.failed(cause);
        handler.releaseResources();
      }
    }

    private synchronized boolean endsNow() {
      discard();
      boolean now = !ended;
      ended = true;
      return now;
    }

    // ---- the body

    /**
     * @return false where the rest waits, or is none
     */
    private boolean passPortion(ByteBuffer rest) throws IOException {
      BodyFlow its = flow;
      if (its == null) {
        pass(rest, rest.remaining());
        return true;
      }
      int portion = (int) its.portion(rest.remaining());
      if (portion == 0) {
        Cut cut = its.cut();
        if (cut != null) {
          cut(cut);
          return false;
        }
        // it was cleared this moment
        portion = rest.remaining();
      }
      int size = portion;
      var turn = new AtomicBoolean();
      its.later(
          size,
          waited -> {
            if (!turn.compareAndSet(false, true)) {
              call.run(() -> passLater(rest, size));
            }
          });
      if (turn.compareAndSet(false, true)) {
        return false;
      }
      pass(rest, size);
      return true;
    }

    private void passLater(ByteBuffer rest, int size) {
      try {
        pass(rest, size);
        tellAll();
      } catch (HttpException | IOException | RuntimeException e) {
        fail(e);
      }
    }

    private void pass(ByteBuffer rest, int size) throws IOException {
      synchronized (this) {
        if (over) {
          return;
        }
        if (size == rest.remaining()) {
          events.remove();
        }
      }
      ByteBuffer portion = rest.slice();
      portion.limit(size);
      rest.position(rest.position() + size);
      handler.consume(portion);
      passed += size;
      if (flow != null) {
        flow.passed(size);
        allow(size, 0);
      }
    }

    private void cut(Cut cut) {
      Exception cause =
          cut instanceof Reset ? new SocketException("Connection reset") : endInTheBody();
      if (cause != null) {
        fail(cause);
      } else if (endsNow()) {
        call.scope.execRuntime.discardEndpoint();
        try {
          handler.streamEnd(null);
        } catch (HttpException | IOException e) {
          handler.failed(e);
        }
        handler.releaseResources();
      }
    }

    private @Nullable Exception endInTheBody() {
      if (call.http2) {
        return new ConnectionClosedException("Connection is closed");
      }
      if (response != null && response.containsHeader("Transfer-Encoding")) {
        return new TruncatedChunkException(
            "Truncated chunk (expected size: %d; actual size: %d)", passed + 1, passed);
      }
      if (body != null && body.getContentLength() >= 0) {
        return new ConnectionClosedException(
            "Premature end of Content-Length delimited message body (expected: %d; received: %d)",
            body.getContentLength(), passed);
      }
      return null;
    }

    /** The connection may read on when the client wants more, and has got what was read. */
    private void allow(int gone, int wanted) throws IOException {
      CapacityChannel channel;
      long amount;
      synchronized (this) {
        owed += gone;
        granted += wanted;
        channel = capacity;
        amount = Math.min(Math.min(owed, granted), Integer.MAX_VALUE);
        if (channel == null || amount == 0 || over) {
          return;
        }
        owed -= amount;
        granted -= amount;
      }
      channel.update((int) amount);
    }

    // ---- what the connection tells

    @Override
    public void consumeResponse(
        HttpResponse response, @Nullable EntityDetails body, HttpContext context)
        throws HttpException, IOException {
      this.response = response;
      this.body = body;
      Event told = () -> handler.consumeResponse(response, body, context);
      head = told;
      add(told);
    }

    @Override
    public void consumeInformation(HttpResponse response, HttpContext context)
        throws HttpException, IOException {
      add(() -> handler.consumeInformation(response, context));
    }

    @Override
    public void updateCapacity(CapacityChannel channel) throws IOException {
      if (flow != null && !aProxys) {
        synchronized (this) {
          capacity = channel;
        }
        allow(0, 0);
      }
      CapacityChannel given = flow == null ? channel : wanted -> allow(0, wanted);
      addOfBody(() -> handler.updateCapacity(given));
    }

    @Override
    public void consume(ByteBuffer bytes) throws IOException {
      if (aProxys) {
        handler.consume(bytes);
        return;
      }
      ByteBuffer copy = ByteBuffer.allocate(bytes.remaining());
      copy.put(bytes).flip();
      addOfBody(new Data(copy));
    }

    private void addOfBody(Event event) throws IOException {
      try {
        add(event);
      } catch (HttpException e) {
        throw new IOException(e);
      }
    }

    @Override
    public void streamEnd(@Nullable List<? extends Header> trailers)
        throws HttpException, IOException {
      add(() -> handler.streamEnd(trailers));
    }

    @Override
    public void failed(Exception cause) {
      addQuietly(() -> handler.failed(cause));
    }

    @Override
    public void releaseResources() {
      addQuietly(handler::releaseResources);
    }

    private void addQuietly(Event event) {
      try {
        add(event);
      } catch (HttpException | IOException e) {
        OwnFailures.note(e);
      }
    }

    // ---- what the client tells

    @Override
    public void cancel() {
      if (endsNow()) {
        handler.cancel();
        handler.releaseResources();
      }
    }

    @Override
    public void produceRequest(RequestChannel channel, HttpContext context)
        throws HttpException, IOException {
      handler.produceRequest(
          (request, body, its) -> {
            aProxys = request.getMethod().equals("CONNECT");
            channel.sendRequest(request, body, its);
          },
          context);
    }

    @Override
    public int available() {
      return handler.available();
    }

    @Override
    public void produce(DataStreamChannel channel) throws IOException {
      handler.produce(channel);
    }
  }
}
