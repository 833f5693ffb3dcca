package dev.jinx.agent.point.tls;

import dev.jinx.agent.weave.Access;
import java.io.EOFException;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.ByteBuffer;
import java.security.cert.CertificateException;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * The inside of the JDK's own TLS, {@code sun.security.ssl}: all handles on its classes. A
 * connection is an {@code SSLSocketImpl} or an {@code SSLEngineImpl}. Failures are made by its own
 * means, so that messages, alerts and what is closed are those of this JDK.
 */
final class SunJsse {
  private static final String PACKAGE = "sun.security.ssl.";
  private static final String ENGINE = PACKAGE.concat("SSLEngineImpl");
  private static final byte ALERT_RECORD = 21;
  private static final byte TLS_MAJOR = 3;
  private static final byte TLS_MINOR = 3;
  private static final byte FATAL = 2;

  /** Alerts, RFC 8446 section 6.2. */
  static final byte HANDSHAKE_FAILURE = 40;

  static final byte CERTIFICATE_EXPIRED = 45;

  private final Class<?> engine;
  private final MethodHandle ofSocket;
  private final MethodHandle ofEngine;
  private final MethodHandle ofHandshake;
  private final MethodHandle connection;
  private final MethodHandle negotiated;
  private final MethodHandle peerHost;
  private final MethodHandle peerPort;
  private final MethodHandle input;
  private final MethodHandle awaitRecord;
  private final MethodHandle record;
  private final MethodHandle dispatch;
  private final MethodHandle fatal;
  private final MethodHandle fatalBecause;
  private final MethodHandle endOfFile;
  private final MethodHandle closeBeneath;
  private final MethodHandle certificateExpired;
  private final MethodHandle certificateUnknown;
  private final MethodHandle handshakeFailure;

  SunJsse(Access access) throws ReflectiveOperationException {
    engine = type("SSLEngineImpl");
    Class<?> context = type("TransportContext");
    Class<?> socket = type("SSLSocketImpl");
    Class<?> handshake = type("HandshakeContext");
    Class<?> transport = type("SSLTransport");
    Class<?> inputRecord = type("InputRecord");
    Class<?> plaintext = type("Plaintext");
    Class<?> alert = type("Alert");
    MethodHandles.Lookup in = access.in(context);
    MethodHandles.Lookup inSocket = access.in(socket);
    ofSocket = generic(in.findGetter(socket, "conContext", context));
    ofEngine = generic(in.findGetter(engine, "conContext", context));
    ofHandshake = generic(in.findGetter(handshake, "conContext", context));
    connection = generic(in.findGetter(context, "transport", transport));
    negotiated =
        in.findGetter(context, "isNegotiated", boolean.class)
            .asType(MethodType.methodType(boolean.class, Object.class));
    peerHost =
        in.findVirtual(transport, "getPeerHost", returns(String.class))
            .asType(MethodType.methodType(String.class, Object.class));
    peerPort =
        in.findVirtual(transport, "getPeerPort", returns(int.class))
            .asType(MethodType.methodType(int.class, Object.class));
    input = generic(in.findGetter(context, "inputRecord", inputRecord));
    awaitRecord = generic(in.findVirtual(inputRecord, "bytesInCompletePacket", returns(int.class)));
    MethodType ofRecord =
        MethodType.methodType(
            void.class,
            byte.class,
            byte.class,
            byte.class,
            int.class,
            long.class,
            ByteBuffer.class);
    record = in.findConstructor(plaintext, ofRecord);
    dispatch = in.findVirtual(context, "dispatch", MethodType.methodType(void.class, plaintext));
    MethodType ofFatal = MethodType.methodType(SSLException.class, alert, String.class);
    fatal = generic(in.findVirtual(context, "fatal", ofFatal));
    MethodType ofCause = MethodType.methodType(SSLException.class, alert, Throwable.class);
    fatalBecause = generic(in.findVirtual(context, "fatal", ofCause));
    MethodType ofEnd = MethodType.methodType(plaintext, EOFException.class);
    endOfFile = generic(inSocket.findVirtual(socket, "handleEOF", ofEnd));
    closeBeneath =
        inSocket
            .findSpecial(type("BaseSSLSocketImpl"), "close", returns(void.class), socket)
            .asType(MethodType.methodType(void.class, Object.class));
    certificateExpired = generic(in.findStaticGetter(alert, "CERTIFICATE_EXPIRED", alert));
    certificateUnknown = generic(in.findStaticGetter(alert, "CERTIFICATE_UNKNOWN", alert));
    handshakeFailure = generic(in.findStaticGetter(alert, "HANDSHAKE_FAILURE", alert));
  }

