package dev.jinx.agent.point.tls;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Fault;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.point.Point;
import dev.jinx.agent.point.tls.Handshakes.Comes;
import dev.jinx.agent.point.tls.Handshakes.Handshake;
import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.MethodHook;
import dev.jinx.agent.weave.Original;
import java.util.List;
import java.util.function.BiFunction;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;

/**
 * The JDK's {@code SSLEngine}, at the method that takes each record of the peer's. For a client, an
 * alert is put in the place of the first one. What belongs to a message of the handshake, as a
 * certificate that has run out, comes where the real one does, with sockets too: the alert that the
 * peer gets is then written with the right keys. An engine's users wait for it on their event
 * loops, so nothing waits here.
 */
public final class JdkSslEngine extends EngineHook implements Point {
  private static final int CLIENT_HELLO = 1;
  private static final int CERTIFICATE = 11;
  private static final int CLIENT_KEY_EXCHANGE = 16;
  private static final int FINISHED = 20;

  public JdkSslEngine(Armory armory, Handshakes handshakes) {
    super(armory, handshakes);
  }

  @Override
  public List<ClassHooks> classes() {
    return List.of(
        new ClassHooks(
            "jdk-tls",
            "sun/security/ssl/SSLEngineImpl",
            List.of(
                on(
                    "decode",
                    "([Ljava/nio/ByteBuffer;II[Ljava/nio/ByteBuffer;II)Lsun/security/ssl/Plaintext;",
                    -1))),
        new ClassHooks(
            "jdk-tls",
            "sun/security/ssl/HandshakeContext",
            List.of(
                new MethodHook(
                    "dispatch",
                    "(BLjava/nio/ByteBuffer;)V",
                    0,
                    Operation.TLS_HANDSHAKE.bit(),
                    new Messages(),
                    true))));
  }

  @Override
  SSLEngine engine(Object self) {
    return (SSLEngine) self;
  }

  @Override
  boolean canWait() {
    return false;
  }

  /** Those who could have waited for it have had their turn. */
  @Override
  public @Nullable String never(Fault fault, Object engine, @Nullable Object argument) {
    if (carries(fault, engine, argument)) {
      return null;
    }
    return fault.effects().latency() == null
        ? "an SSLEngine has no connection to reset or end"
        : "an SSLEngine can be made to wait in Netty and java.net.http alone";
  }

  @Override
  public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
      Original original, Object engine, @Nullable Object argument) {
    try {
      Handshake handshake = handshakes.of(engine);
      boolean negotiated = handshakes.jsse().isNegotiated(engine);
      if (handshake != null) {
        return due(handshake, engine, negotiated ? Phase.AFTER : Phase.BEFORE, original);
      }
      return negotiated ? null : super.enter(original, engine, argument);
    } catch (Throwable e) {
      OwnFailures.note(e);
      return null;
    }
  }

  private @Nullable BiFunction<Object, Object[], @Nullable Object> due(
      Handshake handshake, Object decided, Phase phase, Original original) {
    Failure failure = handshake.planned(phase);
    if (failure == null || (phase == Phase.BEFORE && isOfMessage(failure, decided))) {
      return null;
    }
    return (engine, arguments) ->
        handshakes.<RuntimeException>fail(handshake, failure, engine, original, engine, arguments);
  }

  /** A client's answer is its next record; what an engine gets is read when its task runs. */
  private static boolean isOfMessage(Failure failure, Object engine) {
    return switch (Handshakes.comes(failure, engine)) {
      case WITH_HELLO, WITH_CERTIFICATE -> true;
      case AT_ONCE, WITH_ANSWER -> false;
    };
  }

  @Override
  protected @Nullable Object inject(
      Injection injection, Original original, Object engine, Object[] arguments) throws Throwable {
    injection.finish();
    Handshake handshake = handshakes.of(engine);
    if (handshake != null) {
      handshake.plan(injection);
      Failure failure = handshake.planned(Phase.BEFORE);
      if (failure != null && Handshakes.comes(failure, engine) == Comes.AT_ONCE) {
        return handshakes.<RuntimeException>fail(
            handshake, failure, engine, original, engine, arguments);
      }
    }
    return original.call(engine, arguments);
  }

  /** The messages of a handshake, of sockets too. */
  private final class Messages implements Handler {
    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object messages, @Nullable Object type) {
      try {
        if (type == null || !mayEnd((Byte) type)) {
          return null;
        }
        Object connection = handshakes.jsse().connectionOf(messages);
        Handshake handshake = handshakes.of(connection);
        Failure failure = handshake == null ? null : handshake.planned(Phase.BEFORE);
        return handshake == null
                || failure == null
                || !ends((Byte) type, Handshakes.comes(failure, connection))
            ? null
            : (self, arguments) ->
                handshakes.<RuntimeException>fail(
                    handshake, failure, connection, original, self, arguments);
      } catch (Throwable e) {
        OwnFailures.note(e);
        return null;
      }
    }

    private static boolean mayEnd(byte type) {
      return type == CLIENT_HELLO
          || type == CERTIFICATE
          || type == CLIENT_KEY_EXCHANGE
          || type == FINISHED;
    }

    /** A resumed session has no certificate: there it ends with the last message. */
    private static boolean ends(byte type, Comes with) {
      return switch (with) {
        case AT_ONCE -> false;
        case WITH_HELLO -> type == CLIENT_HELLO;
        case WITH_CERTIFICATE -> type == CERTIFICATE || type == FINISHED;
        case WITH_ANSWER -> type == CLIENT_KEY_EXCHANGE || type == FINISHED;
      };
    }
  }
}
