package dev.jinx.agent.point.tls;

import dev.jinx.agent.effect.Ending;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.LastRead;
import dev.jinx.agent.point.Peer;
import dev.jinx.agent.point.WeakIdentityMap;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.Original;
import java.io.IOException;
import java.net.InetAddress;
import java.net.SocketAddress;
import java.nio.channels.SocketChannel;
import java.util.List;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SNIServerName;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/**
 * What is known of the handshakes while faults are armed, by the socket or engine that shakes
 * hands: one handshake passes several hooks, but is decided on once, and what was decided at one
 * hook may have to come at another.
 */
public final class Handshakes {

  /** A handshake that has been decided on. */
  static final class Handshake {
    /** What is still to come of it. */
    private volatile @Nullable Injection planned;

    /** The wait that holds it now. */
    private volatile @Nullable Injection held;

    private volatile boolean closed;

    void plan(Injection injection) {
      planned = injection;
    }

    void hold(Injection injection) {
      held = injection;
      if (closed) {
        injection.close();
      }
    }

    void release() {
      held = null;
    }

    boolean isHeld() {
      return held != null;
    }

    boolean isClosed() {
      return closed;
    }

    /** The socket is closed: nobody waits on. */
    void close() {
      closed = true;
      Injection waiting = held;
      if (waiting != null) {
        waiting.close();
      }
    }

    /** What is to end it in that phase; null for nothing. */
    @Nullable Failure planned(Phase phase) {
      Injection injection = planned;
      Ending ending = injection == null ? null : injection.ending(phase);
      return ending instanceof Failure failure ? failure : null;
    }

    void done() {
      planned = null;
    }
  }

  private final WeakIdentityMap<Object, Handshake> all = new WeakIdentityMap<>();
  private final Access access;
  private final Exceptions exceptions;
  private volatile @Nullable SunJsse jsse;

  public Handshakes(Access access, Exceptions exceptions) {
    this.access = access;
    this.exceptions = exceptions;
  }

  SunJsse jsse() {
    SunJsse known = jsse;
    if (known == null) {
      try {
        known = new SunJsse(access);
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException(e);
      }
      jsse = known;
    }
    return known;
  }

  /** The handshake of that socket or engine; null where none has been decided on. */
  @Nullable Handshake of(Object connection) {
    return all.get(connection);
  }

  /** Notes that a handshake is decided on; gives null where it has been before. */
  @Nullable Handshake begin(Object connection) {
    if (all.get(connection) != null) {
      return null;
    }
    Handshake handshake = new Handshake();
    all.put(connection, handshake);
    return handshake;
  }

  // ---- who shakes hands

  static boolean isClient(Object connection) {
    return connection instanceof SSLEngine engine
        ? engine.getUseClientMode()
        : ((SSLSocket) connection).getUseClientMode();
  }

  /** Whether a server asks its clients for certificates. */
  private static boolean asksClients(Object connection) {
    return connection instanceof SSLEngine engine
        ? engine.getNeedClientAuth() || engine.getWantClientAuth()
        : ((SSLSocket) connection).getNeedClientAuth()
            || ((SSLSocket) connection).getWantClientAuth();
  }

  Peer peer(SSLSocket socket) {
    try {
      boolean isClient = isClient(socket);
      String name = jsse().peerHost(socket);
      InetAddress address = socket.getInetAddress();
      return peer(
          name,
          address == null ? null : address.getHostAddress(),
          isClient ? jsse().peerPort(socket) : socket.getLocalPort(),
          isClient);
    } catch (Throwable e) {
      OwnFailures.note(e);
      return Peer.NONE;
    }
  }

  /** Of an engine; of one that has not been told, the current thread has read its bytes itself. */
  static Peer peer(SSLEngine engine) {
    boolean isTold = isClient(engine) && engine.getPeerHost() != null;
    SocketChannel channel = isTold ? null : LastRead.channel();
    try {
      return channel == null
          ? peer(engine, null, null)
          : peer(engine, channel.getRemoteAddress(), channel.getLocalAddress());
    } catch (IOException closedMeanwhile) {
      return peer(engine, null, null);
    }
  }

