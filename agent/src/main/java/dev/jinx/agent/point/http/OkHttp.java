package dev.jinx.agent.point.http;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.point.Adapters;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.HookPoint;
import dev.jinx.agent.point.Point;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.Landmark;
import dev.jinx.agent.weave.MethodHook;
import dev.jinx.agent.weave.Original;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
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
  private static final ThreadLocal<@Nullable OkHttpAttempt> STEPPING = new ThreadLocal<>();

  /** The adapter's door. */
  public interface Library {
    /**
     * @throws ReflectiveOperationException where the version is none of those that are known
     */
    Inside open(Access access) throws ReflectiveOperationException;
  }

  /** The library's own inside, for one of its loaders. Objects are the library's. */
  public interface Inside {
    /** The path and the query as they stand in the request. */
    @Nullable String read(Field field, @Nullable String name, Object chain);

    /** The call that a chain of interceptors belongs to. */
    Object call(Object chain);

    /** What carries the call's state and is cancelled: in 3.14 an object of its own. */
    Object carrier(Object chain);

    /** The call that a selector of routes works for. */
    @Nullable Object callOfRoutes(Object routeSelector);

    /** The call that a plan to connect is made for, from 5.0 on. */
    @Nullable Object callOfPlan(Object plan);

    /** The call behind what asks the pool for a connection. */
    @Nullable Object callOf(@Nullable Object user);

    /** Milliseconds, 0 for none. */
    int connectTimeout(Object chain);

    /** Milliseconds, 0 for none. */
    int readTimeout(Object chain);

    /** The call takes no connection over from its last exchange. */
    void forgetConnection(Object carrier);

    /** Makes a connection look connected that is not, up to 4.x. */
    void pretendConnected(Object connection) throws ReflectiveOperationException;

    /** What connecting a plan gives, without doing it, from 5.0 on. */
    Object pretendTcp(Object plan);

    /** The same for what follows. */
    Object pretendTls(Object plan);

    /** The codec in whose hands the attempt is from here on. */
    Object codec(
        OkHttpAttempt attempt,
        Object connection,
        Object client,
        Object chain,
        @Nullable Object real);
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
  private final Adapters<Library> adapters;

  /** By a class that stands for all of its loader's library; null for an unknown version. */
  private final ClassValue<@Nullable Inside> libraries =
      new ClassValue<>() {
        @Override
        protected @Nullable Inside computeValue(Class<?> library) {
          return open(library);
        }
      };

  private final ClassValue<@Nullable Inside> insides =
      new ClassValue<>() {
        @Override
        protected @Nullable Inside computeValue(Class<?> hooked) {
          return libraries.get(representative(hooked));
        }
      };

  /** The attempts on their way, by their call, and by what carries its state. */
  private final Map<Object, OkHttpAttempt> attempts = new ConcurrentHashMap<>();

  public OkHttp(Armory armory, Access access, Exceptions exceptions) {
    super(armory, Operation.HTTP_EXCHANGE);
    this.access = access;
    this.exceptions = exceptions;
    adapters = new Adapters<>("dev.jinx.agent.point.http.okhttp.Library", Library.class, access);
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

  private static Class<?> representative(Class<?> hooked) {
    try {
      return Class.forName("okhttp3.OkHttpClient", false, hooked.getClassLoader());
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException(e);
    }
  }

  private @Nullable Inside open(Class<?> library) {
    try {
      return adapters.of(library).open(access);
    } catch (ReflectiveOperationException | RuntimeException | LinkageError e) {
      OwnFailures.note(e); // another version of it: its calls go on untouched
      return null;
    }
  }

  private Inside inside(Object hooked) {
    return Objects.requireNonNull(insides.get(hooked.getClass()));
  }

  @Override
  public @Nullable String read(
      Field field, @Nullable String name, Object interceptor, @Nullable Object chain) {
    if (field == Field.CLIENT) {
      return client();
    }
    String text = chain == null ? null : inside(interceptor).read(field, name, chain);
    return text != null && (field == Field.PATH || field == Field.QUERY)
        ? RequestTarget.decoded(text)
        : text;
  }

  @Override
  protected boolean concerns(Object interceptor, @Nullable Object chain) {
    return insides.get(interceptor.getClass()) != null;
  }

  // ---- carrying out

  @Override
  protected @Nullable Object inject(
      Injection injection, Original original, Object interceptor, Object[] arguments)
      throws Throwable {
    Inside inside = inside(interceptor);
    Object chain = arguments[0];
    Object call = inside.call(chain);
    Object carrier = inside.carrier(chain);
    OkHttpAttempt attempt = new OkHttpAttempt(injection, exceptions, inside, chain);
    attempts.put(call, attempt);
    attempts.put(carrier, attempt);
    try (CallScope scope = CallScope.enter(operation().kind())) {
      attempt.begin();
      if (attempt.connectFailure() != null) {
        inside.forgetConnection(carrier);
      }
      return original.call(interceptor, arguments);
    } finally {
      attempts.remove(call);
      attempts.remove(carrier);
      injection.finish();
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
        OkHttpAttempt attempt = attempt(self, argument);
        if (attempt == null
            || !concerns(attempt)
            || (step != Step.SOCKET && STEPPING.get() == attempt)) {
          return null;
        }
        if (step == Step.CANCEL) {
          attempt.cancel();
          return null;
        }
        return Ticket.of((it, arguments) -> carryOut(attempt, original, it, arguments));
      } catch (Throwable e) {
        OwnFailures.note(e);
        return null;
      }
    }

    private @Nullable OkHttpAttempt attempt(Object self, @Nullable Object argument) {
      if (step == Step.SOCKET) {
        return STEPPING.get();
      }
      Object key =
          switch (step) {
            case CANCEL -> self;
            case ROUTE -> inside(self).callOfRoutes(self);
            case POOL -> inside(self).callOf(argument);
            case TCP, TLS -> inside(self).callOfPlan(self);
            case CODEC -> argument == null ? null : inside(self).call(argument);
            default -> argument;
          };
      return key == null ? null : attempts.get(key);
    }

    private boolean concerns(OkHttpAttempt attempt) {
      NamedError failure = attempt.connectFailure();
      return switch (step) {
        case CANCEL, CODEC -> true;
        case ROUTE -> failure == NamedError.UNKNOWN_HOST;
        case POOL, SOCKET -> failure != null;
        case CONNECT, TCP -> failure != null || attempt.instead() != null;
        case TLS -> attempt.instead() != null;
      };
    }

    private @Nullable Object carryOut(
        OkHttpAttempt attempt, Original original, Object self, Object[] arguments)
        throws Throwable {
      NamedError failure = attempt.connectFailure();
      if (failure != null) {
        return fail(attempt, failure, original, self, arguments);
      }
      Object real =
          step == Step.CODEC && attempt.instead() == null
              ? goOn(attempt, original, self, arguments)
              : null;
      try {
        return replace(attempt, self, arguments, real);
      } catch (Throwable bugOfOurs) {
        OwnFailures.note(bugOfOurs);
        attempt.pass();
        return real == null ? goOn(attempt, original, self, arguments) : real;
      }
    }

    private @Nullable Object fail(
        OkHttpAttempt attempt,
        NamedError failure,
        Original original,
        Object self,
        Object[] arguments)
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
        OkHttpAttempt attempt, Original original, Object self, Object[] arguments)
        throws Throwable {
      STEPPING.set(attempt);
      try {
        return original.call(self, arguments);
      } finally {
        STEPPING.remove();
      }
    }

    private @Nullable Object replace(
        OkHttpAttempt attempt, Object self, Object[] arguments, @Nullable Object real)
        throws ReflectiveOperationException {
      Inside inside = attempt.inside();
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
