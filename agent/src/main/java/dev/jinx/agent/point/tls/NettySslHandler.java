package dev.jinx.agent.point.tls;

import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.point.Adapters;
import dev.jinx.agent.point.Peer;
import dev.jinx.agent.point.Point;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.ClassHooks;
import java.net.SocketAddress;
import java.util.List;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;

/**
 * Netty's {@code SslHandler}, where what its channel has received goes into its engine. An engine
 * of OpenSSL can be made to wait, but has no failures of ours.
 */
public final class NettySslHandler extends WaitingEngineHook implements Point {
  private static final int CONTEXT = 0;

  /** What links the library. */
  public interface Library {
    /** The engine beneath those by which Netty adds to it. */
    SSLEngine engine(Access access, Object handler) throws Throwable;

    boolean isShakingHands(Object handler);

    /** The ends of its channel: the peer's, and its own. */
    SocketAddress[] ends(Object context);

    /** Has what was received handed to the engine, on the channel's event loop. */
    void read(Object handler, Object context);
  }

  private final Access access;
  private final Adapters<Library> adapters;

  public NettySslHandler(Armory armory, Access access, Handshakes handshakes) {
    super(armory, handshakes);
    this.access = access;
    this.adapters =
        new Adapters<>("dev.jinx.agent.point.tls.NettySslInside", Library.class, access);
  }

  @Override
  public List<ClassHooks> classes() {
    return List.of(
        new ClassHooks(
            "netty-tls",
            "io/netty/handler/ssl/SslHandler",
            List.of(
                on(
                    "decode",
                    "(Lio/netty/channel/ChannelHandlerContext;Lio/netty/buffer/ByteBuf;Ljava/util/List;)V",
                    CONTEXT))));
  }

  private Library library(Object handler) {
    return adapters.of(handler.getClass());
  }

  @Override
  SSLEngine engine(Object handler) {
    try {
      return library(handler).engine(access, handler);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  Peer peer(Object handler, @Nullable Object context) {
    SSLEngine engine = engine(handler);
    if (context == null) {
      return Handshakes.peer(engine, null, null);
    }
    SocketAddress[] ends = library(handler).ends(context);
    return Handshakes.peer(engine, ends[0], ends[1]);
  }

  @Override
  boolean canFail(Object handler) {
    return SunJsse.isEngine(engine(handler));
  }

  @Override
  boolean isAnswered(Object handler) {
    return library(handler).isShakingHands(handler);
  }

  @Override
  void resume(Object handler, Object[] arguments) {
    library(handler).read(handler, arguments[CONTEXT]);
  }
}
