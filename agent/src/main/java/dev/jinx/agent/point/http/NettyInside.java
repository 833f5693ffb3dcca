package dev.jinx.agent.point.http;

import io.netty.channel.AbstractChannel;
import io.netty.channel.Channel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelMetadata;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import io.netty.channel.ConnectTimeoutException;
import io.netty.channel.DefaultChannelConfig;
import io.netty.channel.EventLoop;
import io.netty.channel.unix.Errors;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.ssl.SslHandler;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.SocketException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The adapter of {@link NettyHttp} that reads requests and spells failures. */
public final class NettyInside implements NettyHttp.Netty {
  private final String codec2 = "io.netty.handler.codec.http2.Http2StreamFrameToHttpObjectCodec";

  @Override
  public boolean begins(Object context, Object message) {
    if (!(message instanceof HttpRequest request)) {
      return false;
    }
    ChannelHandler codec = ((ChannelHandlerContext) context).handler();
    // what asks a proxy for a tunnel is no exchange of the application's
    return (codec instanceof HttpClientCodec || isHttp2(codec))
        && !HttpMethod.CONNECT.equals(request.method());
  }

  /** By name: a program may do without HTTP/2; a server's codec is never written a request. */
  private boolean isHttp2(ChannelHandler codec) {
    for (Class<?> type = codec.getClass(); type != Object.class; type = type.getSuperclass()) {
      if (type.getName().equals(codec2)) {
        return true;
      }
    }
    return false;
  }

  @Override
  public String method(Object message) {
    return ((HttpRequest) message).method().name();
  }

  @Override
  public String uri(Object message) {
    return ((HttpRequest) message).uri();
  }

  @Override
  public @Nullable String header(Object message, String name) {
    return ((HttpRequest) message).headers().get(name);
  }

  @Override
  public boolean isSecure(Object context) {
    return connection(context).pipeline().get(SslHandler.class) != null;
  }

  /** What is connected: a stream of HTTP/2 stands for its parent. */
  private static Channel connection(Object context) {
    Channel channel = ((ChannelHandlerContext) context).channel();
    Channel parent = channel.parent();
    return parent == null ? channel : parent;
  }

  @Override
  public @Nullable String peer(Object context) {
    return connection(context).remoteAddress() instanceof InetSocketAddress address
        ? address.getHostString() + ":" + address.getPort()
        : null;
  }

  @Override
  public boolean has(Object context, String classPrefix) {
    for (Map.Entry<String, ChannelHandler> each : ((ChannelHandlerContext) context).pipeline()) {
      if (each.getValue().getClass().getName().startsWith(classPrefix)) {
        return true;
      }
    }
    return false;
  }

  @Override
  public Throwable connectionRefused(Class<?> channel, InetSocketAddress address) {
    if (isUring(channel)) { // which does not annotate it
      return new ConnectException(
          Errors.newIOException("io_uring connect", Errors.ERROR_ECONNREFUSED_NEGATIVE)
              .getMessage());
    }
    Throwable cause = new ConnectException("Connection refused");
    if (isNative(channel)) {
      try {
        Errors.handleConnectErrno("finishConnect", Errors.ERROR_ECONNREFUSED_NEGATIVE);
      } catch (IOException refused) {
        cause = refused;
      }
    }
    return new Unconnected().annotated(cause, address);
  }

  @Override
  public Throwable connectTimedOut(Class<?> channel, long millis, InetSocketAddress address) {
    String after = isUring(channel) ? "" : " after " + millis + " ms";
    return new ConnectTimeoutException("connection timed out" + after + ": " + address);
  }

  @Override
  public Throwable connectionReset(Class<?> channel) {
    return isNative(channel)
        ? Errors.newIOException(receiving(channel), Errors.ERRNO_ECONNRESET_NEGATIVE)
        : new SocketException("Connection reset");
  }

  private static boolean isNative(Class<?> channel) {
    String name = channel.getName();
    return name.startsWith("io.netty.channel.epoll.")
        || name.startsWith("io.netty.channel.kqueue.")
        || isUring(channel);
  }

  private static boolean isUring(Class<?> channel) {
    return channel.getName().startsWith("io.netty.channel.uring.");
  }

  /** The system call by which that version and transport read. */
  private static String receiving(Class<?> channel) {
    if (isUring(channel)) {
      return "io_uring read";
    }
    try {
      Class<?> socket =
          Class.forName("io.netty.channel.unix.Socket", false, channel.getClassLoader());
      socket.getMethod("recvAddress", long.class, int.class, int.class);
      return "recvAddress";
    } catch (ReflectiveOperationException older) {
      return "readAddress";
    }
  }

  /** A channel that is never used, but for saying how channels add an address to a failure. */
  private static final class Unconnected extends AbstractChannel {
    private final ChannelConfig config = new DefaultChannelConfig(this);

    Unconnected() {
      super(null);
    }

    Throwable annotated(Throwable cause, SocketAddress address) {
      return ((Annotating) unsafe()).annotated(cause, address);
    }

    private final class Annotating extends AbstractUnsafe {
      Throwable annotated(Throwable cause, SocketAddress address) {
        return annotateConnectException(cause, address);
      }

      @Override
      public void connect(SocketAddress remote, SocketAddress local, ChannelPromise promise) {
        promise.setFailure(new UnsupportedOperationException());
      }
    }

    @Override
    protected AbstractUnsafe newUnsafe() {
      return new Annotating();
    }

    @Override
    protected boolean isCompatible(EventLoop loop) {
      return false;
    }

    @Override
    protected @Nullable SocketAddress localAddress0() {
      return null;
    }

    @Override
    protected @Nullable SocketAddress remoteAddress0() {
      return null;
    }

    @Override
    protected void doBind(SocketAddress localAddress) {}

    @Override
    protected void doDisconnect() {}

    @Override
    protected void doClose() {}

    @Override
    protected void doBeginRead() {}

    @Override
    protected void doWrite(ChannelOutboundBuffer in) {}

    @Override
    public ChannelConfig config() {
      return config;
    }

    @Override
    public boolean isOpen() {
      return false;
    }

    @Override
    public boolean isActive() {
      return false;
    }

    @Override
    public ChannelMetadata metadata() {
      return new ChannelMetadata(false);
    }
  }
}
