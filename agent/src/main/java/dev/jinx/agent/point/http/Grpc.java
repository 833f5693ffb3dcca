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
import dev.jinx.agent.point.WeakIdentityMap;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.Landmark;
import dev.jinx.agent.weave.MethodHook;
import dev.jinx.agent.weave.Original;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * gRPC-java, over Netty plain or shaded and over any other transport. Every attempt at a call, one
 * of gRPC's own retries included, asks its channel's {@code DelayedClientTransport} for a stream
 * once. A held attempt gets what gRPC itself gives to a call that waits for a connection: a {@code
 * DelayedStream}. What comes in place of an answer comes by a stream of gRPC's own kind with no
 * network beneath. What has arrived is held before gRPC reads it ({@code
 * Http2ClientStreamTransportState}).
 */
public final class Grpc extends HookPoint implements Point {
  private static final String LIBRARY = "grpc";
  private static final String INTERNAL = "io/grpc/internal/";

  private final Access access;
  private final Exceptions exceptions;
  private final Adapters<GrpcInside> adapters;

  /** By the stream that was given in place of the real one. */
  private final WeakIdentityMap<Object, Held> byDelayed = new WeakIdentityMap<>();

  /** By the metadata of the request, until its stream starts. */
  private final WeakIdentityMap<Object, Held> byHeaders = new WeakIdentityMap<>();

  /** By the state of the stream, until it ends. */
  private final WeakIdentityMap<Object, Held> byState = new WeakIdentityMap<>();

  public Grpc(Armory armory, Access access, Exceptions exceptions) {
    super(armory, Operation.HTTP_EXCHANGE);
    this.access = access;
    this.exceptions = exceptions;
    this.adapters =
        new Adapters<>("dev.jinx.agent.point.http.GrpcAdapter", GrpcInside.class, access);
  }

  @Override
  public String client() {
    return "grpc";
  }

  @Override
  public List<Landmark> landmarks() {
    return List.of(
        new Landmark(
            LIBRARY,
            "io/grpc/ManagedChannel",
            List.of(List.of(INTERNAL + "DelayedClientTransport"))));
  }

  @Override
  public List<ClassHooks> classes() {
    String status = "Lio/grpc/Status;";
    String metadata = "Lio/grpc/Metadata;";
    Handler received = new OnReceived();
    return List.of(
        new ClassHooks(
            LIBRARY,
            INTERNAL + "DelayedClientTransport",
            List.of(
                on(
                    "newStream",
                    "(Lio/grpc/MethodDescriptor;"
                        + metadata
                        + "Lio/grpc/CallOptions;[Lio/grpc/ClientStreamTracer;)"
                        + "Lio/grpc/internal/ClientStream;",
                    MethodHook.ALL))),
        new ClassHooks(
            LIBRARY,
            INTERNAL + "DelayedStream",
            List.of(also("cancel", "(" + status + ")V", -1, new OnCancel()))),
        new ClassHooks(
            LIBRARY,
            INTERNAL + "AbstractClientStream",
            List.of(
                also("start", "(Lio/grpc/internal/ClientStreamListener;)V", -1, new OnStart()))),
        new ClassHooks(
            LIBRARY,
            INTERNAL + "AbstractClientStream$TransportState",
            List.of(
                also(
                    "transportReportStatus",
                    "("
                        + status
                        + "Lio/grpc/internal/ClientStreamListener$RpcProgress;Z"
                        + metadata
                        + ")V",
                    -1,
                    new OnEnd()))),
        new ClassHooks(
            LIBRARY,
            INTERNAL + "Http2ClientStreamTransportState",
            List.of(
                also(GrpcInside.HEADERS, "(" + metadata + ")V", -1, received),
                also(GrpcInside.DATA, "(Lio/grpc/internal/ReadableBuffer;Z)V", -1, received),
                also(GrpcInside.TRAILERS, "(" + metadata + ")V", -1, received))));
  }

  private MethodHook also(String name, String descriptor, int argument, Handler handler) {
    return new MethodHook(name, descriptor, argument, operation().bit(), handler, true);
  }

  private GrpcInside inside(Object transport) {
    GrpcInside inside = adapters.of(transport.getClass());
    inside.open(access);
    return inside;
  }

  @Override
  public @Nullable String read(
      Field field, @Nullable String name, Object transport, @Nullable Object arguments) {
    if (field == Field.CLIENT || arguments == null) {
      return client();
    }
    return inside(transport).read(field, name, transport, (Object[]) arguments);
  }

