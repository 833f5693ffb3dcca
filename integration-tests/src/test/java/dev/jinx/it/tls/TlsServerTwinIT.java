package dev.jinx.it.tls;

import static dev.jinx.Jinx.tls;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.jinx.FaultInjection;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import dev.jinx.TlsFault;
import dev.jinx.it.real.Certificates;
import dev.jinx.it.real.Observed;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Handshakes that this JVM is asked for: what the server sees, and what its client sees. */
class TlsServerTwinIT {
  private static final InetAddress LOOPBACK = InetAddress.getLoopbackAddress();
  private static final Duration LONG = Duration.ofSeconds(20);
  private static final SSLParameters PLAIN = new SSLParameters();

  static Stream<Arguments> all() {
    return Stream.of(ServerStyle.values())
        .flatMap(style -> Stream.of("TLSv1.2", "TLSv1.3").map(tls -> arguments(style, tls)));
  }

  private static TlsFault target(Server server) {
    return tls().side("server").port(server.port());
  }

  private static Server start(ServerStyle style) throws IOException {
    return style.start(LOOPBACK, Certificates.serverStore(), PLAIN, 0);
  }

  private static SSLParameters asking() {
    SSLParameters asking = new SSLParameters();
    asking.setNeedClientAuth(true);
    return asking;
  }

  // ---- clients

  private static Observed ask(Server server, SSLContext client, String protocol, String... suites) {
    return Observed.of(
        () -> {
          try (SSLSocket socket = Style.connect(client, server.port(), 0)) {
            socket.setEnabledProtocols(new String[] {protocol});
            if (suites.length > 0) {
              socket.setEnabledCipherSuites(suites);
            }
            socket.startHandshake();
            return exchange(socket);
          }
        });
  }

  private static Observed ask(Server server, String protocol) {
    return ask(server, Certificates.client(), protocol);
  }

  /** What the server has said before it went is there even when it takes no request any more. */
  private static String exchange(SSLSocket socket) throws IOException {
    try {
      socket.getOutputStream().write("GET / HTTP/1.1\r\nHost: it\r\n\r\n".getBytes(ISO_8859_1));
    } catch (IOException goneAlready) {
      // it is read why
    }
    InputStream in = socket.getInputStream();
    StringBuilder answer = new StringBuilder();
    while (answer.indexOf(TlsPeer.HELLO) < 0) {
      byte[] some = new byte[1000];
      int length = in.read(some);
      if (length < 0) {
        return answer.toString();
      }
      answer.append(new String(some, 0, length, ISO_8859_1));
    }
    return TlsPeer.HELLO;
  }

  /** A client that says hello, hears the whole answer, and does that. */
  private static void leave(Server server, Leaving how) throws Exception {
    SSLEngine engine = Certificates.client().createSSLEngine("localhost", server.port());
    engine.setUseClientMode(true);
    engine.setEnabledProtocols(new String[] {"TLSv1.2"});
    ByteBuffer hello = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
    engine.wrap(ByteBuffer.allocate(0), hello);
    try (Socket socket = new Socket(LOOPBACK, server.port())) {
      socket.getOutputStream().write(hello.array(), 0, hello.position());
      awaitServerHelloDone(socket.getInputStream());
      how.leave(socket);
    }
  }

  /** A message without contents, 14, by which the server says that it waits now: RFC 5246. */
  private static void awaitServerHelloDone(InputStream in) throws IOException {
    for (int last = 0; last != 0x0e000000; ) {
      int next = in.read();
      assertThat(next).isNotNegative();
      last = last << 8 | next;
    }
  }

  private interface Leaving {
    void leave(Socket socket) throws Exception;
  }

  // ---- failures

