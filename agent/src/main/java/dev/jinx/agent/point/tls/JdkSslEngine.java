package dev.jinx.agent.point.tls;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.point.Point;
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
 * The JDK's {@code SSLEngine} as a client, at the method that takes each record of the peer's. An
 * alert is put in the place of the first one; a certificate that has run out comes where the real
 * one does, with sockets too: the alert that the server gets is then written with the right keys.
 * An engine's users wait for it on their event loops, so nothing waits here.
 */
public final class JdkSslEngine extends EngineHook implements Point {
  private static final int CERTIFICATE = 11;
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

  @Override
  public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
      Original original, Object engine, @Nullable Object argument) {
    try {
      Handshake handshake = handshakes.of(engine);
      boolean negotiated = handshakes.jsse().isNegotiated(engine);
      if (handshake != null) {
        return due(handshake, negotiated ? Phase.AFTER : Phase.BEFORE, original);
      }
      return negotiated || !((SSLEngine) engine).getUseClientMode()
          ? null
          : super.enter(original, engine, argument);
    } catch (Throwable e) {
      OwnFailures.note(e);
      return null;
    }
  }

  private @Nullable BiFunction<Object, Object[], @Nullable Object> due(
      Handshake handshake, Phase phase, Original original) {
    Failure failure = handshake.planned(phase);
    return failure == null || isOfCertificate(failure, phase)
        ? null
        : (engine, arguments) ->
            handshakes.<RuntimeException>fail(
                handshake, failure, engine, original, engine, arguments);
  }

  private static boolean isOfCertificate(@Nullable Failure failure, Phase phase) {
    return phase == Phase.BEFORE && Handshakes.is(NamedError.CERTIFICATE_EXPIRED, failure);
  }

  @Override
  protected @Nullable Object inject(
      Injection injection, Original original, Object engine, Object[] arguments) throws Throwable {
    injection.finish();
    Handshake handshake = handshakes.of(engine);
    if (handshake != null) {
      handshake.plan(injection);
      Failure failure = handshake.planned(Phase.BEFORE);
      if (failure != null && !isOfCertificate(failure, Phase.BEFORE)) {
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
        if (type == null || !mayBeLast((Byte) type)) {
          return null;
        }
        Object connection = handshakes.jsse().connectionOf(messages);
        Handshake handshake = handshakes.of(connection);
        Failure failure = handshake == null ? null : handshake.planned(Phase.BEFORE);
        return handshake == null || failure == null || !isOfCertificate(failure, Phase.BEFORE)
            ? null
            : (self, arguments) ->
                handshakes.<RuntimeException>fail(
                    handshake, failure, connection, original, self, arguments);
      } catch (Throwable e) {
        OwnFailures.note(e);
        return null;
      }
    }

    /** A resumed session has no certificate: there it ends with the last message. */
    private static boolean mayBeLast(byte type) {
      return type == CERTIFICATE || type == FINISHED;
    }
  }
}
