package dev.jinx.agent.point.http;

import static dev.jinx.agent.effect.Phase.BEFORE;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Drop;
import dev.jinx.agent.effect.Ending;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.effect.Response;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.BodyFlow;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.fault.VirtualThreads;
import dev.jinx.agent.point.Adapters;
import dev.jinx.agent.point.AsyncCall;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.HookPoint;
import dev.jinx.agent.point.Point;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.Landmark;
import dev.jinx.agent.weave.MethodHook;
import dev.jinx.agent.weave.Original;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * OkHttp from 3.14 on, both its styles: every attempt passes {@code ConnectInterceptor.intercept}
 * once, beneath redirects, retries, the cache and gzip. There it is decided on; what was decided is
 * carried out further down, so that the client itself wraps, retries and discards:
 *
 * <ul>
 *   <li>what goes wrong while connecting is thrown where routes are looked up and sockets
 *       connected, with the pool hidden;
 *   <li>what comes in place of an answer is read by the client's own HTTP/1.1 codec from bytes of
 *       ours, on a connection of the pool or on one that was never made;
 *   <li>delays, what comes after the real answer and slow or cut bodies are put around the real
 *       codec.
 * </ul>
 */
public final class OkHttp extends HookPoint implements Point {
  private static final String INSIDE = "okhttp3/internal/";

  /** The attempt in one of whose steps the current thread is: the step's own body passes. */
  private static final ThreadLocal<@Nullable Attempt> STEPPING = new ThreadLocal<>();

  /** The library's own inside, for one of its loaders. Objects are the library's. */
  public interface Inside {
    void open(Access access, ClassLoader library) throws ReflectiveOperationException;

    /** The path and the query as they stand in the request. */
    @Nullable String read(Field field, @Nullable String name, Object chain);

    /** The call that a chain of interceptors belongs to. */
    Object call(Object chain);

    /** What carries the call's state and is cancelled: in 3.14 an object of its own. */
    Object carrier(Object chain);

    /** The call that something made for one call belongs to. */
    @Nullable Object callOf(Object part);

    /** Milliseconds, 0 for none. */
    int connectTimeout(Object chain);

    /** Milliseconds, 0 for none. */
    int readTimeout(Object chain);

    /** The call takes no connection over from its last exchange. */
    void forgetConnection(Object carrier);

    /** Makes a connection look connected that is not, up to 4.x. */
    void pretendConnected(Object connection);

    /** What connecting a plan gives, without doing it, from 5.0 on. */
    Object pretendTcp(Object plan);

    /** The same for what follows. */
    Object pretendTls(Object plan);

    /** The codec in whose hands the attempt is from here on. */
    Object codec(
        Attempt attempt, Object connection, Object client, Object chain, @Nullable Object real);
  }

  private enum Step {
    CANCEL,
    ROUTE,
    POOL,
    CONNECT,
    TCP,
    TLS,
    SOCKET,
    CODEC
  }

  private final Access access;
  private final Exceptions exceptions;
  private final Adapters<Inside> adapters;
  private final ClassValue<Inside> insides =
      new ClassValue<>() {
        @Override
        protected Inside computeValue(Class<?> library) {
          return open(library);
        }
      };

  /** The attempts on their way, by their call, and by what carries its state. */
  private final Map<Object, Attempt> attempts = new ConcurrentHashMap<>();

  public OkHttp(Armory armory, Access access, Exceptions exceptions) {
    super(armory, Operation.HTTP_EXCHANGE);
    this.access = access;
    this.exceptions = exceptions;
    this.adapters = new Adapters<>("dev.jinx.agent.point.http.OkHttpInside", Inside.class, access);
  }

  @Override
  public String client() {
    return "okhttp";
  }

  @Override
  public List<Landmark> landmarks() {
    return List.of(
        new Landmark(
            "okhttp",
            "okhttp3/OkHttpClient",
            List.of(
                List.of(INSIDE + "connection/ConnectInterceptor"),
                List.of(INSIDE + "http/ExchangeCodec"),
                List.of(INSIDE + "connection/Transmitter", INSIDE + "connection/RealCall"))));
  }

