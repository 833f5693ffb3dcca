package dev.jinx.agent.point.tls;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.fault.OwnThread;
import dev.jinx.agent.point.BlockingHook;
import dev.jinx.agent.point.Outcome;
import dev.jinx.agent.point.Peer;
import dev.jinx.agent.point.PeerReader;
import dev.jinx.agent.point.Point;
import dev.jinx.agent.point.tls.Handshakes.Comes;
import dev.jinx.agent.point.tls.Handshakes.Handshake;
import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.MethodHook;
import dev.jinx.agent.weave.Original;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/**
 * The JDK's {@code SSLSocket}. Every first handshake, asked for or implied by a read, a write or
 * {@code getSession()}, passes {@code readHandshakeRecord()} once: a client's when its hello is on
 * the way and the server's answer is awaited, a server's when it awaits the client's hello. A
 * renegotiation and a key update do not.
 */
public final class JdkSslSocket extends BlockingHook implements Point, PeerReader {
  private static final String CLASS = "sun/security/ssl/SSLSocketImpl";

  private final Handshakes handshakes;

  public JdkSslSocket(Armory armory, Handshakes handshakes) {
    super(armory, Operation.TLS_HANDSHAKE);
    this.handshakes = handshakes;
  }

  @Override
  public List<ClassHooks> classes() {
    return List.of(
        new ClassHooks(
            "jdk-tls",
            CLASS,
            List.of(
                on("readHandshakeRecord", "()I", -1),
                new MethodHook(
                    "close", "()V", -1, Operation.TLS_HANDSHAKE.bit(), new Closing(), true))));
  }

  /** Ends the wait of a handshake whose socket is closed. */
  private final class Closing implements Handler {
    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object socket, @Nullable Object argument) {
      Handshake handshake = handshakes.of(socket);
      if (handshake != null) {
        handshake.close();
      }
      return null;
    }
  }

  /** Who connects and says nothing does not shake hands: a server's begins with the hello. */
  @Override
  public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
      Original original, Object socket, @Nullable Object argument) {
    if (Handshakes.isClient(socket) || isDecidedOn(socket)) {
      return super.enter(original, socket, argument);
    }
    return (self, arguments) -> greeted(original, self, arguments);
  }

  private @Nullable Object greeted(Original original, Object socket, Object[] arguments) {
    var decided = isGreeted(socket) ? super.enter(original, socket, null) : null;
    if (decided != null) {
      return decided.apply(socket, arguments);
    }
    // what is called is this very method again
    Handshake unused = handshakes.begin(socket);
    return Handshakes.<RuntimeException>goOn(original, socket, arguments);
  }

  private boolean isGreeted(Object socket) {
    try {
      return handshakes.jsse().awaitRecord(socket);
    } catch (InterruptedIOException | SocketException noHello) {
      // as the hooked method does
      Handshakes.<RuntimeException>rethrow(noHello);
    } catch (IOException itsOwn) {
      // it comes again
    } catch (Throwable e) {
      OwnFailures.note(e);
    }
    return false;
  }

  private boolean isDecidedOn(Object socket) {
    return handshakes.of(socket) != null
        || CallScope.isInside(operation())
        || OwnThread.isCurrent();
  }

  /** A handshake that goes on after a read has timed out is the same one. */
  @Override
  public boolean counts(Object socket, @Nullable Object argument) {
    return handshakes.begin(socket) != null;
  }

  @Override
  public Peer peer(Object socket, @Nullable Object argument) {
    return handshakes.peer((SSLSocket) socket);
  }

  @Override
  protected long patience(Phase phase, Object socket, Object[] arguments) {
    try {
      int millis = ((SSLSocket) socket).getSoTimeout();
      return millis == 0 ? Long.MAX_VALUE : TimeUnit.MILLISECONDS.toNanos(millis);
    } catch (SocketException closedMeanwhile) {
      return Long.MAX_VALUE; // which the wait itself is told
    }
  }

  @Override
  protected Outcome outOfPatience(Phase phase, Object socket, Object[] arguments) {
    return Outcome.fail(new SocketTimeoutException("Read timed out"));
  }

  @Override
  protected Injection.Waited await(Injection injection, Phase phase, long limit, Object socket)
      throws Throwable {
    Handshake handshake = handshakes.of(socket);
    if (handshake == null) {
      return Injection.Waited.ELAPSED;
    }
    if (handshake.isClosed()) {
      return Injection.Waited.CLOSED;
    }
    if (phase == Phase.BEFORE) {
      handshake.plan(injection);
    }
    if (injection.delay(phase, limit) <= 0) {
      return Injection.Waited.ELAPSED;
    }
    long patience = limit;
    if (phase == Phase.BEFORE) {
      // what the peer takes by itself comes first: the delay is on top of it
      long start = System.nanoTime();
      try {
        var unused = handshakes.jsse().awaitRecord(socket);
      } catch (InterruptedIOException timeout) {
        return Injection.Waited.TIMED_OUT;
      } catch (Exception itsOwn) {
        // it comes again, but not to a socket that is closed
        return handshake.isClosed() ? Injection.Waited.CLOSED : Injection.Waited.ELAPSED;
      }
      patience = limit == Long.MAX_VALUE ? limit : limit - (System.nanoTime() - start);
    }
    handshake.hold(injection);
    try {
      return super.await(injection, phase, patience, socket);
    } finally {
      handshake.release();
    }
  }

  @Override
  protected Outcome closed(Object socket, Object[] arguments) {
    return Outcome.fail(new SocketException("Socket closed"));
  }

  @Override
  protected Outcome failed(Failure failure, Phase phase, Object socket, Object[] arguments)
      throws Throwable {
    if (failure instanceof Failure.Named named) {
      switch (named.error()) {
        case CONNECTION_RESET -> {
          reset((SSLSocket) socket);
          return Outcome.fail(new SocketException("Connection reset"));
        }
        case UNEXPECTED_EOF -> {
          Throwable end = handshakes.jsse().endOfFile(socket);
          return end == null ? Outcome.GO_ON : Outcome.fail(end);
        }
        default -> {
          if (phase == Phase.BEFORE && Handshakes.comes(failure, socket) != Comes.AT_ONCE) {
            return Outcome.GO_ON; // it comes with a message: see JdkSslEngine
          }
        }
      }
    }
    Throwable failed = handshakes.failed(socket, failure);
    return failed == null ? Outcome.GO_ON : Outcome.fail(failed);
  }

  /** The peer sees the reset too. */
  private void reset(SSLSocket socket) throws Throwable {
    socket.setSoLinger(true, 0);
    handshakes.jsse().closeBeneath(socket);
  }
}
