package dev.jinx.agent.point.http;

import dev.jinx.agent.call.CallReader;
import dev.jinx.agent.call.Field;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Ending;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.effect.Response;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.BodyFlow;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.point.AsyncCall;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.HookPoint;
import dev.jinx.agent.point.Point;
import dev.jinx.agent.point.tls.TlsFailures;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.MethodHook;
import dev.jinx.agent.weave.Original;
import java.io.EOFException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketException;
import java.net.URI;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpTimeoutException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * {@code java.net.http.HttpClient}. Every attempt at a request, a redirect and a retry of the
 * client's own included, passes {@code Exchange.responseAsync()} once, with the request's timer
 * running above it. The hook gives the client another future, which a timer completes, so that no
 * thread is held; the future's failures are those that a real exchange would have there, so that
 * the client retries and wraps them itself.
 */
public final class JdkHttpClient extends HookPoint implements Point {
  private static final Object[] NOTHING = {};

  private final Access access;
  private final Exceptions exceptions;
  private final Map<Object, Held> held = new ConcurrentHashMap<>();
  private final JdkHttpBodies bodies = new JdkHttpBodies();
  private volatile @Nullable HttpClientInside client;

  public JdkHttpClient(Armory armory, Access access, Exceptions exceptions) {
    super(armory, Operation.HTTP_EXCHANGE);
    this.access = access;
    this.exceptions = exceptions;
  }

  @Override
  public String client() {
    return "jdk";
  }

  @Override
  public List<ClassHooks> classes() {
    String cause = "(Ljava/io/IOException;)V";
    String library = "jdk-httpclient";
    long bits = operation().bit();
    return List.of(
        new ClassHooks(
            library, "jdk/internal/net/http/Http1Response$BodyReader", List.of(bodies.http1(bits))),
        new ClassHooks(library, "jdk/internal/net/http/Stream", List.of(bodies.http2(bits))),
        new ClassHooks(
            library,
            "jdk/internal/net/http/Exchange",
            List.of(
                on("responseAsync", "()Ljava/util/concurrent/CompletableFuture;", -1),
                new MethodHook("cancel", "()V", -1, bits, new OnCancel(), true),
                new MethodHook("cancel", cause, 0, bits, new OnCancel(), true))));
  }