  @Override
  public List<ClassHooks> classes() {
    String chain = "Lokhttp3/Interceptor$Chain;";
    String codec = ")L" + INSIDE + "http/ExchangeCodec;";
    String connected = "()L" + INSIDE + "connection/RoutePlanner$ConnectResult;";
    String list = "Ljava/util/List;Z)";
    String connection = "L" + INSIDE + "connection/RealConnection;";
    List<ClassHooks> classes = new ArrayList<>();
    add(
        classes,
        "connection/ConnectInterceptor",
        on("intercept", "(" + chain + ")Lokhttp3/Response;", 0));
    add(
        classes,
        "connection/RealConnection",
        // 3.14, later
        at(Step.CODEC, "newCodec", "(Lokhttp3/OkHttpClient;" + chain + codec, 1),
        at(
            Step.CODEC,
            "newCodec$okhttp",
            "(Lokhttp3/OkHttpClient;L" + INSIDE + "http/RealInterceptorChain;" + codec,
            1),
        at(Step.CONNECT, "connect", "(IIIIZLokhttp3/Call;Lokhttp3/EventListener;)V", 5));
    // from 5.0 on
    add(
        classes,
        "connection/ConnectPlan",
        at(Step.TCP, "connectTcp", connected, -1),
        at(Step.TLS, "connectTlsEtc", connected, -1));
    add(
        classes,
        "connection/RealConnectionPool",
        at(
            Step.POOL,
            "transmitterAcquirePooledConnection",
            "(Lokhttp3/Address;L" + INSIDE + "connection/Transmitter;" + list + "Z",
            1),
        at(
            Step.POOL,
            "callAcquirePooledConnection",
            "(Lokhttp3/Address;L" + INSIDE + "connection/RealCall;" + list + "Z",
            1),
        // 5.0 to 5.2, later
        at(
            Step.POOL,
            "callAcquirePooledConnection",
            "(ZLokhttp3/Address;L" + INSIDE + "connection/ConnectionUser;" + list + connection,
            2),
        at(
            Step.POOL,
            "callAcquirePooledConnection$okhttp",
            "(ZLokhttp3/Address;L" + INSIDE + "connection/RealCall;" + list + connection,
            2));
    add(
        classes,
        "connection/RouteSelector",
        at(Step.ROUTE, "resetNextInetSocketAddress", "(Ljava/net/Proxy;)V", -1),
        at(Step.ROUTE, "nextRoutes", "(Ljava/net/Proxy;)Ljava/util/List;", -1));
    add(
        classes,
        "platform/Platform",
        at(Step.SOCKET, "connectSocket", "(Ljava/net/Socket;Ljava/net/InetSocketAddress;I)V", -1));
    // 3.14, later
    add(classes, "connection/Transmitter", at(Step.CANCEL, "cancel", "()V", -1));
    add(classes, "connection/RealCall", at(Step.CANCEL, "cancel", "()V", -1));
    return classes;
  }

  private static void add(List<ClassHooks> classes, String name, MethodHook... methods) {
    classes.add(new ClassHooks("okhttp", INSIDE + name, List.of(methods)));
  }

  private MethodHook at(Step step, String method, String descriptor, int argument) {
    return new MethodHook(
        method, descriptor, argument, operation().bit(), new Beneath(step), false);
  }

