package dev.jinx.agent.point.http;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.call.Kind;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.point.Adapters;
import dev.jinx.agent.point.AsyncCall;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.HookPoint;
import dev.jinx.agent.point.Point;
import dev.jinx.agent.point.WeakIdentityMap;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.Landmark;
import dev.jinx.agent.weave.MethodHook;
import dev.jinx.agent.weave.Original;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * Apache HttpAsyncClient 4.1. One exchange handler carries a call through its attempts. Each one
 * that needs a connection passes {@code requestConnection} of that handler, above the pool; one
 * that follows on the same connection, as most redirects do, passes only {@code generateRequest}.
 * What happens then is in the package {@code apache4}.
 */
public final class ApacheHttpAsyncClient4 extends HookPoint implements Point {
  private static final String CLIENT = "apache4";
  private static final String PACKAGE = "org/apache/http/impl/nio/client/";

  /** What is linked against the library. */
  public interface Inside {
    /**
     * Called once, first.
     *
     * @param calls to note each call in, by its handler
     * @param held to note the calls in that are held, with the connection manager whose closing
     *     ends them
     */
    void open(
        Access access,
        Class<?> handler,
        Exceptions exceptions,
        Map<Object, AsyncCall<?>> calls,
        Map<AsyncCall<?>, Object> held);

    /** The request of the attempt that is about to begin. */
    @Nullable Object request(Object handler);

    /** Whether the handler has a connection that leads to its target. */
    boolean isConnected(Object handler);

    /** A field of that request; {@code PATH} and {@code QUERY} both as sent. */
    @Nullable String read(Field field, @Nullable String name, Object handler);

    /**
     * Takes an attempt on.
     *
     * @param connected whether it is one on a connection that the handler has
     */
    void begin(Injection injection, Object handler, boolean connected);

    /** A request is about to be sent on a real connection. */
    void sending(AsyncCall<?> call, Object handler);
  }

  private final Access access;
  private final Exceptions exceptions;
  private final Map<Object, AsyncCall<?>> calls = new ConcurrentHashMap<>();
  private final Map<AsyncCall<?>, Object> held = new ConcurrentHashMap<>();

  /** The requests that were decided on when they asked for a connection. */
  private final WeakIdentityMap<Object, Boolean> decided = new WeakIdentityMap<>();

  private final Adapters<Inside> adapters;
  private final ClassValue<Inside> insides =
      new ClassValue<>() {
        @Override
        protected Inside computeValue(Class<?> handler) {
          Inside inside = adapters.of(handler);
          inside.open(access, handler, exceptions, calls, held);
          return inside;
        }
      };

  public ApacheHttpAsyncClient4(Armory armory, Access access, Exceptions exceptions) {
    super(armory, Operation.HTTP_EXCHANGE);
    this.access = access;
    this.exceptions = exceptions;
    adapters =
        new Adapters<>("dev.jinx.agent.point.http.apache4.AsyncAdapter", Inside.class, access);
  }

  @Override
  public List<ClassHooks> classes() {
    Handler over = new OnEnd();
    Handler closing = new OnClose();
    HookPoint again = new Again(armory());
    long bit = operation().bit();
    String generate = "()Lorg/apache/http/HttpRequest;";
    return List.of(
        new ClassHooks(
            "apache-httpasyncclient4",
            PACKAGE + "AbstractClientExchangeHandler",
            List.of(
                on("requestConnection", "()V", -1),
                new MethodHook("failed", "(Ljava/lang/Exception;)V", -1, bit, over, true),
                new MethodHook("cancel", "()Z", -1, bit, over, true),
                new MethodHook("close", "()V", -1, bit, over, true))),
        new ClassHooks(
            "apache-httpasyncclient4",
            PACKAGE + "DefaultClientExchangeHandlerImpl",
            List.of(again.on("generateRequest", generate, -1))),
        new ClassHooks(
            "apache-httpasyncclient4",
            PACKAGE + "MinimalClientExchangeHandlerImpl",
            List.of(again.on("generateRequest", generate, -1))),
        new ClassHooks(
            "apache-httpasyncclient4",
            "org/apache/http/impl/nio/conn/PoolingNHttpClientConnectionManager",
            List.of(
                new MethodHook("shutdown", "()V", -1, bit, closing, true),
                new MethodHook("shutdown", "(J)V", -1, bit, closing, true))));
  }

