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
import dev.jinx.agent.point.WeakIdentityMap;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.Landmark;
import dev.jinx.agent.weave.MethodHook;
import dev.jinx.agent.weave.Original;
import java.util.List;
import java.util.Objects;
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
  final Exceptions exceptions;
  private final Adapters<GrpcInside> adapters;

  /** By the stream that was given in place of the real one. */
  final WeakIdentityMap<Object, GrpcCall> byDelayed = new WeakIdentityMap<>();

  /** By the metadata of the request, until its stream starts. */
  final WeakIdentityMap<Object, GrpcCall> byHeaders = new WeakIdentityMap<>();

  /** By the state of the stream, until it ends. */
  final WeakIdentityMap<Object, GrpcCall> byState = new WeakIdentityMap<>();

  public Grpc(Armory armory, Access access, Exceptions exceptions) {
    super(armory, Operation.HTTP_EXCHANGE);
    this.access = access;
    this.exceptions = exceptions;
    this.adapters =
        new Adapters<>("dev.jinx.agent.point.http.grpc.GrpcAdapter", GrpcInside.class, access);
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

  GrpcInside inside(Object transport) {
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
      GrpcCall call = byDelayed.get(delayed);
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
        GrpcCall call = headers == null ? null : byHeaders.get(headers);
        if (headers != null && call != null) {
          byHeaders.remove(headers);
          call.stream = stream;
          byState.put(inside.state(stream), call);
          armory().keepOpen(operation()); // or, once cleared, the end overtakes what is held
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
      GrpcCall call = byState.get(state);
      if (call != null) {
        byState.remove(state);
        armory().letShut(operation());
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
        GrpcCall call = byState.get(state);
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
  record Received(String method, Object[] arguments) {}

  // ---- carrying out

  @Override
  protected @Nullable Object inject(
      Injection injection, Original original, Object transport, Object[] arguments) {
    GrpcCall call = new GrpcCall(this, injection, original, transport, arguments);
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
}
