package dev.jinx.agent.point.http.grpc;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.effect.Reset;
import dev.jinx.agent.effect.Response;
import dev.jinx.agent.fault.BodyFlow;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.point.http.GrpcInside;
import dev.jinx.agent.weave.Access;
import io.grpc.Attributes;
import io.grpc.CallOptions;
import io.grpc.ClientStreamTracer;
import io.grpc.Context;
import io.grpc.InternalMetadata;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.NameResolver;
import io.grpc.Status;
import io.grpc.internal.AbstractClientStream;
import io.grpc.internal.ClientStream;
import io.grpc.internal.FailingClientStream;
import io.grpc.internal.GrpcUtil;
import io.grpc.internal.Http2ClientStreamTransportState;
import io.grpc.internal.ReadableBuffer;
import io.grpc.internal.ReadableBuffers;
import io.grpc.internal.StatsTraceContext;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** Compiled against gRPC's core, which Netty's shaded transport shares. */
public final class GrpcAdapter implements GrpcInside {
  private static final int CONNECT_MILLIS = 30_000;
  private static final Object[] NO_CALL = {null, null, CallOptions.DEFAULT};

  private volatile @Nullable Handles handles;
  private volatile @Nullable Access access;

  /** What gRPC keeps to itself. */
  private record Handles(
      MethodHandle executor,
      MethodHandle listener,
      MethodHandle newDelayed,
      MethodHandle setStream,
      MethodHandle headers,
      MethodHandle state,
      Map<String, MethodHandle> received) {

    static Handles of(Access access) throws ReflectiveOperationException {
      ClassLoader grpc = ClientStream.class.getClassLoader();
      Class<?> transport = Class.forName("io.grpc.internal.DelayedClientTransport", false, grpc);
      Class<?> delayed = Class.forName("io.grpc.internal.DelayedStream", false, grpc);
      Class<?> stream = AbstractClientStream.class;
      Class<?> state = Http2ClientStreamTransportState.class;
      MethodType headers = MethodType.methodType(void.class, Metadata.class);
      MethodType data = MethodType.methodType(void.class, ReadableBuffer.class, boolean.class);
      MethodHandles.Lookup inState = access.in(state);
      return new Handles(
          getter(access, transport, "defaultAppExecutor"),
          getter(access, transport, "listener"),
          access
              .in(delayed)
              .findConstructor(delayed, MethodType.methodType(void.class, String.class)),
          access
              .in(delayed)
              .findVirtual(
                  delayed, "setStream", MethodType.methodType(Runnable.class, ClientStream.class)),
          getter(access, stream, "headers"),
          access
              .in(stream)
              .findVirtual(
                  stream,
                  "transportState",
                  MethodType.methodType(
                      Class.forName(
                          "io.grpc.internal.AbstractClientStream$TransportState", false, grpc))),
          Map.of(
              HEADERS, inState.findVirtual(state, HEADERS, headers),
              DATA, inState.findVirtual(state, DATA, data),
              TRAILERS, inState.findVirtual(state, TRAILERS, headers)));
    }
  }

  private static MethodHandle getter(Access access, Class<?> type, String field)
      throws ReflectiveOperationException {
    return access.in(type).unreflectGetter(type.getDeclaredField(field));
  }