  /** Of an engine: what it has been told, and the ends of its connection where they are known. */
  static Peer peer(
      SSLEngine engine, @Nullable SocketAddress remote, @Nullable SocketAddress local) {
    boolean isClient = isClient(engine);
    Peer beneath = isClient || local != null ? Peer.of(remote, isClient ? null : local) : Peer.NONE;
    String name = engine.getPeerHost();
    if (name == null) {
      name = isClient ? asked(engine.getSSLParameters().getServerNames()) : null;
    }
    int told = isClient ? engine.getPeerPort() : -1;
    int port = told < 0 && !beneath.port().isEmpty() ? Integer.parseInt(beneath.port()) : told;
    String address = beneath.isKnown() ? beneath.address() : null;
    return peer(name == null && beneath.isKnown() ? beneath.name() : name, address, port, isClient);
  }

  private static Peer peer(
      @Nullable String name, @Nullable String address, int port, boolean isClient) {
    String host = name != null ? name : address != null ? address : "";
    return new Peer(
        host,
        address == null ? host : address,
        port < 0 ? "" : Integer.toString(port),
        isClient ? "client" : "server");
  }

  /** The name that the server is asked for: an engine may have been made without its peer. */
  private static @Nullable String asked(@Nullable List<SNIServerName> names) {
    if (names != null) {
      for (SNIServerName name : names) {
        if (name instanceof SNIHostName host) {
          return host.getAsciiName();
        }
      }
    }
    return null;
  }

  // ---- how it ends

  /** When what is planned for before the end of a handshake comes. */
  enum Comes {
    AT_ONCE,
    WITH_HELLO,
    WITH_CERTIFICATE,
    /** With what a client says to the server's certificate. */
    WITH_ANSWER
  }

  static Comes comes(Failure failure, Object connection) {
    boolean isClient = isClient(connection);
    if (is(NamedError.CERTIFICATE_EXPIRED, failure)) {
      return isClient || asksClients(connection) ? Comes.WITH_CERTIFICATE : Comes.WITH_ANSWER;
    }
    return !isClient && is(NamedError.TLS_HANDSHAKE_FAILURE, failure)
        ? Comes.WITH_HELLO
        : Comes.AT_ONCE;
  }

  /** Whether it is this error that is planned. */
  static boolean is(NamedError error, @Nullable Failure failure) {
    return failure instanceof Failure.Named named && named.error() == error;
  }

  /** What a connection of the JDK's fails with, once it has; null where nothing comes of it. */
  @Nullable Throwable failed(Object connection, Failure failure) throws Throwable {
    if (failure instanceof Failure.Thrown thrown) {
      return exceptions.make(thrown, connection);
    }
    boolean isClient = isClient(connection);
    if (is(NamedError.TLS_HANDSHAKE_FAILURE, failure)) {
      return isClient || jsse().isNegotiated(connection)
          ? jsse().alerted(connection, SunJsse.HANDSHAKE_FAILURE)
          : jsse().nothingInCommon(connection);
    }
    if (is(NamedError.CERTIFICATE_EXPIRED, failure)) {
      return isClient || asksClients(connection)
          ? jsse().certificateExpired(connection, isClient)
          : jsse().alerted(connection, SunJsse.CERTIFICATE_EXPIRED);
    }
    return null;
  }

  /** In place of a hooked method: fails the connection. */
  <E extends Throwable> @Nullable Object fail(
      Handshake handshake,
      Failure failure,
      Object connection,
      Original original,
      Object self,
      Object[] arguments)
      throws E {
    handshake.done();
    Throwable failed = null;
    try {
      failed = failed(connection, failure);
    } catch (Throwable e) {
      OwnFailures.note(e);
    }
    if (failed != null) {
      Handshakes.<E>rethrow(failed);
    }
    return Handshakes.<E>goOn(original, self, arguments);
  }

  /** The hooked method's own body. */
  static <E extends Throwable> @Nullable Object goOn(
      Original original, Object self, Object[] arguments) throws E {
    try {
      return original.call(self, arguments);
    } catch (Throwable e) {
      Handshakes.<E>rethrow(e);
      return null;
    }
  }

  /** Throws what a handler cannot declare, but the hooked method can throw. */
  @SuppressWarnings("unchecked")
  static <E extends Throwable> void rethrow(Throwable failure) throws E {
    throw (E) failure;
  }
}
