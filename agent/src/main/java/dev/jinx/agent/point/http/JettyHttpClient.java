package dev.jinx.agent.point.http;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.fault.Armory;
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
import java.nio.channels.AsynchronousCloseException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * Jetty's {@code HttpClient} 12, over HTTP/1.1 and HTTP/2. Every attempt, a redirect and one with
 * credentials included, enters its destination's queue once, by {@code
 * HttpDestination.send(HttpExchange)}. A held exchange stands before that queue. What comes in
 * place of an answer comes over a connection of the client's own class without a network. An answer
 * that has arrived is held between the client's receiver and the application's listeners, where the
 * client waits for the application to ask for the body anyway.
 */
public final class JettyHttpClient extends HookPoint implements Point {
  private static final String LIBRARY = "jetty-client";
  private static final String TRANSPORT = "org/eclipse/jetty/client/transport/";
  private static final String EXCHANGE = "Lorg/eclipse/jetty/client/transport/HttpExchange;";

  private final Access access;
  final Exceptions exceptions;
  private final Adapters<JettyInside> adapters;

  /** By exchange: those that wait, and those whose answer is to be held. */
  final Map<Object, JettyCall> held = new ConcurrentHashMap<>();

  /** By receiver: what an answer's body is made of. */
  final Map<Object, Supply> bodies = new ConcurrentHashMap<>();

  public JettyHttpClient(Armory armory, Access access, Exceptions exceptions) {
    super(armory, Operation.HTTP_EXCHANGE);
    this.access = access;
    this.exceptions = exceptions;
    this.adapters =
        new Adapters<>("dev.jinx.agent.point.http.jetty.JettyAdapter", JettyInside.class, access);
  }

  @Override
  public String client() {
    return "jetty";
  }

  @Override
  public List<Landmark> landmarks() {
    return List.of(
        new Landmark(
            LIBRARY,
            "org/eclipse/jetty/client/HttpClient",
            List.of(List.of(TRANSPORT + "HttpDestination"))));
  }

  @Override
  public List<ClassHooks> classes() {
    Handler answer = new OnAnswer();
    Handler over = new OnOver();
    ClassHooks[] receivers = new ClassHooks[2];
    String[] names = {
      TRANSPORT + "internal/HttpReceiverOverHTTP",
      "org/eclipse/jetty/http2/client/transport/internal/HttpReceiverOverHTTP2"
    };
    for (int i = 0; i < names.length; i++) {
      receivers[i] =
          new ClassHooks(
              LIBRARY,
              names[i],
              List.of(also("read", "(Z)Lorg/eclipse/jetty/io/Content$Chunk;", -1, new OnRead())));
    }
    return List.of(
        new ClassHooks(
            LIBRARY,
            TRANSPORT + "HttpDestination",
            List.of(on("send", "(" + EXCHANGE + ")V", 0), also("doStop", "()V", -1, new OnStop()))),
        new ClassHooks(
            LIBRARY,
            TRANSPORT + "HttpExchange",
            List.of(
                also("abort", "(Ljava/lang/Throwable;Lorg/eclipse/jetty/util/Promise;)V", -1, over),
                also("terminateResponse", "()Lorg/eclipse/jetty/client/Result;", -1, over))),
        new ClassHooks(
            LIBRARY,
            TRANSPORT + "HttpReceiver",
            List.of(
                also("responseBegin", "(" + EXCHANGE + ")V", 0, answer),
                also(
                    "responseHeader",
                    "(" + EXCHANGE + "Lorg/eclipse/jetty/http/HttpField;)V",
                    0,
                    answer),
                also("responseHeaders", "(" + EXCHANGE + ")V", 0, answer))),
        receivers[0],
        receivers[1]);
  }

  private MethodHook also(String name, String descriptor, int argument, Handler handler) {
    return new MethodHook(name, descriptor, argument, operation().bit(), handler, true);
  }

  // ---- reading a call

  JettyInside inside(Object exchange) {
    JettyInside inside = adapters.of(exchange.getClass());
    inside.open(access);
    return inside;
  }

  @Override
  protected boolean concerns(Object destination, @Nullable Object exchange) {
    // one that found its connection closed enters the queue again
    return exchange != null && !held.containsKey(exchange);
  }

  @Override
  public @Nullable String read(
      Field field, @Nullable String name, Object destination, @Nullable Object exchange) {
    if (exchange == null) {
      return null;
    }
    JettyInside inside = inside(exchange);
    return switch (field) {
      case HOST -> RequestTarget.host(inside.read(field, name, exchange));
      case PORT ->
          RequestTarget.port(inside.read(Field.SCHEME, null, exchange), inside.port(exchange));
      case PATH -> RequestTarget.path(inside.read(field, name, exchange));
      case QUERY -> {
        String query = inside.read(field, name, exchange);
        yield query == null ? null : RequestTarget.decoded(query);
      }
      case CLIENT -> client();
      default -> inside.read(field, name, exchange);
    };
  }

  // ---- what the client does meanwhile

  /** An answer comes in: its status, each of its headers, the end of them. */
  private final class OnAnswer implements Handler {
    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object receiver, @Nullable Object exchange) {
      try {
        JettyCall call = exchange == null ? null : held.get(exchange);
        if (call == null || !call.takes(original.method(), receiver)) {
          return null;
        }
        return (self, arguments) -> {
          call.note(original.method(), self, arguments);
          return null;
        };
      } catch (Throwable e) {
        OwnFailures.note(e);
        return null;
      }
    }
  }

  /** The client reads of the body. */
  private final class OnRead implements Handler {
    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object receiver, @Nullable Object argument) {
      Supply supply = bodies.get(receiver);
      return supply == null || supply.reader == Thread.currentThread()
          ? null
          : (self, arguments) -> supply.read(original, self, (Boolean) arguments[0]);
    }
  }

  /** What an answer's body is made of. */
  static final class Supply {
    private final JettyInside.Body body;

    /** Who reads from the real body, through the hook. */
    private volatile @Nullable Thread reader;

    Supply(JettyInside.Body body) {
      this.body = body;
    }

    @SuppressWarnings("unchecked")
    <E extends Throwable> @Nullable Object read(Original original, Object receiver, boolean demand)
        throws E {
      try {
        return body.read(
            more -> {
              reader = Thread.currentThread();
              try {
                return original.call(receiver, new Object[] {more});
              } finally {
                reader = null;
              }
            },
            demand);
      } catch (Throwable e) {
        throw (E) e;
      }
    }
  }

  /** An exchange has failed, or its answer has come to an end. */
  private final class OnOver implements Handler {
    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object exchange, @Nullable Object argument) {
      try {
        JettyCall call = held.remove(exchange);
        if (call != null) {
          call.over();
        }
      } catch (Throwable e) {
        OwnFailures.note(e);
      }
      return null;
    }
  }

  /** A destination stops and aborts what stands in its queue. */
  private final class OnStop implements Handler {
    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object destination, @Nullable Object argument) {
      try {
        for (JettyCall call : held.values()) {
          if (call.destination == destination && call.waits) {
            call.client.abort(call.exchange, new AsynchronousCloseException());
          }
        }
      } catch (Throwable e) {
        OwnFailures.note(e);
      }
      return null;
    }
  }

  // ---- carrying out

  @Override
  protected @Nullable Object inject(
      Injection injection, Original original, Object destination, Object[] arguments) {
    JettyCall call = new JettyCall(this, injection, original, destination, arguments);
    if (injection.ending(Phase.BEFORE) == null) {
      call.begin();
    } else {
      // its listeners are not called by who sends
      call.run(call::begin);
    }
    return null;
  }
}
