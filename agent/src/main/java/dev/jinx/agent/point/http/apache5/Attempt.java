package dev.jinx.agent.point.http.apache5;

import dev.jinx.agent.call.Kind;
import dev.jinx.agent.effect.Ending;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.effect.Response;
import dev.jinx.agent.fault.BodyFlow;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.point.AsyncCall;
import dev.jinx.agent.point.http.ApacheHttpAsyncClient5;
import dev.jinx.agent.weave.Original;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.hc.client5.http.ConnectExceptionSupport;
import org.apache.hc.client5.http.async.AsyncExecCallback;
import org.apache.hc.client5.http.async.AsyncExecChain;
import org.apache.hc.client5.http.async.AsyncExecRuntime;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.core5.concurrent.FutureCallback;
import org.apache.hc.core5.http.ConnectionClosedException;
import org.apache.hc.core5.http.EntityDetails;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.http.HttpRequest;
import org.apache.hc.core5.http.HttpResponse;
import org.apache.hc.core5.http.nio.AsyncDataConsumer;
import org.apache.hc.core5.http2.H2Error;
import org.apache.hc.core5.http2.H2StreamResetException;
import org.apache.hc.core5.io.SocketTimeoutExceptionFactory;
import org.apache.hc.core5.reactor.ConnectionInitiator;
import org.apache.hc.core5.reactor.DefaultConnectingIOReactor;
import org.apache.hc.core5.reactor.IOReactorStatus;
import org.apache.hc.core5.reactor.IOSession;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;

/** One attempt at a request, in the hands of an injection. */
final class Attempt extends AsyncCall<Exchange> {
  private static final InetSocketAddress NO_ADDRESS = InetSocketAddress.createUnresolved("", 0);

  final Library library;
  final Original original;
  final Object exec;
  final Object[] arguments;
  final HttpRequest request;
  final AsyncExecChain.Scope scope;
  final AsyncExecCallback callback;
  final @Nullable DefaultConnectingIOReactor reactor;
  final boolean http2;
  private InetAddress[] addresses = {};
  @Nullable Exchange exchange;
  volatile boolean onReactor;

  Attempt(
      Library library, Injection injection, Original original, Object exec, Object[] arguments) {
    super(injection);
    this.library = library;
    this.original = original;
    this.exec = exec;
    this.arguments = arguments;
    this.request = (HttpRequest) arguments[0];
    this.scope = (AsyncExecChain.Scope) arguments[2];
    this.callback = (AsyncExecCallback) arguments[4];
    this.reactor = library.reactor(scope.execRuntime);
    this.http2 = library.field(scope.execRuntime, "connPool") != null;
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
    long interval = Math.max(1, library.config(reactor).getSelectInterval().toMilliseconds());
    long intervals = (timeout.toMilliseconds() + interval - 1) / interval;
    return TimeUnit.MILLISECONDS.toNanos(intervals * interval);
  }

  private RequestConfig requested() {
    RequestConfig config = scope.clientContext.getRequestConfig();
    return config == null ? RequestConfig.DEFAULT : config;
  }

  @SuppressWarnings("deprecation")
  private Timeout connectTimeout() {
    Timeout timeout = requested().getConnectTimeout();
    if (timeout == null) {
      timeout = new Configured(library, scope.execRuntime, scope.route).connect();
    }
    return timeout == null ? Timeout.ofMinutes(3) : timeout;
  }

  private Timeout responseTimeout() {
    Timeout timeout = http2 ? null : requested().getResponseTimeout();
    if (timeout == null) {
      timeout = new Configured(library, scope.execRuntime, scope.route).socket();
    }
    if (timeout == null && http2 && scope.route.isSecure()) {
      // left over from the handshake
      timeout = connectTimeout();
    }
    return timeout == null ? library.config(reactor).getSoTimeout() : timeout;
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
      library.held.put(this, reactor);
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
    library.held.remove(this);
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
      Throwable made = library.exceptions.make(thrown, exec);
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
      case CONNECTION_RESET -> secure() ? ended() : new SocketException("Connection reset");
      case UNEXPECTED_EOF -> ended();
      default -> new IOException(failure.summary());
    };
  }

  /** Beneath TLS, a reset is an end to this client. */
  boolean secure() {
    return scope.route.isSecure();
  }

  private ConnectionClosedException ended() {
    return new ConnectionClosedException(
        http2 ? "Connection is closed" : "Connection closed by peer");
  }

  private IOException connecting(IOException cause) {
    return ConnectExceptionSupport.enhance(cause, firstHop(), addresses);
  }
}
