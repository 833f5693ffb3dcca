package dev.jinx.agent.point.http.apache4;

import static java.util.Objects.requireNonNull;

import dev.jinx.agent.call.Kind;
import dev.jinx.agent.effect.Ending;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.effect.Response;
import dev.jinx.agent.fault.BodyFlow;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.point.AsyncCall;
import dev.jinx.agent.point.http.ApacheHttpAsyncClient5;
import java.io.IOException;
import java.lang.invoke.MethodType;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.http.ConnectionClosedException;
import org.apache.http.HttpHost;
import org.apache.http.client.config.RequestConfig;
import org.apache.http.client.protocol.HttpClientContext;
import org.apache.http.concurrent.FutureCallback;
import org.apache.http.conn.routing.HttpRoute;
import org.apache.http.impl.nio.conn.PoolingNHttpClientConnectionManager;
import org.apache.http.impl.nio.reactor.IOReactorConfig;
import org.apache.http.nio.NHttpClientConnection;
import org.apache.http.nio.NHttpConnection;
import org.apache.http.nio.conn.NHttpClientConnectionManager;
import org.apache.http.nio.protocol.HttpAsyncClientExchangeHandler;
import org.apache.http.nio.reactor.ConnectingIOReactor;
import org.apache.http.util.VersionInfo;
import org.jspecify.annotations.Nullable;

/** One attempt at a request, in the hands of an injection. */
final class Attempt extends AsyncCall<Watched> {
  final Library library;
  final HttpAsyncClientExchangeHandler handler;
  final HttpRoute route;
  final HttpClientContext context;
  final NHttpClientConnectionManager manager;
  final @Nullable ConnectingIOReactor reactor;
  boolean watches;
  private InetAddress[] addresses = {};
  @Nullable Watched watched;
  volatile boolean onReactor;

  Attempt(Library library, Injection injection, HttpAsyncClientExchangeHandler handler) {
    super(injection);
    this.library = library;
    this.handler = handler;
    this.route = library.route(handler);
    this.context = requireNonNull((HttpClientContext) library.field(handler, "localContext"));
    this.manager = requireNonNull((NHttpClientConnectionManager) library.field(handler, "connmgr"));
    this.reactor = (ConnectingIOReactor) library.field(manager, "ioReactor");
  }

  @Nullable BodyFlow flow() {
    return injection.flow();
  }

  /** A method of the handler's own, without parameters. */
  void invoke(String method) {
    try {
      library
          .access
          .in(library.handlerClass)
          .findVirtual(library.handlerClass, method, MethodType.methodType(void.class))
          .invoke(handler);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  // ---- its clocks

  IOReactorConfig config() {
    return reactor != null && library.field(reactor, "config") instanceof IOReactorConfig config
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
      Library.apart(there);
    } else {
      library.onReactor(reactor, there);
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
    library.held.put(this, manager);
  }

  @Override
  protected void released() {
    library.held.remove(this);
  }

  // ---- its ends

  @Override
  protected void goOn() {
    watches = injection.hasAfter() || injection.flow() != null;
    if (!watches) {
      library.calls.remove(handler, this);
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
    if (library.calls.get(handler) == this) {
      // not by the handler, which ends the call itself, but by the closing of the client
      handler.failed(new ConnectionClosedException("Connection closed unexpectedly"));
    }
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
        VersionInfo.loadVersionInfo("org.apache.http.nio", NHttpConnection.class.getClassLoader());
    Matcher release =
        Pattern.compile("4\\.4\\.(\\d+).*").matcher(version == null ? "" : version.getRelease());
    return release.matches() && Integer.parseInt(release.group(1)) >= 10;
  }

  /** What a connection throws; null where the library itself says what went wrong. */
  private @Nullable Exception thrown(Failure failure) throws Throwable {
    if (failure instanceof Failure.Thrown thrown) {
      Throwable made = library.exceptions.make(thrown, handler);
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