  private static Class<?> type(String name) throws ClassNotFoundException {
    return Class.forName(PACKAGE.concat(name), false, null);
  }

  private static MethodType returns(Class<?> type) {
    return MethodType.methodType(type);
  }

  private static MethodHandle generic(MethodHandle handle) {
    return handle.asType(handle.type().generic());
  }

  /** Whether it is an engine of the JDK's own. */
  static boolean isEngine(Object connection) {
    return connection.getClass().getName().equals(ENGINE);
  }

  private Object context(Object connection) throws Throwable {
    return engine.isInstance(connection)
        ? ofEngine.invokeExact(connection)
        : ofSocket.invokeExact(connection);
  }

  /** The connection that a {@code HandshakeContext} belongs to. */
  Object connectionOf(Object handshake) throws Throwable {
    return connection.invokeExact((Object) ofHandshake.invokeExact(handshake));
  }

  /** Whether a handshake has come to its end there: what comes later is no handshake. */
  boolean isNegotiated(Object connection) throws Throwable {
    return (boolean) negotiated.invokeExact(context(connection));
  }

  @Nullable String peerHost(Object connection) throws Throwable {
    return (String) peerHost.invokeExact(connection);
  }

  int peerPort(Object connection) throws Throwable {
    return (int) peerPort.invokeExact(connection);
  }

  /**
   * Waits for the head of the peer's next record and leaves it there, as long as the socket's own
   * timeout lets it.
   *
   * @return whether there is one: not where the stream has ended
   */
  boolean awaitRecord(Object socket) throws Throwable {
    return (int) (Object) awaitRecord.invokeExact((Object) input.invokeExact(context(socket))) >= 0;
  }

  /** What comes of a fatal alert, as if the peer had sent it. */
  @Nullable IOException alerted(Object connection, byte description) throws Throwable {
    ByteBuffer alert = ByteBuffer.wrap(new byte[] {FATAL, description});
    Object received = record.invoke(ALERT_RECORD, TLS_MAJOR, TLS_MINOR, -1, -1L, alert);
    try {
      dispatch.invoke(context(connection), received);
      return null;
    } catch (IOException failure) {
      return failure;
    }
  }

  /**
   * What comes of a certificate of the peer's that has run out. A server of the JDK's tells its
   * client no more than that it does not like it ({@code CertificateMessage.checkClientCerts}).
   */
  @Nullable IOException certificateExpired(Object connection, boolean isClient) throws Throwable {
    CertificateException expired = TlsFailures.expired();
    Object alert = isClient ? certificateExpired.invoke() : certificateUnknown.invoke();
    try {
      fatalBecause.invoke(context(connection), alert, (Object) expired);
      return null;
    } catch (IOException failure) {
      return failure;
    }
  }

  /** What comes of a client with which a server shares no cipher suite ({@code ServerHello}). */
  @Nullable IOException nothingInCommon(Object connection) throws Throwable {
    try {
      fatal.invoke(
          context(connection), handshakeFailure.invoke(), (Object) "no cipher suites in common");
      return null;
    } catch (IOException failure) {
      return failure;
    }
  }

  /** What comes of the peer's end of the stream; null where the JDK takes it for an orderly one. */
  @Nullable IOException endOfFile(Object socket) throws Throwable {
    try {
      endOfFile.invoke(socket, (Object) new EOFException("SSL peer shut down incorrectly"));
      return null;
    } catch (IOException failure) {
      return failure;
    }
  }

  /** Closes what a TLS socket lies on, without a word to the peer. */
  void closeBeneath(Object socket) throws Throwable {
    closeBeneath.invoke(socket);
  }
}
