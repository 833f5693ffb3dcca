package dev.jinx.it.tls;

import static dev.jinx.Jinx.tls;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.FaultInjection;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import dev.jinx.TlsFault;
import dev.jinx.it.real.Observed;
import dev.jinx.it.tls.TlsPeer.Does;
import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** Every way of shaking hands: the real failure and the injected one look the same. */
class TlsTwinIT {
  private static final int TIMEOUT = 300;

  private final TlsPeer good = new TlsPeer(Does.SERVE);

  TlsTwinIT() throws IOException {}

  @AfterEach
  void stop() throws IOException {
    good.close();
  }

  private TlsFault target() {
    return tls("localhost").port(good.port());
  }

  private static Observed ask(Style style, int port, int timeout) {
    return Observed.of(() -> style.ask(port, timeout));
  }

  private Observed ask(Style style) {
    return ask(style, good.port(), 0);
  }

  private static void assertTwins(Observed injected, Observed real) {
    assertThat(injected.outcome()).isEqualTo(real.outcome());
  }

  @ParameterizedTest
  @EnumSource
  void nothingArmed(Style style) throws Exception {
    assertThat(ask(style).value()).isEqualTo(TlsPeer.HELLO);
    assertThat(good.seen().thrown()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void tlsHandshake(Style style) throws Exception {
    Observed real;
    try (TlsPeer other = new TlsPeer(Does.HAVE_NOTHING_IN_COMMON)) {
      real = ask(style, other.port(), 0);
    }

    try (FaultInjection fault = Jinx.inject(target().error(NamedError.TLS_HANDSHAKE))) {
      assertTwins(ask(style), real);
      assertThat(good.seen().thrown()).isNotEmpty();
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void certificateExpired(Style style) throws Exception {
    BothSides real;
    try (TlsPeer expired = new TlsPeer(Does.HAVE_EXPIRED)) {
      real = BothSides.of(style, expired);
    }

    try (FaultInjection fault = Jinx.inject(target().error(NamedError.CERTIFICATE_EXPIRED))) {
      BothSides injected = BothSides.of(style, good);
      assertTwins(injected.client, real.client);
      assertTwins(injected.server, real.server);
      assertThat(fault.injections()).isEqualTo(injected.tries);
    }
  }

  private record BothSides(Observed client, Observed server, int tries) {

    /** A server that is still writing when its client goes away may learn of that alone. */
    static BothSides of(Style style, TlsPeer peer) throws InterruptedException {
      for (int tries = 1; ; tries++) {
        Observed client = ask(style, peer.port(), 0);
        Observed server = peer.seen();
        if (tries == 20 || !server.thrown().get(0).type().equals("java.net.SocketException")) {
          return new BothSides(client, server, tries);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      mode = Mode.EXCLUDE,
      names = {"HTTP_CLIENT", "NETTY", "OPENSSL"}) // no engine knows of it
  void connectionReset(Style style) throws Exception {
    Observed real;
    try (TlsPeer resetting = new TlsPeer(Does.RESET)) {
      real = ask(style, resetting.port(), 0);
    }

    try (FaultInjection fault = Jinx.inject(target().error(NamedError.CONNECTION_RESET))) {
      assertTwins(ask(style), real);
      assertThat(good.seen().thrown())
          .extracting(Observed.Thrown::type)
          .contains("java.net.SocketException");
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @EnumSource(
      mode = Mode.EXCLUDE,
      names = {"HTTP_CLIENT", "NETTY", "OPENSSL"})
  void unexpectedEof(Style style) throws Exception {
    Observed real;
    try (TlsPeer ending = new TlsPeer(Does.END)) {
      real = ask(style, ending.port(), 0);
    }

    try (FaultInjection fault = Jinx.inject(target().error(NamedError.UNEXPECTED_EOF))) {
      assertTwins(ask(style), real);
      assertThat(good.seen().thrown()).isNotEmpty();
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void latency(Style style) throws Exception {
    Duration delay = Duration.ofMillis(500);
    Observed real;
    try (TlsPeer slow = new TlsPeer(Does.SERVE, delay.toMillis())) {
      real = ask(style, slow.port(), 0);
    }

    try (FaultInjection fault = Jinx.inject(target().latency(delay))) {
      Observed injected = ask(style);
      assertTwins(injected, real);
      assertThat(good.seen().thrown()).isEmpty();
      assertThat(injected.elapsed()).isBetween(delay, delay.plusSeconds(5));
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @EnumSource(
      mode = Mode.EXCLUDE,
      names = {"HTTP_CLIENT", "NETTY", "OPENSSL"})
  void theReadTimeoutWins(Style style) throws Exception {
    Observed real;
    try (TlsPeer silent = new TlsPeer(Does.SAY_NOTHING)) {
      real = ask(style, silent.port(), TIMEOUT);
    }

    try (FaultInjection fault = Jinx.inject(target().latency(Duration.ofSeconds(20)))) {
      Observed injected = ask(style, good.port(), TIMEOUT);
      assertTwins(injected, real);
      assertThat(injected.elapsed())
          .isBetween(Duration.ofMillis(TIMEOUT), Duration.ofMillis(TIMEOUT + 5000));
      assertThat(fault.injections()).isEqualTo(1);
    }
  }
}