  @Override
  public List<Landmark> landmarks() {
    return List.of(
        new Landmark(
            "apache-httpasyncclient4",
            PACKAGE + "HttpAsyncClientBuilder",
            List.of(List.of(PACKAGE + "AbstractClientExchangeHandler"))));
  }

  @Override
  public String client() {
    return CLIENT;
  }

  /** The handler has come to an end: it failed, was cancelled or is done. */
  private final class OnEnd implements Handler {
    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object handler, @Nullable Object argument) {
      AsyncCall<?> call = calls.remove(handler);
      if (call != null) {
        call.cancel();
        call.gone();
      }
      return null;
    }
  }

  private final class OnClose implements Handler {
    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object manager, @Nullable Object argument) {
      held.forEach(
          (call, its) -> {
            if (its == manager) {
              call.cancel();
            }
          });
      return null;
    }
  }

  // ---- an attempt that asks for a connection

  private Inside inside(Object handler) {
    return insides.get(handler.getClass());
  }

  @Override
  protected boolean concerns(Object handler, @Nullable Object argument) {
    // a pipeline has no exchange of its own
    return !handler.getClass().getName().endsWith("PipeliningClientExchangeHandlerImpl")
        && isExchange(handler);
  }

  private boolean isExchange(Object handler) {
    Inside inside = inside(handler);
    return inside.request(handler) != null
        && !"CONNECT".equals(inside.read(Field.METHOD, null, handler));
  }

  @Override
  public boolean counts(Object handler, @Nullable Object argument) {
    Object request = inside(handler).request(handler);
    if (request != null) {
      decided.put(request, true);
    }
    return true;
  }

  @Override
  public @Nullable String read(
      Field field, @Nullable String name, Object handler, @Nullable Object argument) {
    Inside inside = inside(handler);
    return switch (field) {
      case CLIENT -> CLIENT;
      case PATH -> RequestTarget.path(inside.read(field, name, handler));
      case QUERY -> RequestTarget.query(inside.read(field, name, handler));
      case HOST -> RequestTarget.host(inside.read(field, name, handler));
      case PORT -> {
        String port = inside.read(field, name, handler);
        yield RequestTarget.port(
            inside.read(Field.SCHEME, null, handler), port == null ? -1 : Integer.parseInt(port));
      }
      default -> inside.read(field, name, handler);
    };
  }

  @Override
  protected @Nullable Object inject(
      Injection injection, Original original, Object handler, Object[] arguments) throws Throwable {
    return begin(injection, original, handler, arguments, false);
  }

  private @Nullable Object begin(
      Injection injection, Original original, Object handler, Object[] arguments, boolean connected)
      throws Throwable {
    try {
      inside(handler).begin(injection, handler, connected);
      return null;
    } catch (Throwable bugOfOurs) {
      OwnFailures.note(bugOfOurs);
      injection.finish();
    }
    try (CallScope scope = CallScope.enter(Kind.HTTP)) {
      return original.call(handler, arguments);
    }
  }

  // ---- an attempt on a connection that is there

  private final class Again extends HookPoint {
    Again(Armory armory) {
      super(armory, Operation.HTTP_EXCHANGE);
    }

    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object handler, @Nullable Object argument) {
      try {
        AsyncCall<?> call = calls.get(handler);
        if (call != null) {
          inside(handler).sending(call, handler);
        }
      } catch (Throwable e) {
        OwnFailures.note(e);
      }
      return super.enter(original, handler, argument);
    }

    @Override
    protected boolean concerns(Object handler, @Nullable Object argument) {
      if (!isExchange(handler)) {
        return false;
      }
      if (inside(handler).isConnected(handler)) {
        return true;
      }
      // the first on its connection: it has been decided on
      Object request = inside(handler).request(handler);
      if (request != null) {
        decided.remove(request);
      }
      return false;
    }

    @Override
    public boolean counts(Object handler, @Nullable Object argument) {
      Object request = inside(handler).request(handler);
      if (request == null || decided.get(request) != null) {
        if (request != null) {
          decided.remove(request);
        }
        return false;
      }
      decided.put(request, true);
      return true;
    }

    @Override
    public @Nullable String read(
        Field field, @Nullable String name, Object handler, @Nullable Object argument) {
      return ApacheHttpAsyncClient4.this.read(field, name, handler, argument);
    }

    @Override
    protected @Nullable Object inject(
        Injection injection, Original original, Object handler, Object[] arguments)
        throws Throwable {
      return ApacheHttpAsyncClient4.this.begin(injection, original, handler, arguments, true);
    }
  }
}
