package dev.jinx.agent.point.tls;

import dev.jinx.agent.weave.Access;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.ssl.ReferenceCountedOpenSslEngine;
import io.netty.handler.ssl.SslHandler;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;
import java.net.SocketAddress;
import java.util.concurrent.RejectedExecutionException;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;

/** The adapter of {@link NettySslHandler}. */
public final class NettySslInside implements NettySslHandler.Library {
  private static final String WRAPPER = "io.netty.handler.ssl.JdkSslEngine";

  /** Bytes of a record's head. */
  private static final int RECORD = 5;

  /** Where a hello's session is in its record: behind its own head, a version and 32 at random. */
  private static final int SESSION_ID = 4 + 2 + 32;

  private volatile @Nullable MethodHandle wrapped;

  @Override
  public SSLEngine engine(Access access, Object handler) throws Throwable {
    SSLEngine engine = ((SslHandler) handler).engine();
    Class<?> wrapper = wrapper(engine);
    if (wrapper == null) {
      return engine;
    }
    MethodHandle known = wrapped;
    if (known == null) {
      known =
          access
              .in(wrapper)
              .findVirtual(wrapper, "getWrappedEngine", MethodType.methodType(SSLEngine.class))
              .asType(MethodType.methodType(SSLEngine.class, SSLEngine.class));
      wrapped = known;
    }
    return (SSLEngine) known.invokeExact(engine);
  }

  private static @Nullable Class<?> wrapper(SSLEngine engine) {
    Class<?> type = engine.getClass();
    while (type != null && !type.getName().equals(WRAPPER)) {
      type = type.getSuperclass();
    }
    return type;
  }

  @Override
  public boolean isShakingHands(Object handler) {
    return !((SslHandler) handler).handshakeFuture().isDone();
  }

  @Override
  public boolean isOpenSsl(SSLEngine engine) {
    return engine instanceof ReferenceCountedOpenSslEngine;
  }

  @Override
  public Object replaced(Object context, Object received, byte[] bytes) {
    ByteBuf lost = (ByteBuf) received;
    lost.skipBytes(lost.readableBytes());
    return ((ChannelHandlerContext) context).alloc().directBuffer(bytes.length).writeBytes(bytes);
  }

  @Override
  public void release(Object bytes) {
    ((ByteBuf) bytes).release();
  }

  /** A hello: RFC 8446, sections 4.1.2 and 5.1. */
  @Override
  public boolean withoutSuites(Object received) {
    ByteBuf bytes = (ByteBuf) received;
    int start = bytes.readerIndex();
    int end = bytes.readableBytes() < RECORD ? Integer.MAX_VALUE : RECORD + start;
    if (end == Integer.MAX_VALUE || bytes.writerIndex() < end + bytes.getUnsignedShort(start + 3)) {
      return false;
    }
    end += bytes.getUnsignedShort(start + 3);
    int session = start + RECORD + SESSION_ID;
    int suites = session < end ? session + 1 + bytes.getUnsignedByte(session) : end;
    for (int at = suites + 2; at < end && at < suites + 2 + bytes.getUnsignedShort(suites); at++) {
      bytes.setByte(at, 0);
    }
    return true;
  }

  @Override
  public void fail(Access access, Object handler, Object context, Throwable failure)
      throws Throwable {
    access
        .in(SslHandler.class)
        .findVirtual(
            SslHandler.class,
            "handleUnwrapThrowable",
            MethodType.methodType(void.class, ChannelHandlerContext.class, Throwable.class))
        .invoke((SslHandler) handler, (ChannelHandlerContext) context, failure);
  }

  @Override
  public SocketAddress[] ends(Object context) {
    Channel channel = ((ChannelHandlerContext) context).channel();
    return new SocketAddress[] {channel.remoteAddress(), channel.localAddress()};
  }

  @Override
  public void read(Object handler, Object context) {
    ChannelHandlerContext its = (ChannelHandlerContext) context;
    try {
      its.executor().execute(() -> read((SslHandler) handler, its));
    } catch (RejectedExecutionException shutDown) {
      // the channel is gone with its loop
    }
  }

  /** As the handler itself does once a task of its engine's has been done elsewhere. */
  private static void read(SslHandler handler, ChannelHandlerContext context) {
    if (context.isRemoved()) {
      return;
    }
    try {
      handler.channelRead(context, Unpooled.EMPTY_BUFFER);
      handler.channelReadComplete(context);
    } catch (Exception failure) {
      try {
        handler.exceptionCaught(context, failure);
      } catch (Exception later) {
        context.fireExceptionCaught(later);
      }
    }
  }
}