  @Override
  public void open(Access given) {
    if (handles == null) {
      try {
        access = given;
        handles = Handles.of(given);
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  private Handles handles() {
    Handles opened = handles;
    if (opened == null) {
      throw new IllegalStateException();
    }
    return opened;
  }

  /** The value of a field that is private, or null where there is none of that name. */
  private @Nullable Object field(@Nullable Object of, String name) {
    Access opened = access;
    if (of == null || opened == null) {
      return null;
    }
    try {
      return getter(opened, of.getClass(), name).invoke(of);
    } catch (Throwable e) {
      return null;
    }
  }

  // ---- reading

  private @Nullable Object channel(Object transport) {
    try {
      return field(handles().listener().invoke(transport), "this$0");
    } catch (Throwable e) {
      return null;
    }
  }

  @Override
  public @Nullable String read(
      Field field, @Nullable String name, Object transport, Object[] arguments) {
    return switch (field) {
      case METHOD -> "POST";
      case PATH -> "/" + ((MethodDescriptor<?, ?>) arguments[0]).getFullMethodName();
      case HEADER -> name == null ? null : header((Metadata) arguments[1], name);
      case SCHEME -> isSecure(transport) ? "https" : "http";
      case HOST -> {
        URI uri = authority(transport, arguments);
        yield uri == null ? null : uri.getHost();
      }
      case PORT -> {
        URI uri = authority(transport, arguments);
        int port = uri == null ? -1 : uri.getPort();
        yield Integer.toString(
            port >= 0
                ? port
                : isSecure(transport)
                    ? GrpcUtil.DEFAULT_PORT_SSL
                    : GrpcUtil.DEFAULT_PORT_PLAINTEXT);
      }
      default -> null;
    };
  }

  private static @Nullable String header(Metadata headers, String name) {
    return name.endsWith("-bin")
        ? null
        : headers.get(
            Metadata.Key.of(name.toLowerCase(Locale.ROOT), Metadata.ASCII_STRING_MARSHALLER));
  }

  private @Nullable URI authority(Object transport, Object[] arguments) {
    String authority = ((CallOptions) arguments[2]).getAuthority();
    if (authority == null && channel(transport) instanceof ManagedChannel channel) {
      authority = channel.authority();
    }
    try {
      return authority == null ? null : GrpcUtil.authorityToUri(authority);
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  /** The port that a channel takes for its own tells whether it speaks TLS. */
  private boolean isSecure(Object transport) {
    return field(channel(transport), "nameResolverArgs") instanceof NameResolver.Args resolver
        && resolver.getDefaultPort() == GrpcUtil.DEFAULT_PORT_SSL;
  }

  @Override
  public Executor executor(Object transport, Object[] arguments) {
    Executor own = ((CallOptions) arguments[2]).getExecutor();
    try {
      return own == null ? (Executor) handles().executor().invoke(transport) : own;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public boolean hasDeadline(Object[] arguments) {
    return ((CallOptions) arguments[2]).getDeadline() != null
        || Context.current().getDeadline() != null;
  }

  @Override
  public long connectMillis(Object transport) {
    if (field(transports(transport), "channelOptions") instanceof Map<?, ?> options) {
      for (Map.Entry<?, ?> option : options.entrySet()) {
        if (String.valueOf(option.getKey()).contains("CONNECT_TIMEOUT_MILLIS")
            && option.getValue() instanceof Integer millis) {
          return millis;
        }
      }
    }
    return CONNECT_MILLIS;
  }

  /** What makes the channel's connections: Netty's, plain or shaded, or another. */
  private @Nullable Object transports(Object transport) {
    return field(field(channel(transport), "originalTransportFactory"), "delegate");
  }

  // ---- streams

  @Override
  public Object delayed() {
    try {
      return handles().newDelayed().invoke("connecting_and_lb");
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void set(Object delayed, Object stream) {
    try {
      Runnable rest = (Runnable) handles().setStream().invoke(delayed, (ClientStream) stream);
      if (rest != null) {
        rest.run();
      }
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public Object failing(Object status, Object[] arguments) {
    return new FailingClientStream((Status) status, (ClientStreamTracer[]) arguments[3]);
  }

  @Override
  public @Nullable Object headers(Object stream) {
    try {
      return handles().headers().invoke(stream);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public Object state(Object stream) {
    try {
      return handles().state().invoke(stream);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void cancel(Object stream, Object status) {
    ((ClientStream) stream).cancel((Status) status);
  }

  @Override
  public void run(Object state, Runnable work) {
    ((Http2ClientStreamTransportState) state).runOnTransportThread(work);
  }

  @Override
  public void receive(Object state, String method, Object[] arguments) throws Throwable {
    MethodHandle handle = handles().received().get(method);
    if (handle != null) {
      var unused = handle.bindTo(state).invokeWithArguments(arguments);
    }
  }

  // ---- an answer

  @Override
  public void answer(Object state, Response response) throws Throwable {
    boolean grpc = response.headers().keySet().stream().anyMatch("grpc-status"::equalsIgnoreCase);
    List<byte[]> head = new ArrayList<>();
    List<byte[]> tail = new ArrayList<>();
    add(head, ":status", Integer.toString(response.status()));
    boolean typed = false;
    for (Map.Entry<String, List<String>> header : response.headers().entrySet()) {
      String name = header.getKey().toLowerCase(Locale.ROOT);
      typed |= name.equals("content-type");
      for (String value : header.getValue()) {
        add(name.equals("grpc-status") || name.equals("grpc-message") ? tail : head, name, value);
      }
    }
    byte[] body = response.body();
    if (!grpc) {
      add(head, "content-length", Integer.toString(body.length));
    } else if (!typed) {
      add(head, "content-type", "application/grpc");
    }
    if (body.length == 0) {
      head.addAll(tail);
      receive(state, TRAILERS, new Object[] {metadata(head)});
      return;
    }
    receive(state, HEADERS, new Object[] {metadata(head)});
    receive(state, DATA, new Object[] {ReadableBuffers.wrap(grpc ? message(body) : body), !grpc});
    if (grpc) {
      receive(state, TRAILERS, new Object[] {metadata(tail)});
    }
  }

  private static void add(List<byte[]> to, String name, String value) {
    to.add(name.getBytes(StandardCharsets.US_ASCII));
    to.add(value.getBytes(StandardCharsets.UTF_8));
  }

  private static Metadata metadata(List<byte[]> namesAndValues) {
    return InternalMetadata.newMetadata(namesAndValues.toArray(new byte[0][]));
  }

  /** A message, not compressed, as it travels. */
  private static byte[] message(byte[] body) {
    return java.nio.ByteBuffer.allocate(5 + body.length)
        .put((byte) 0)
        .putInt(body.length)
        .put(body)
        .array();
  }

  @Override
  public Object answering(Response response, Object[] arguments, Executor executor) {
    return new Answering(
        this,
        response,
        (Metadata) arguments[1],
        (CallOptions) arguments[2],
        StatsTraceContext.newClientContext(
            (ClientStreamTracer[]) arguments[3], Attributes.EMPTY, (Metadata) arguments[1]),
        executor);
  }

  // ---- data

  @Override
  public Object part(Object data, int bytes) {
    return ((ReadableBuffer) data).readBytes(bytes);
  }

  @Override
  public int size(Object data) {
    return ((ReadableBuffer) data).readableBytes();
  }

  @Override
  public void close(Object data) {
    ((ReadableBuffer) data).close();
  }

  @Override
  public Object cut(BodyFlow flow, Object transport) {
    return flow.cut() instanceof Reset ? status(netty(transport).reset()) : END;
  }

  private NettyFailures netty(Object transport) {
    Access opened = access;
    if (opened == null) {
      throw new IllegalStateException();
    }
    return new NettyFailures(opened, transports(transport));
  }

  // ---- failures, as Netty's transport reports them

  private static final Status END =
      Status.UNAVAILABLE.withDescription("Network closed for unknown reason");

  @Override
  public Status status(Throwable cause) {
    return Status.UNAVAILABLE.withDescription("io exception").withCause(cause);
  }

  @Override
  public Object handshakeFailed(Throwable cause) {
    return status(cause)
        .withDescription(
            "io exception\n"
                + "Channel Pipeline: [SslHandler#0, ProtocolNegotiators$ClientTlsHandler#0,"
                + " WriteBufferingAndExceptionHandler#0, DefaultChannelPipeline$TailContext#0]");
  }

  @Override
  public Object status(NamedError error, Object transport, Object @Nullable [] arguments) {
    return switch (error) {
      case CONNECTION_REFUSED -> status(netty(transport).refused(address(transport, arguments)));
      case CONNECT_TIMEOUT -> {
        String message =
            "connection timed out after "
                + connectMillis(transport)
                + " ms: "
                + address(transport, arguments);
        yield status(netty(transport).connectTimeout(message));
      }
      case UNKNOWN_HOST -> {
        String host = read(Field.HOST, null, transport, arguments == null ? NO_CALL : arguments);
        yield Status.UNAVAILABLE
            .withDescription("Unable to resolve host " + host)
            .withCause(new UnknownHostException(host));
      }
      case CONNECTION_RESET -> status(netty(transport).reset());
      case READ_TIMEOUT ->
          Status.DEADLINE_EXCEEDED.withDescription("deadline exceeded after 0.000000000s.");
      default -> END;
    };
  }

  private InetSocketAddress address(Object transport, Object @Nullable [] given) {
    Object[] arguments = given == null ? NO_CALL : given;
    String host = String.valueOf(read(Field.HOST, null, transport, arguments));
    int port = Integer.parseInt(String.valueOf(read(Field.PORT, null, transport, arguments)));
    try (CallScope scope = CallScope.enter(null)) {
      return new InetSocketAddress(InetAddress.getByName(host), port);
    } catch (UnknownHostException e) {
      return InetSocketAddress.createUnresolved(host, port);
    }
  }
}