  // ---- what gRPC does meanwhile

  /** The call is given up: its caller cancels, or its deadline is over. */
  private final class OnCancel implements Handler {
    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object delayed, @Nullable Object argument) {
      Held call = byDelayed.get(delayed);
      if (call != null) {
        call.cancel();
      }
      return null;
    }
  }

  /** A stream starts on its transport. */
  private final class OnStart implements Handler {
    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object stream, @Nullable Object argument) {
      try {
        GrpcInside inside = inside(stream);
        Object headers = inside.headers(stream);
        Held call = headers == null ? null : byHeaders.get(headers);
        if (headers != null && call != null) {
          byHeaders.remove(headers);
          call.stream = stream;
          byState.put(inside.state(stream), call);
        }
      } catch (Throwable e) {
        OwnFailures.note(e);
      }
      return null;
    }
  }

  /** The end of a stream is made known. */
  private final class OnEnd implements Handler {
    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object state, @Nullable Object argument) {
      Held call = byState.get(state);
      if (call != null) {
        byState.remove(state);
        call.over();
      }
      return null;
    }
  }

  /** Headers, data and trailers arrive, on the transport's thread. */
  private final class OnReceived implements Handler {
    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object state, @Nullable Object argument) {
      try {
        Held call = byState.get(state);
        if (call == null || !call.takes()) {
          return null;
        }
        return (self, arguments) -> {
          call.note(self, new Received(original.method(), arguments));
          return null;
        };
      } catch (Throwable e) {
        OwnFailures.note(e);
        return null;
      }
    }
  }

  /** What a transport has received. */
  private record Received(String method, Object[] arguments) {}

  // ---- carrying out

  @Override
  protected @Nullable Object inject(
      Injection injection, Original original, Object transport, Object[] arguments) {
    Held call = new Held(injection, original, transport, arguments);
    Object delayed = Objects.requireNonNull(call.delayed);
    byDelayed.put(delayed, call);
    if (injection.ending(Phase.BEFORE) == null) {
      call.begin();
    } else {
      // gRPC's listener is not called by who starts the call
      call.run(call::begin);
    }
    return delayed;
  }

  /** One attempt in the hands of an injection; its outcome is the state of the real stream. */
  private final class Held extends AsyncCall<Object> {
    private final GrpcInside client;
    private final Original original;
    private final Object transport;
    private final Executor executor;
    private final boolean hasDeadline;
    private final long connectMillis;

    // the maps' keys stand in these: they go as soon as the real call is made
    private Object @Nullable [] arguments;
    private @Nullable Object delayed;
    private volatile @Nullable Object stream;

    // on the transport's thread
    private final Queue<Received> received = new ArrayDeque<>();
    private boolean decided;
    private boolean holding;
    private boolean passing;
    private @Nullable BodyFlow flow;
    private long come;
    private volatile boolean over;

    Held(Injection injection, Original original, Object transport, Object[] arguments) {
      super(injection);
      this.client = inside(transport);
      this.original = original;
      this.transport = transport;
      this.arguments = arguments;
      this.executor = client.executor(transport, arguments);
      this.hasDeadline = client.hasDeadline(arguments);
      this.connectMillis = client.connectMillis(transport);
      this.delayed = client.delayed();
    }

    private Object[] arguments() {
      return Objects.requireNonNull(arguments);
    }

    @Override
    protected long patience(Phase phase, @Nullable Ending planned) {
      if (is(NamedError.CONNECT_TIMEOUT, planned)) {
        return TimeUnit.MILLISECONDS.toNanos(connectMillis);
      }
      // gRPC's own timer cancels
      return hasDeadline ? ELSEWHERE : Long.MAX_VALUE;
    }

    @Override
    protected void run(Runnable work) {
      try {
        executor.execute(work);
      } catch (RejectedExecutionException stopped) {
        work.run();
      }
    }

    /** What the attempt becomes. */
    private void become(Object real) {
      Object waiting = Objects.requireNonNull(delayed);
      byDelayed.remove(waiting);
      delayed = null;
      arguments = null;
      client.set(waiting, real);
    }

    @Override
    protected void goOn() throws Throwable {
      if (injection.hasAfter() || injection.flow() != null) {
        byHeaders.put(arguments()[1], this);
      }
      gone();
      Object real;
      try (CallScope scope = CallScope.enter(operation().kind())) {
        real = Objects.requireNonNull(original.call(transport, arguments()));
      }
      become(real);
    }

    @Override
    protected void answered(Response response, Phase phase) throws Throwable {
      if (phase == Phase.BEFORE) {
        become(client.answering(response, arguments(), executor));
        return;
      }
      Object state = client.state(Objects.requireNonNull(stream));
      client.run(
          state,
          () -> {
            drop();
            passing = true;
            try {
              client.answer(state, response);
            } catch (Throwable e) {
              OwnFailures.note(e);
            }
          });
    }

    @Override
    protected void failed(Failure failure, Phase phase) throws Throwable {
      fail(status(failure), phase);
    }

    private void fail(Object status, Phase phase) {
      if (phase == Phase.BEFORE) {
        become(client.failing(status, arguments()));
      } else {
        client.cancel(Objects.requireNonNull(stream), status);
      }
    }

    private Object status(Failure failure) throws ReflectiveOperationException {
      if (failure instanceof Failure.Thrown thrown) {
        return client.status(exceptions.make(thrown, transport));
      }
      NamedError error = ((Failure.Named) failure).error();
      return switch (error) {
        case TLS_HANDSHAKE_FAILURE -> client.handshakeFailed(TlsFailures.handshake());
        case CERTIFICATE_EXPIRED -> client.handshakeFailed(TlsFailures.certificateExpired());
        default -> client.status(error, transport, arguments);
      };
    }

    @Override
    protected void outOfPatience(Phase phase, @Nullable Ending planned) {
      fail(client.status(NamedError.CONNECT_TIMEOUT, transport, arguments()), phase);
    }

    @Override
    protected void cancelled(Phase phase, @Nullable Ending planned) {
      // the stream has told its listener by itself
      delayed = null;
      arguments = null;
    }

    @Override
    protected void discard(Object state) {}

    // ---- what arrives

    /** Whether what arrives is not to go its way at once. */
    boolean takes() {
      if (!decided) {
        decided = true;
        holding = injection.hasAfter();
        flow = injection.flow();
      }
      return !passing && !over && (holding || flow != null);
    }

    void note(Object state, Received what) {
      received.add(what);
      if (!holding) {
        flow(state);
      } else if (received.size() == 1) {
        arrived(state);
      }
    }

    @Override
    protected void deliver(Object state) {
      client.run(
          state,
          () -> {
            holding = false;
            flow(state);
          });
    }

    /** Lets what has arrived go its way, as fast as it may. */
    private void flow(Object state) {
      if (waiting) {
        return;
      }
      while (!over) {
        Received next = received.peek();
        if (next == null) {
          passing = flow == null;
          return;
        }
        BodyFlow slowed = flow;
        if (slowed == null || !next.method().equals(GrpcInside.DATA)) {
          received.remove();
          pass(state, next.method(), next.arguments());
        } else if (!part(state, slowed, next)) {
          return;
        }
      }
    }

    private boolean waiting;

    /** Passes a part of some data; false where it is yet to come, or will not. */
    private boolean part(Object state, BodyFlow slowed, Received data) {
      Object buffer = data.arguments()[0];
      int size = client.size(buffer);
      if (size == 0) {
        received.remove();
        pass(state, data.method(), data.arguments());
        return true;
      }
      int portion = (int) slowed.portion(size);
      if (portion == 0 && slowed.cut() != null) {
        Object status = client.cut(slowed, transport);
        drop();
        client.cancel(Objects.requireNonNull(stream), status);
        return false;
      }
      int coming = portion == 0 ? size : portion;
      if (come == 0) {
        waiting = true;
        slowed.later(
            coming,
            waited ->
                client.run(
                    state,
                    () -> {
                      come = coming;
                      waiting = false;
                      flow(state);
                    }));
        return false;
      }
      int passed = (int) Math.min(come, size);
      come = 0;
      slowed.passed(passed);
      if (passed == size) {
        received.remove();
        pass(state, data.method(), data.arguments());
      } else {
        pass(state, data.method(), new Object[] {client.part(buffer, passed), false});
      }
      return true;
    }

    private void pass(Object state, String method, Object[] with) {
      boolean before = passing;
      passing = true;
      try {
        client.receive(state, method, with);
      } catch (Throwable e) {
        OwnFailures.note(e);
      } finally {
        passing = before;
      }
    }

    private void drop() {
      for (Received each : received) {
        if (each.method().equals(GrpcInside.DATA)) {
          client.close(each.arguments()[0]);
        }
      }
      received.clear();
    }

    /** The stream has ended. */
    void over() {
      over = true;
      cancel();
    }
  }
}