  @ParameterizedTest
  @MethodSource("all")
  void tlsHandshake(ServerStyle style, String protocol) throws Exception {
    // OpenSSL's suites of TLS 1.3 cannot be chosen: there the older failure is the model
    boolean old = protocol.equals("TLSv1.2") || style == ServerStyle.OPENSSL;
    String common = old ? "TLSv1.2" : protocol;
    SSLParameters other = new SSLParameters();
    other.setProtocols(new String[] {common});
    other.setCipherSuites(
        new String[] {old ? "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384" : "TLS_AES_256_GCM_SHA384"});
    String ours = old ? "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" : "TLS_AES_128_GCM_SHA256";
    BothSides real;
    try (Server server = style.start(LOOPBACK, Certificates.serverStore(), other, 0)) {
      real = new BothSides(ask(server, Certificates.client(), common, ours), style, server);
    }

    try (Server server = start(style);
        FaultInjection fault = Jinx.inject(target(server).error(NamedError.TLS_HANDSHAKE))) {
      BothSides injected = new BothSides(ask(server, protocol), style, server);
      assertThat(injected).isEqualTo(real);
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  /** Of a server that asks its clients who they are. */
  @ParameterizedTest
  @MethodSource("all")
  void theClientsCertificateHasRunOut(ServerStyle style, String protocol) throws Exception {
    BothSides real;
    try (Server server = style.start(LOOPBACK, Certificates.serverStore(), asking(), 0)) {
      // what an expired server presents is what an expired client does
      real = BothSides.of(style, server, Certificates.expiredServer(), protocol);
    }

    try (Server server = style.start(LOOPBACK, Certificates.serverStore(), asking(), 0);
        FaultInjection fault = Jinx.inject(target(server).error(NamedError.CERTIFICATE_EXPIRED))) {
      assertThat(BothSides.of(style, server, Certificates.client(), protocol)).isEqualTo(real);
      assertThat(fault.injections()).isPositive();
    }
  }

  static Stream<Arguments> allOfTheJdk() {
    return all().filter(each -> each.get()[0] != ServerStyle.OPENSSL);
  }

  /** Of one that does not: what its clients make of its own. */
  @ParameterizedTest
  @MethodSource("allOfTheJdk")
  void theServersCertificateHasRunOut(ServerStyle style, String protocol) throws Exception {
    Observed.Outcome real;
    try (Server server = style.start(LOOPBACK, Certificates.expiredStore(), PLAIN, 0)) {
      real = refused(style, server, protocol);
    }

    try (Server server = start(style);
        FaultInjection fault = Jinx.inject(target(server).error(NamedError.CERTIFICATE_EXPIRED))) {
      assertThat(refused(style, server, protocol)).isEqualTo(real);
      assertThat(fault.injections()).isPositive();
    }
  }

  /** What a server sees; one that is still writing when its client goes may learn of that alone. */
  private static Observed.Outcome refused(ServerStyle style, Server server, String protocol)
      throws InterruptedException {
    for (int tries = 1; ; tries++) {
      Observed client = ask(server, protocol);
      assertThat(client.value()).isNotEqualTo(TlsPeer.HELLO);
      BothSides both = new BothSides(client, style, server);
      if (tries == 200 || !isOfConnection(both.server)) {
        return both.server;
      }
    }
  }

  private static boolean isOfConnection(Observed.Outcome seen) {
    return seen.thrown().stream().anyMatch(each -> each.type().equals("java.net.SocketException"));
  }

  @Test
  void connectionReset() throws Exception {
    Observed real;
    try (Server server = start(ServerStyle.SOCKET)) {
      leave(server, socket -> socket.setSoLinger(true, 0));
      real = server.next();
    }

    try (Server server = start(ServerStyle.SOCKET);
        FaultInjection fault = Jinx.inject(target(server).error(NamedError.CONNECTION_RESET))) {
      assertThat(ask(server, "TLSv1.3").thrown())
          .contains(new Observed.Thrown("java.net.SocketException", "Connection reset"));
      assertThat(server.next().outcome()).isEqualTo(real.outcome());
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @Test
  void unexpectedEof() throws Exception {
    Observed real;
    try (Server server = start(ServerStyle.SOCKET)) {
      leave(
          server,
          socket -> {
            socket.shutdownOutput();
            socket.getInputStream().readAllBytes();
          });
      real = server.next();
    }

    try (Server server = start(ServerStyle.SOCKET);
        FaultInjection fault = Jinx.inject(target(server).error(NamedError.UNEXPECTED_EOF))) {
      assertThat(ask(server, "TLSv1.3").thrown()).isNotEmpty();
      assertThat(server.next().outcome()).isEqualTo(real.outcome());
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @MethodSource("all")
  void anExceptionByItsClass(ServerStyle style, String protocol) throws Exception {
    try (Server server = start(style);
        FaultInjection fault =
            Jinx.inject(target(server).error(javax.net.ssl.SSLProtocolException.class, "odd"))) {
      assertThat(ask(server, protocol).thrown()).isNotEmpty();
      if (style.tells()) {
        assertThat(server.next().thrown())
            .contains(new Observed.Thrown("javax.net.ssl.SSLProtocolException", "odd"));
      }
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  // ---- waiting

  @ParameterizedTest
  @MethodSource("all")
  void latency(ServerStyle style, String protocol) throws Exception {
    Duration delay = Duration.ofMillis(500);
    try (Server server = start(style);
        FaultInjection fault = Jinx.inject(target(server).latency(delay))) {
      Observed late = ask(server, protocol);

      assertThat(late.value()).isEqualTo(TlsPeer.HELLO);
      if (style.canBeHeld()) {
        assertThat(late.elapsed()).isBetween(delay, delay.plusSeconds(5));
      }
      assertThat(fault.injections()).isEqualTo(style.canBeHeld() ? 1 : 0);
      assertThat(fault.nearMisses().toString().contains("an SSLEngine can be made to wait in"))
          .isEqualTo(!style.canBeHeld());
      assertThat(style.tells() ? server.next().value() : "done").isEqualTo("done");
    }
  }

  @Test
  void theReadTimeoutWins() throws Exception {
    Observed real;
    try (Server server =
            ServerStyle.SOCKET.start(LOOPBACK, Certificates.serverStore(), PLAIN, 300);
        Socket silent = new Socket(LOOPBACK, server.port())) {
      real = server.next();
      assertThat(silent.isConnected()).isTrue();
    }

    try (Server server =
            ServerStyle.SOCKET.start(LOOPBACK, Certificates.serverStore(), PLAIN, 300);
        FaultInjection fault = Jinx.inject(target(server).latency(LONG))) {
      assertThat(ask(server, "TLSv1.3").thrown()).isNotEmpty();
      Observed injected = server.next();
      assertThat(injected.outcome()).isEqualTo(real.outcome());
      assertThat(injected.elapsed()).isBetween(Duration.ofMillis(300), Duration.ofSeconds(6));
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @Test
  void theEventLoopOfAHeldHandshakeServesOthers() throws Exception {
    try (Server server = start(ServerStyle.NETTY);
        FaultInjection fault = Jinx.inject(target(server).latency(LONG).first(1))) {
      FutureTask<Observed> held = new FutureTask<>(() -> ask(server, "TLSv1.3"));
      new Thread(held).start();
      while (fault.injections() == 0) {
        LockSupport.parkNanos(100_000);
      }

      assertThat(ask(server, "TLSv1.3").value()).isEqualTo(TlsPeer.HELLO);
      assertThat(held.isDone()).isFalse();

      fault.close();
      assertThat(held.get(10, TimeUnit.SECONDS).value()).isEqualTo(TlsPeer.HELLO);
    }
  }

  // ---- what is hit

  /** A probe of a balancer's connects and leaves; it is no handshake. */
  @ParameterizedTest
  @EnumSource
  void whoSaysNoHelloShakesNoHands(ServerStyle style) throws Exception {
    try (Server server = start(style);
        FaultInjection fault =
            Jinx.inject(target(server).error(NamedError.TLS_HANDSHAKE).first(1))) {
      new Socket(LOOPBACK, server.port()).close();
      if (style.tells()) {
        assertThat(server.next().thrown()).isNotEmpty();
      }
      assertThat(fault.injections()).isZero();

      assertThat(ask(server, "TLSv1.3").thrown()).isNotEmpty();
      assertThat(ask(server, "TLSv1.3").value()).isEqualTo(TlsPeer.HELLO);
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @Test
  void whatIsNoHelloFailsAsItDoes() throws Exception {
    Observed real;
    try (Server server = start(ServerStyle.SOCKET)) {
      real = askInTheClear(server);
    }
    try (Server server = start(ServerStyle.SOCKET);
        FaultInjection fault = Jinx.inject(tls("elsewhere").error(NamedError.TLS_HANDSHAKE))) {
      assertThat(askInTheClear(server).outcome()).isEqualTo(real.outcome());
      assertThat(fault.injections()).isZero();
    }
  }

  private static Observed askInTheClear(Server server) throws Exception {
    try (Socket socket = new Socket(LOOPBACK, server.port())) {
      socket.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".getBytes(ISO_8859_1));
      return server.next();
    }
  }

  @ParameterizedTest
  @EnumSource
  void theSideSays(ServerStyle style) throws Exception {
    try (Server server = start(style)) {
      TlsFault harmless = tls().port(server.port()).error(NamedError.TLS_HANDSHAKE).rate(0.000001);
      try (FaultInjection client = Jinx.inject(harmless.side("client"));
          FaultInjection servers = Jinx.inject(harmless.side("server"));
          FaultInjection both = Jinx.inject(harmless)) {
        assertThat(ask(server, "TLSv1.3").value()).isEqualTo(TlsPeer.HELLO);
        assertThat(client.matches()).isEqualTo(1);
        assertThat(servers.matches()).isEqualTo(1);
        assertThat(both.matches()).isEqualTo(2);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void aServersPeerIsKnownByItsAddress(ServerStyle style) throws Exception {
    try (Server server = start(style);
        FaultInjection other =
            Jinx.inject(tls("10.0.0.0/8").side("server").error(NamedError.TLS_HANDSHAKE));
        FaultInjection fault =
            Jinx.inject(tls("127.0.0.0/8").side("server").error(NamedError.TLS_HANDSHAKE))) {
      assertThat(ask(server, "TLSv1.3").thrown()).isNotEmpty();
      assertThat(fault.injections()).isEqualTo(1);
      assertThat(other.injections()).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"::1", "fe80::/10", "::/0"})
  void byVersionSixToo(String host) throws Exception {
    InetAddress six = InetAddress.getByName("::1");
    for (ServerStyle style : ServerStyle.values()) {
      try (Server server = style.start(six, Certificates.serverStore(), PLAIN, 0);
          FaultInjection fault =
              Jinx.inject(tls(host).side("server").error(NamedError.TLS_HANDSHAKE))) {
        Observed asked =
            Observed.of(
                () -> {
                  SSLContext client = Certificates.client();
                  try (Socket socket = client.getSocketFactory().createSocket(six, server.port())) {
                    ((SSLSocket) socket).startHandshake();
                    return exchange((SSLSocket) socket);
                  }
                });
        boolean isHit = !host.startsWith("fe80");
        assertThat(asked.thrown().isEmpty()).as(style.name()).isEqualTo(!isHit);
        assertThat(fault.injections()).as(style.name()).isEqualTo(isHit ? 1 : 0);
      }
    }
  }

  /** What both saw, but not how long it took. */
  private record BothSides(Observed.Outcome client, Observed.Outcome server) {

    BothSides(Observed client, ServerStyle style, Server server) throws InterruptedException {
      this(
          client.outcome(),
          style.tells() ? server.next().outcome() : Observed.of(() -> "unknown").outcome());
    }

    /** A client that is still writing when its server goes away may learn of that alone. */
    static BothSides of(ServerStyle style, Server server, SSLContext client, String protocol)
        throws InterruptedException {
      for (int tries = 1; ; tries++) {
        BothSides both = new BothSides(ask(server, client, protocol), style, server);
        if (tries == 200 || !isOfConnection(both.client)) {
          return both;
        }
      }
    }
  }
}
