package dev.jinx.it.dns;

import static dev.jinx.Jinx.dns;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.FaultInjection;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import dev.jinx.it.real.Observed;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

class DnsTwinIT {

  @Test
  void unknownHost() {
    Observed real = Observed.of(() -> InetAddress.getByName("no-such-host.invalid"));

    try (FaultInjection fault = Jinx.inject(dns("localhost").error(NamedError.UNKNOWN_HOST))) {
      Observed injected = Observed.of(() -> InetAddress.getByName("localhost"));

      assertThat(injected.thrown()).hasSize(1);
      assertThat(injected.thrown().get(0).type()).isEqualTo(real.thrown().get(0).type());
      assertThat(kind(injected)).isEqualTo("localhost: Name or service not known");
      assertThat(fault.injections()).isEqualTo(1);
    }
    assertThat(Observed.of(() -> InetAddress.getByName("localhost")).thrown()).isEmpty();
  }

  @Test
  void aSocketMeetsItWhereItReallyWould() {
    Observed real = Observed.of(() -> new Socket("no-such-host.invalid", 80));

    try (FaultInjection fault = Jinx.inject(dns("localhost").error(NamedError.UNKNOWN_HOST))) {
      Observed injected = Observed.of(() -> new Socket("localhost", 80));

      assertThat(injected.thrown()).isNotEmpty();
      assertThat(injected.thrown().get(0).type()).isEqualTo(real.thrown().get(0).type());
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @Test
  void anAddressSwallowsItAsItReallyDoes() {
    assertThat(new InetSocketAddress("no-such-host.invalid", 80).isUnresolved()).isTrue();

    try (FaultInjection fault = Jinx.inject(dns("localhost").error(NamedError.UNKNOWN_HOST))) {
      assertThat(new InetSocketAddress("localhost", 80).isUnresolved()).isTrue();
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @Test
  void slow() {
    try (FaultInjection fault =
        Jinx.inject(dns("local*").latency(Duration.ofMillis(200)).first(1))) {
      Observed slow = Observed.of(() -> InetAddress.getByName("localhost").isLoopbackAddress());

      assertThat(slow.value()).isEqualTo(true);
      assertThat(slow.elapsed()).isGreaterThanOrEqualTo(Duration.ofMillis(200));
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @Test
  void aLiteralAddressIsNoLookUp() {
    try (FaultInjection fault = Jinx.inject(dns("*").error(NamedError.UNKNOWN_HOST))) {
      assertThat(Observed.of(() -> InetAddress.getByName("127.0.0.1")).thrown()).isEmpty();
      assertThat(Observed.of(() -> InetAddress.getByName("::1")).thrown()).isEmpty();
      assertThat(fault.matches()).isZero();
    }
  }

  @Test
  void clearingReleasesADroppedLookUp() throws Exception {
    FaultInjection fault = Jinx.inject(dns("localhost").drop());
    FutureTask<InetAddress> lookUp = new FutureTask<>(() -> InetAddress.getByName("localhost"));
    Thread caller = new Thread(lookUp);
    caller.start();
    while (fault.injections() == 0) {
      LockSupport.parkNanos(100_000);
    }
    assertThat(lookUp.isDone()).isFalse();

    fault.close();

    // the resolver itself would give up only after ten seconds
    assertThat(lookUp.get(5, SECONDS).isLoopbackAddress()).isTrue();
  }

  @Test
  void anInterruptIsKeptForTheCaller() throws Exception {
    CompletableFuture<Boolean> flag = new CompletableFuture<>();
    try (FaultInjection fault = Jinx.inject(dns("localhost").latency(Duration.ofMillis(300)))) {
      Thread caller =
          new Thread(
              () -> {
                Observed.of(() -> InetAddress.getByName("localhost"));
                flag.complete(Thread.currentThread().isInterrupted());
              });
      caller.start();
      while (fault.injections() == 0) {
        LockSupport.parkNanos(100_000);
      }
      caller.interrupt();

      assertThat(flag.get(5, SECONDS)).isTrue();
    }
  }

  private static String kind(Observed observed) {
    return String.valueOf(observed.thrown().get(0).message());
  }
}