  /** The client cancels an exchange: its caller does, or the request's timer. */
  private final class OnCancel implements Handler {
    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object exchange, @Nullable Object cause) {
      Held waiting = held.get(exchange);
      if (waiting != null) {
        waiting.cancel(cause == null ? new IOException("Request cancelled") : (IOException) cause);
      }
      return null;
    }
  }

  // ---- reading a call

  @Override
  protected boolean concerns(Object exchange, @Nullable Object argument) {
    // what asks a proxy for a tunnel is no exchange of the application's
    return !client(exchange).request(exchange).method().equals("CONNECT");
  }

  @Override
  public @Nullable String read(
      Field field, @Nullable String name, Object exchange, @Nullable Object argument) {
    HttpRequest request = client(exchange).request(exchange);
    URI uri = request.uri();
    return switch (field) {
      case SCHEME -> uri.getScheme();
      case HOST -> RequestTarget.host(uri.getHost());
      case PORT -> RequestTarget.port(uri.getScheme(), uri.getPort());
      case METHOD -> request.method();
      case PATH -> RequestTarget.path(uri.getRawPath());
      case QUERY -> uri.getRawQuery() == null ? null : RequestTarget.decoded(uri.getRawQuery());
      case HEADER -> name == null ? null : request.headers().firstValue(name).orElse(null);
      case CLIENT -> client();
      default -> null;
    };
  }

  @Override
  public boolean matches(
      Field field,
      @Nullable String name,
      CallReader.TextMatcher pattern,
      Object exchange,
      @Nullable Object argument) {
    return field == Field.HEADER && name != null
        ? RequestTarget.anyMatches(
            client(exchange).request(exchange).headers().allValues(name).iterator(), pattern)
        : super.matches(field, name, pattern, exchange, argument);
  }

  // ---- carrying out

  @Override
  @SuppressWarnings("FutureReturnValueIgnored") // it is the method's result
  protected @Nullable Object inject(
      Injection injection, Original original, Object exchange, Object[] arguments)
      throws Throwable {
    Held call = new Held(injection, original, exchange);
    call.begin();
    return call.response;
  }

  /** One exchange in the hands of an injection. */
  private final class Held extends AsyncCall<Object> {
    final Original original;
    final Object exchange;
    final HttpClientInside client;
    final CompletableFuture<Object> response;
    private final JdkHttpBodies.@Nullable Flow flow;
    private volatile @Nullable IOException cancelled;

    Held(Injection injection, Original original, Object exchange) {
      super(injection);
      this.original = original;
      this.exchange = exchange;
      this.client = client(exchange);
      this.response = client.future();
      BodyFlow given = injection.flow();
      this.flow = given == null ? null : JdkHttpBodies.Flow.of(given);
    }

    @Override
    protected void held() {
      held.put(exchange, this);
      Throwable already = client.cancelCause(exchange);
      if (already != null) {
        cancel(already instanceof IOException cause ? cause : new IOException(already));
      }
    }

    @Override
    protected void released() {
      held.remove(exchange, this);
    }

    void cancel(IOException cause) {
      cancelled = cause;
      cancel();
    }

    @Override
    protected long patience(Phase phase, @Nullable Ending planned) {
      if (isWhileConnecting(planned)) {
        Duration timeout = client.connectTimeout(exchange);
        if (timeout != null) {
          return timeout.toNanos();
        }
      }
      // the request's timer runs above, and cancels
      return client.request(exchange).timeout().isPresent() ? ELSEWHERE : Long.MAX_VALUE;
    }

    @Override
    protected void run(Runnable work) {
      client.run(exchange, work);
    }

    /** The real exchange. */
    @Override
    protected void goOn() {
      if (flow != null) {
        bodies.begin(client, exchange, flow);
      }
      try (CallScope scope = CallScope.enter(operation().kind())) {
        CompletableFuture<?> real =
            (CompletableFuture<?>) Objects.requireNonNull(original.call(exchange, NOTHING));
        var unused = real.whenComplete(this::arrived);
      } catch (Throwable e) {
        arrived(null, e);
      }
    }

    private void arrived(@Nullable Object real, @Nullable Throwable failure) {
      if (failure != null) {
        gone();
        response.completeExceptionally(failure);
      } else if (real != null) {
        arrived(real);
      }
    }

    @Override
    protected void deliver(Object real) {
      if (flow != null) {
        bodies.arrived(client, exchange, real, flow);
      }
      response.complete(real);
    }

    @Override
    protected void discard(Object real) {
      client.discard(exchange);
    }

    @Override
    protected void answered(Response answer, Phase phase) {
      response.complete(client.answer(exchange, answer));
    }

    @Override
    protected void failed(Failure failure, Phase phase) throws Throwable {
      Throwable spelled = spelled(failure);
      discardPooled(phase, failure);
      response.completeExceptionally(spelled);
    }

    @Override
    protected void outOfPatience(Phase phase, @Nullable Ending planned) {
      response.completeExceptionally(connectTimedOut());
    }

    /** The request's timer takes an exchange without a connection for one that still connects. */
    @Override
    protected void cancelled(Phase phase, @Nullable Ending planned) {
      IOException cause = cancelled;
      discardPooled(phase, planned);
      response.completeExceptionally(
          cause instanceof HttpConnectTimeoutException && !isWhileConnecting(planned)
              ? new HttpTimeoutException("request timed out")
              : cause == null ? new IOException("Request cancelled") : cause);
    }

    /** A connection that stood already would have met the failure, and is lost with it. */
    private void discardPooled(Phase phase, @Nullable Ending planned) {
      if (phase == Phase.BEFORE && !isWhileConnecting(planned)) {
        try {
          client.discardPooled(exchange);
        } catch (RuntimeException e) {
          OwnFailures.note(e);
        }
      }
    }

    /** Failures as they leave a real exchange, observed on JDK 17 and 25. */
    private Throwable spelled(Failure failure) throws Throwable {
      if (failure instanceof Failure.Thrown thrown) {
        return exceptions.make(thrown, exchange);
      }
      return switch (((Failure.Named) failure).error()) {
        // the client tries twice, the second time on the channel that the first refusal closed
        case CONNECTION_REFUSED -> new ConnectException().initCause(new ClosedChannelException());
        case UNKNOWN_HOST -> new ConnectException().initCause(new UnresolvedAddressException());
        case CONNECT_TIMEOUT -> connectTimedOut();
        case READ_TIMEOUT -> new HttpTimeoutException("request timed out");
        case CONNECTION_RESET -> lost(new SocketException("Connection reset"));
        case UNEXPECTED_EOF -> lost(new EOFException("EOF reached while reading"));
        case TLS_HANDSHAKE_FAILURE -> TlsFailures.handshake();
        case CERTIFICATE_EXPIRED -> TlsFailures.certificateExpired();
        default -> new IOException(failure.summary());
      };
    }

    private Throwable connectTimedOut() {
      return new HttpConnectTimeoutException("HTTP connect timed out")
          .initCause(new ConnectException("HTTP connect timed out"));
    }

    private Throwable lost(IOException cause) {
      return client.isHttp2(exchange)
          ? cause
          : client.retryable(new IOException("HTTP/1.1 header parser received no bytes", cause));
    }
  }

  // ---- the client's inside

  private HttpClientInside client(Object exchange) {
    HttpClientInside known = client;
    if (known == null) {
      synchronized (this) {
        known = client;
        if (known == null) {
          try {
            known = new HttpClientInside(access, exchange.getClass());
          } catch (IOException | ReflectiveOperationException e) {
            throw new IllegalStateException(e);
          }
          client = known;
        }
      }
    }
    return known;
  }
}
