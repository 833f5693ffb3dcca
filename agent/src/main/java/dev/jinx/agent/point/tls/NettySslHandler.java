package dev.jinx.agent.point.tls;

import dev.jinx.agent.call.Kind;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Effects;
import dev.jinx.agent.effect.Ending;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.Fault;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.point.Adapters;
import dev.jinx.agent.point.Netty;
import dev.jinx.agent.point.Peer;
import dev.jinx.agent.point.Point;
import dev.jinx.agent.point.tls.Handshakes.Comes;
import dev.jinx.agent.point.tls.Handshakes.Handshake;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.Original;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;

/**
 * Netty's {@code SslHandler}, where what its channel has received goes into its engine. What the
 * JDK's engines fail with comes within them. An engine of another make (OpenSSL's) is given what
 * would make it fail for real: the alert, in the place of the server's answer; or the client's
 * hello without the cipher suites.
 */
public final class NettySslHandler extends WaitingEngineHook implements Point {
  private static final int CONTEXT = 0;
  private static final int RECEIVED = 1;

  /** A record with the fatal alert {@code handshake_failure}: RFC 8446, sections 5.1 and 6. */
  private static final byte[] ALERT = {21, 3, 3, 0, 2, 2, SunJsse.HANDSHAKE_FAILURE};

  /** What links the library. */
  public interface Library {
    /** The engine beneath those by which Netty adds to it. */
    SSLEngine engine(Access access, Object handler) throws Throwable;

    /** Whether it is an engine of OpenSSL's. */
    boolean isOpenSsl(SSLEngine engine);

    boolean isShakingHands(Object handler);

    /** The ends of its channel: the peer's, and its own. */
    SocketAddress[] ends(Object context);

    /** Has what was received handed to the engine, on the channel's event loop. */
    void read(Object handler, Object context);

    /** In the place of what was received. */
    Object replaced(Object context, Object received, byte[] bytes);

    void release(Object bytes);

    /**
     * Takes from a client's hello what a server could agree to.
     *
     * @return whether it is there as a whole
     */
    boolean withoutSuites(Object received);

    /** Fails as where the engine has thrown. */
    void fail(Access access, Object handler, Object context, Throwable failure) throws Throwable;
  }

  private final Access access;
  private final Adapters<Library> adapters;

  public NettySslHandler(Armory armory, Access access, Handshakes handshakes) {
    super(armory, handshakes);
    this.access = access;
    this.adapters =
        new Adapters<>(
            "dev.jinx.agent.point.tls.NettySslInside", Library.class, access, Netty.PACKAGE);
  }

  @Override
  public List<ClassHooks> classes() {
    List<ClassHooks> all = new ArrayList<>();
    for (String home : Netty.HOMES) {
      String decode =
          "(L"
              .concat(home)
              .concat("channel/ChannelHandlerContext;L")
              .concat(home)
              .concat("buffer/ByteBuf;Ljava/util/List;)V");
      all.add(
          new ClassHooks(
              "netty-tls",
              home.concat("handler/ssl/SslHandler"),
              List.of(on("decode", decode, CONTEXT))));
    }
    return all;
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
  public Peer peer(Object handler, @Nullable Object context) {
    SSLEngine engine = engine(handler);
    if (context == null) {
      return Handshakes.peer(engine, null, null);
    }
    SocketAddress[] ends = library(handler).ends(context);
    return Handshakes.peer(engine, ends[0], ends[1]);
  }

  @Override
  public boolean carries(Fault fault, Object handler, @Nullable Object context) {
    SSLEngine engine = engine(handler);
    return super.carries(fault, handler, context)
        && (SunJsse.isEngine(engine) || canFail(fault.effects(), handler, engine));
  }

  @Override
  public @Nullable String never(Fault fault, Object handler, @Nullable Object context) {
    return SunJsse.isEngine(engine(handler)) || carries(fault, handler, context)
        ? null
        : "an SSLEngine of another make than the JDK's cannot be failed so";
  }

  private boolean canFail(Effects effects, Object handler, SSLEngine engine) {
    Ending ending = effects.ending();
    if (!(ending instanceof Failure failure)) {
      return true;
    }
    return effects.phase() == Phase.BEFORE
        && (!Handshakes.is(NamedError.CERTIFICATE_EXPIRED, failure)
            || (library(handler).isOpenSsl(engine)
                && Handshakes.comes(failure, engine) == Comes.WITH_CERTIFICATE));
  }

  @Override
  boolean isAnswered(Object handler) {
    return library(handler).isShakingHands(handler);
  }

  @Override
  void resume(Object handler, Object[] arguments) {
    library(handler).read(handler, arguments[CONTEXT]);
  }

  @Override
  @Nullable BiFunction<Object, Object[], @Nullable Object> due(
      Handshake handshake, Original original, Object handler) {
    SSLEngine engine = engine(handler);
    Failure failure = SunJsse.isEngine(engine) ? null : handshake.planned(Phase.BEFORE);
    if (failure == null
        || Handshakes.comes(failure, engine) == Comes.WITH_CERTIFICATE
        || CallScope.isInside(Operation.TLS_HANDSHAKE)) {
      return null;
    }
    return (self, arguments) -> {
      // what is called beneath is this very method again
      try (CallScope scope = CallScope.enter(Kind.TLS)) {
        return this.<RuntimeException>fail(handshake, failure, original, self, arguments);
      }
    };
  }

  private <E extends Throwable> @Nullable Object fail(
      Handshake handshake, Failure failure, Original original, Object handler, Object[] arguments)
      throws E {
    Library its = library(handler);
    SSLEngine engine = engine(handler);
    if (failure instanceof Failure.Thrown) {
      handshake.done();
      return this.<E>thrown(failure, engine, handler, arguments[CONTEXT]);
    }
    Object[] given = arguments.clone();
    try {
      if (Handshakes.isClient(engine)) {
        given[RECEIVED] = its.replaced(arguments[CONTEXT], arguments[RECEIVED], ALERT);
        handshake.done();
      } else if (its.withoutSuites(arguments[RECEIVED])) {
        handshake.done();
      }
    } catch (RuntimeException e) {
      OwnFailures.note(e);
      handshake.done();
    }
    try {
      return Handshakes.<E>goOn(original, handler, given);
    } finally {
      if (given[RECEIVED] != arguments[RECEIVED]) {
        its.release(given[RECEIVED]);
      }
    }
  }

  private <E extends Throwable> @Nullable Object thrown(
      Failure failure, SSLEngine engine, Object handler, Object context) throws E {
    Throwable thrown;
    try {
      thrown = handshakes.failed(engine, failure);
    } catch (Throwable e) {
      OwnFailures.note(e);
      return null;
    }
    try {
      if (thrown != null) {
        library(handler).fail(access, handler, context, thrown);
      }
    } catch (Throwable itself) {
      Handshakes.<E>rethrow(itself);
    }
    return null;
  }
}
