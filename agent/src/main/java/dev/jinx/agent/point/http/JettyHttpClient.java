package dev.jinx.agent.point.http;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.call.Operation;
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
import java.io.EOFException;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
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
  private static final byte[] NOTHING = {};

  private final Access access;
  private final Exceptions exceptions;
  private final Adapters<JettyInside> adapters;

  /** By exchange: those that wait, and those whose answer is to be held. */
  private final Map<Object, Held> held = new ConcurrentHashMap<>();

  /** By receiver: what an answer's body is made of. */
  private final Map<Object, Supply> bodies = new ConcurrentHashMap<>();

  public JettyHttpClient(Armory armory, Access access, Exceptions exceptions) {
    super(armory, Operation.HTTP_EXCHANGE);
    this.access = access;
    this.exceptions = exceptions;
    this.adapters =
        new Adapters<>("dev.jinx.agent.point.http.JettyAdapter", JettyInside.class, access);
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

  private JettyInside inside(Object exchange) {
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
        Held call = exchange == null ? null : held.get(exchange);
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
  private static final class Supply {
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
        Held call = held.remove(exchange);
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
        for (Held call : held.values()) {
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
    Held call = new Held(injection, original, destination, arguments);
    if (injection.ending(Phase.BEFORE) == null) {
      call.begin();
    } else {
      // its listeners are not called by who sends
      call.run(call::begin);
    }
    return null;
  }

  /** One exchange in the hands of an injection; its outcome is the receiver of the answer. */
  private final class Held extends AsyncCall<Object> {
    final JettyInside client;
    final Object destination;
    final Object exchange;
    private final Original original;
    private final Object[] arguments;
    private final List<Object> fields = new ArrayList<>();
    private final long startedAt = System.nanoTime();

    /** Stands before the destination's queue. */
    private volatile boolean waits = true;

    /** The connection without a network talks HTTP/1.1. */
    private volatile boolean poses;

    private volatile boolean deferring;
    private volatile boolean decided;
    private volatile @Nullable Object receiver;
    private volatile @Nullable Runnable onOver;

    Held(Injection injection, Original original, Object destination, Object[] arguments) {
      super(injection);
      this.original = original;
      this.destination = destination;
      this.arguments = arguments;
      this.exchange = arguments[0];
      this.client = inside(exchange);
      client.sent(exchange);
    }

    @Override
    protected long patience(Phase phase, @Nullable Ending planned) {
      long total = client.total(exchange);
      long other =
          TimeUnit.MILLISECONDS.toNanos(
              is(NamedError.CONNECT_TIMEOUT, planned)
                  ? client.connectMillis(exchange)
                  : client.idleMillis(exchange));
      long patience = Math.min(total, other == 0 ? Long.MAX_VALUE : other);
      // an exchange with a connection is timed by the client
      return phase == Phase.AFTER && patience != Long.MAX_VALUE ? ELSEWHERE : patience;
    }

    @Override
    protected void held() {
      held.put(exchange, this);
    }

    @Override
    protected void run(Runnable work) {
      try {
        client.executor(exchange).execute(work);
      } catch (RejectedExecutionException stopped) {
        work.run();
      }
    }

    @Override
    protected void goOn() {
      waits = false;
      held.put(exchange, this);
      try (CallScope scope = CallScope.enter(operation().kind())) {
        original.call(destination, arguments);
      } catch (Throwable e) {
        client.abort(exchange, e);
      }
    }

    // ---- the answer

    /** Whether the client's receiver is not to go on with that step of a real answer. */
    boolean takes(String step, Object by) {
      if (client.isInterim(exchange)) {
        return false;
      }
      if (poses && step.equals("responseBegin")) {
        client.poseAsHttp2(exchange);
      }
      if (step.equals("responseBegin") && !decided) {
        decided = true;
        deferring = injection.hasAfter();
        if (!deferring) {
          gone();
        }
      }
      if (step.equals("responseHeaders") && !deferring && receiver == null) {
        BodyFlow flow = injection.flow();
        if (flow != null) {
          supply(by, client.flowing(by, exchange, flow));
        }
      }
      return deferring;
    }

    void note(String step, Object by, Object[] with) {
      if (step.equals("responseHeader")) {
        fields.add(with[1]);
      } else if (step.equals("responseHeaders")) {
        arrived(by);
      }
    }

    private void supply(Object by, JettyInside.Body body) {
      receiver = by;
      bodies.put(by, new Supply(body));
    }

    @Override
    protected void deliver(Object by) {
      deferring = false;
      try {
        client.replay(by, exchange, fields);
      } catch (Throwable e) {
        OwnFailures.note(e);
      }
    }

    /** The exchange has come to its end. */
    void over() {
      cancel();
      gone();
      Object by = receiver;
      if (by != null) {
        bodies.remove(by);
      }
      Runnable last = onOver;
      if (last != null) {
        run(last);
      }
    }

    // ---- in place of it

    @Override
    protected void answered(Response response, Phase phase) throws Throwable {
      if (phase == Phase.BEFORE) {
        leave();
        client.send(
            exchange,
            AnswerBytes.of(
                response, Objects.requireNonNull(client.read(Field.METHOD, null, exchange))),
            null);
        return;
      }
      deferring = false;
      Object by = Objects.requireNonNull(receiver);
      onOver = client.keepOut(exchange);
      boolean head = "HEAD".equals(client.read(Field.METHOD, null, exchange));
      supply(by, client.other(head ? NOTHING : response.body()));
      client.answer(
          by, exchange, response.status(), response.headers(), JettyInside.contentLength(response));
    }

    /** The exchange is not to go the real way any more. */
    private void leave() {
      waits = false;
      decided = true;
      poses = client.isHttp2(exchange);
      held.put(exchange, this);
      client.queued(exchange);
    }

    @Override
    protected void failed(Failure failure, Phase phase) throws Throwable {
      Throwable spelled =
          failure instanceof Failure.Thrown thrown
              ? exceptions.make(thrown, exchange)
              : spelled(((Failure.Named) failure).error());
      if (phase == Phase.AFTER) {
        client.abort(exchange, spelled);
        return;
      }
      leave();
      if (AsyncCall.is(NamedError.TLS_HANDSHAKE_FAILURE, failure)
          || AsyncCall.is(NamedError.CERTIFICATE_EXPIRED, failure)) {
        client.send(exchange, null, spelled);
      } else if (isWhileConnecting(failure)) {
        client.abort(exchange, spelled);
      } else {
        lose(spelled);
      }
    }

    /** The request has been sent; then the connection fails. */
    private void lose(Throwable failure) throws Exception {
      if (client.isHttp2(exchange)) {
        client.send(exchange, null, null);
        client.abort(exchange, failure);
        return;
      }
      client.closeOne(exchange);
      if (failure instanceof EOFException) {
        client.send(exchange, NOTHING, null);
      } else {
        client.send(exchange, null, null);
        client.abort(exchange, failure);
      }
    }

    /** Observed on 12.0 and 12.1: to an end point, a reset is an end. */
    private Throwable spelled(NamedError error) {
      return switch (error) {
        case CONNECTION_REFUSED -> new ConnectException("Connection refused");
        case CONNECT_TIMEOUT -> new SocketTimeoutException("Connect Timeout");
        case UNKNOWN_HOST -> new UnknownHostException(client.read(Field.HOST, null, exchange));
        case TLS_HANDSHAKE_FAILURE -> TlsFailures.handshake();
        case CERTIFICATE_EXPIRED -> TlsFailures.certificateExpired();
        case READ_TIMEOUT -> idle();
        default ->
            client.isHttp2(exchange)
                ? new ClosedChannelException()
                : new EOFException(client.connection(exchange));
      };
    }

    private TimeoutException idle() {
      long elapsed = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startedAt);
      return new TimeoutException(client.idleMessage(exchange, elapsed));
    }

    @Override
    protected void outOfPatience(Phase phase, @Nullable Ending planned) throws Exception {
      leave();
      boolean total = client.total(exchange) <= 1;
      Throwable failure =
          total
              ? new TimeoutException(
                  "Total timeout " + client.totalMillis(exchange) + " ms elapsed")
              : is(NamedError.CONNECT_TIMEOUT, planned)
                  ? spelled(NamedError.CONNECT_TIMEOUT)
                  : idle();
      if (isWhileConnecting(planned)) {
        client.abort(exchange, failure);
      } else {
        lose(failure);
      }
    }

    @Override
    protected void cancelled(Phase phase, @Nullable Ending planned) {
      // the client itself has failed an exchange that it has no connection for, or closed that
    }

    @Override
    protected void discard(Object by) {
      receiver = by;
    }
  }
}