  private Inside open(Class<?> library) {
    Inside inside = adapters.of(library);
    try {
      inside.open(access, library.getClassLoader());
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e); // another version of it: its calls go on untouched
    }
    return inside;
  }

  @Override
  public @Nullable String read(
      Field field, @Nullable String name, Object interceptor, @Nullable Object chain) {
    if (field == Field.CLIENT) {
      return client();
    }
    String text =
        chain == null ? null : insides.get(interceptor.getClass()).read(field, name, chain);
    return text != null && (field == Field.PATH || field == Field.QUERY)
        ? RequestTarget.decoded(text)
        : text;
  }

  @Override
  protected boolean concerns(Object interceptor, @Nullable Object chain) {
    // where the inside is another than is known, this throws, and the call goes on untouched
    return insides.get(interceptor.getClass()) != null;
  }

  // ---- carrying out

  @Override
  protected @Nullable Object inject(
      Injection injection, Original original, Object interceptor, Object[] arguments)
      throws Throwable {
    Inside inside = insides.get(interceptor.getClass());
    Object chain = arguments[0];
    Object call = inside.call(chain);
    Object carrier = inside.carrier(chain);
    Attempt attempt = new Attempt(injection, exceptions, inside, chain);
    attempts.put(call, attempt);
    attempts.put(carrier, attempt);
    try (CallScope scope = CallScope.enter(operation().kind())) {
      attempt.begin();
      if (attempt.connectFailure != null) {
        inside.forgetConnection(carrier);
      }
      return original.call(interceptor, arguments);
    } finally {
      attempts.remove(call);
      attempts.remove(carrier);
      injection.finish();
    }
  }

  /** One attempt in the hands of an injection. */
  public static final class Attempt {
    private final Injection injection;
    private final Exceptions exceptions;
    private final Inside inside;
    private final Object chain;
    private @Nullable NamedError connectFailure;
    private boolean clockRanOut;
    private @Nullable Object instead;

    private Attempt(Injection injection, Exceptions exceptions, Inside inside, Object chain) {
      this.injection = injection;
      this.exceptions = exceptions;
      this.inside = inside;
      this.chain = chain;
    }

    /**
     * Waits for what needs no connection. A delay, a drop and a read timeout happen to a real one.
     */
    private void begin() throws IOException {
      Ending planned = injection.planned(BEFORE);
      if (planned == null
          || planned instanceof Drop
          || AsyncCall.is(NamedError.READ_TIMEOUT, planned)) {
        return;
      }
      boolean connecting = AsyncCall.isWhileConnecting(planned);
      int timeout = connecting ? inside.connectTimeout(chain) : inside.readTimeout(chain);
      switch (injection.await(BEFORE, nanos(timeout), false)) {
        case TIMED_OUT -> {
          clockRanOut = true;
          if (connecting) {
            connectFailure = NamedError.CONNECT_TIMEOUT;
          } else {
            instead = NamedError.READ_TIMEOUT;
          }
        }
        case CLOSED, INTERRUPTED -> throw new SocketException("Socket closed");
        case ELAPSED -> {
          Ending ending = injection.ending(BEFORE);
          if (ending instanceof Failure.Named named && named.error().isWhileConnecting()) {
            connectFailure = named.error();
          } else {
            instead = spelled(ending);
          }
        }
      }
    }

    /** What comes in place of the exchange, as {@link #hold}; null for nothing. */
    public @Nullable Object instead() {
      return instead;
    }

    /** Whether something may come in place of the real answer. */
    public boolean hasAfter() {
      return injection.hasAfter();
    }

    /**
     * Waits on the current thread for what that phase brings.
     *
     * @param interruptible whether an interrupt ends a wait of that kind for real
     * @return null to go on; otherwise a {@link Response}, a {@link NamedError}, an exception, or
     *     how the wait ended before its time: {@code CLOSED} or {@code INTERRUPTED}
     */
    public @Nullable Object hold(Phase phase, boolean interruptible) {
      try {
        boolean ends = interruptible || VirtualThreads.isVirtual(Thread.currentThread());
        Injection.Waited waited = injection.await(phase, nanos(inside.readTimeout(chain)), ends);
        return switch (waited) {
          case ELAPSED -> spelled(injection.ending(phase));
          case TIMED_OUT -> NamedError.READ_TIMEOUT;
          case CLOSED, INTERRUPTED -> waited;
        };
      } catch (Throwable bugOfOurs) {
        OwnFailures.note(bugOfOurs);
        return null;
      }
    }

    private @Nullable Object spelled(@Nullable Ending ending) {
      if (ending instanceof Failure.Named named) {
        return named.error();
      }
      if (ending instanceof Failure.Thrown thrown) {
        try {
          return exceptions.make(thrown, chain);
        } catch (ReflectiveOperationException e) {
          OwnFailures.note(e);
          return new IOException(thrown.message());
        }
      }
      return ending instanceof Response ? ending : null;
    }

    /** How the body of the answer comes; null where nothing happens to it. */
    public @Nullable BodyFlow flow() {
      return injection.flow();
    }

    /** The call was cancelled. */
    public void cancel() {
      injection.close();
    }

    /** The answer as it comes over a connection. */
    public byte[] bytes(Response response) {
      return AnswerBytes.of(response, String.valueOf(inside.read(Field.METHOD, null, chain)));
    }

    /** What the library meets when it looks a host up, or connects a socket. */
    public IOException connecting(NamedError error) {
      return switch (error) {
        case UNKNOWN_HOST ->
            new UnknownHostException(
                inside.read(Field.HOST, null, chain) + ": Name or service not known");
        case CONNECT_TIMEOUT ->
            clockRanOut
                ? new SocketTimeoutException("Connect timed out")
                : new ConnectException("Connection timed out"); // what the system says
        case TLS_HANDSHAKE_FAILURE -> TlsFailures.handshake();
        case CERTIFICATE_EXPIRED -> TlsFailures.certificateExpired();
        default -> new ConnectException("Connection refused");
      };
    }

    private boolean concerns(Step step) {
      return switch (step) {
        case CANCEL, CODEC -> true;
        case ROUTE -> connectFailure == NamedError.UNKNOWN_HOST;
        case POOL, SOCKET -> connectFailure != null;
        case CONNECT, TCP -> connectFailure != null || instead != null;
        case TLS -> instead != null;
      };
    }

    private static long nanos(int millis) {
      return millis <= 0 ? Long.MAX_VALUE : TimeUnit.MILLISECONDS.toNanos(millis);
    }
  }

  /** What the client does beneath the interceptor, in one of its steps. */
  private final class Beneath implements Handler {
    private final Step step;

    Beneath(Step step) {
      this.step = step;
    }

    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object self, @Nullable Object argument) {
      if (attempts.isEmpty()) {
        return null;
      }
      try {
        Attempt attempt = attempt(self, argument);
        if (attempt == null
            || !attempt.concerns(step)
            || (step != Step.SOCKET && STEPPING.get() == attempt)) {
          return null;
        }
        if (step == Step.CANCEL) {
          attempt.cancel();
          return null;
        }
        return new BiFunction<>() {
          @Override
          public @Nullable Object apply(Object it, Object[] arguments) {
            return Beneath.this.<RuntimeException>carryOut(attempt, original, it, arguments);
          }
        };
      } catch (Throwable e) {
        OwnFailures.note(e);
        return null;
      }
    }

    private @Nullable Attempt attempt(Object self, @Nullable Object argument) {
      if (step == Step.SOCKET) {
        return STEPPING.get();
      }
      Object key =
          switch (step) {
            case CANCEL -> self;
            case ROUTE, TCP, TLS -> insides.get(self.getClass()).callOf(self);
            case CODEC -> argument == null ? null : insides.get(self.getClass()).call(argument);
            default -> argument;
          };
      if (key == null) {
        return null;
      }
      Attempt known = attempts.get(key);
      if (known == null && step == Step.POOL) {
        Object call = insides.get(self.getClass()).callOf(key);
        return call == null ? null : attempts.get(call);
      }
      return known;
    }

    /** Checked exceptions pass: the hooked methods can throw them. */
    @SuppressWarnings("unchecked")
    private <E extends Throwable> @Nullable Object carryOut(
        Attempt attempt, Original original, Object self, Object[] arguments) throws E {
      try {
        NamedError failure = attempt.connectFailure;
        if (failure != null) {
          return fail(attempt, failure, original, self, arguments);
        }
        Object real =
            step == Step.CODEC && attempt.instead == null
                ? goOn(attempt, original, self, arguments)
                : null;
        try {
          return replace(attempt, self, arguments, real);
        } catch (Throwable bugOfOurs) {
          OwnFailures.note(bugOfOurs);
          attempt.instead = null;
          return real == null ? goOn(attempt, original, self, arguments) : real;
        }
      } catch (Throwable e) {
        throw (E) e;
      }
    }

    private @Nullable Object fail(
        Attempt attempt, NamedError failure, Original original, Object self, Object[] arguments)
        throws Throwable {
      switch (step) {
        case POOL -> {
          return original.descriptor().endsWith("Z") ? false : null;
        }
        case ROUTE, SOCKET -> throw attempt.connecting(failure);
        default -> {
          return goOn(attempt, original, self, arguments);
        }
      }
    }

    private @Nullable Object goOn(
        Attempt attempt, Original original, Object self, Object[] arguments) throws Throwable {
      STEPPING.set(attempt);
      try {
        return original.call(self, arguments);
      } finally {
        STEPPING.remove();
      }
    }

    private @Nullable Object replace(
        Attempt attempt, Object self, Object[] arguments, @Nullable Object real) {
      Inside inside = attempt.inside;
      switch (step) {
        case CONNECT -> inside.pretendConnected(self);
        case TCP -> {
          return inside.pretendTcp(self);
        }
        case TLS -> {
          return inside.pretendTls(self);
        }
        default -> {
          return inside.codec(attempt, self, arguments[0], arguments[1], real);
        }
      }
      return null;
    }
  }
}
