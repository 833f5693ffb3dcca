package dev.jinx.agent.point.tls;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.point.Netty;
import dev.jinx.agent.point.Point;
import dev.jinx.agent.point.tls.Handshakes.Handshake;
import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.MethodHook;
import dev.jinx.agent.weave.Original;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * Netty's engine of OpenSSL's, where it has the peer's certificates verified by Java: one that has
 * run out is refused there, and everything else is OpenSSL's own. A resumed session has none to
 * verify. The handshake has been decided on at {@link NettySslHandler}.
 */
public final class NettyOpenSsl implements Point, Handler {
  private final Handshakes handshakes;

  public NettyOpenSsl(Handshakes handshakes) {
    this.handshakes = handshakes;
  }

  @Override
  public List<ClassHooks> classes() {
    List<ClassHooks> all = new ArrayList<>();
    for (String home : Netty.HOMES) {
      String library = home.concat("handler/ssl/ReferenceCountedOpenSsl");
      String verify =
          "(L"
              .concat(library)
              .concat("Engine;[Ljava/security/cert/X509Certificate;Ljava/lang/String;)V");
      MethodHook hook =
          new MethodHook("verify", verify, 0, Operation.TLS_HANDSHAKE.bit(), this, true);
      for (String side : List.of("Client", "Server")) {
        String callback = library.concat(side).concat("Context$");
        all.add(
            new ClassHooks(
                "netty-openssl",
                callback.concat("ExtendedTrustManagerVerifyCallback"),
                List.of(hook)));
        all.add(
            new ClassHooks(
                "netty-openssl", callback.concat("TrustManagerVerifyCallback"), List.of(hook)));
      }
    }
    return all;
  }

  @Override
  public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
      Original original, Object callback, @Nullable Object engine) {
    try {
      Handshake handshake = engine == null ? null : handshakes.of(engine);
      if (handshake == null
          || !Handshakes.is(NamedError.CERTIFICATE_EXPIRED, handshake.planned(Phase.BEFORE))) {
        return null;
      }
      Throwable expired = TlsFailures.expired();
      handshake.done();
      return (self, arguments) -> {
        Handshakes.<RuntimeException>rethrow(expired);
        return null;
      };
    } catch (Throwable e) {
      OwnFailures.note(e);
      return null;
    }
  }
}
