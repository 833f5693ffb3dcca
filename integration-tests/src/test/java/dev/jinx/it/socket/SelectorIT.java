package dev.jinx.it.socket;

import static dev.jinx.Jinx.socket;
import static java.net.http.HttpClient.Version.HTTP_1_1;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.FaultInjection;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import dev.jinx.SocketFault;
import dev.jinx.it.real.Observed;
import dev.jinx.it.real.RealServer;
import dev.jinx.it.socket.Peer.Does;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Channels of a selector: never blocked, never spun on, and the real failure's twins. */
@Timeout(60)
class SelectorIT {
  @SuppressWarnings("NullAway.Init")
  private Peer echo;

  @SuppressWarnings("NullAway.Init")
  private Peer other;

  @SuppressWarnings("NullAway.Init")
  private Chat chat;

  @BeforeEach
  void start() throws IOException {
    echo = new Peer(Does.ECHO);
    other = new Peer(Does.ECHO);
    chat = new Chat();
  }

  @AfterEach
  void stop() throws IOException {
    chat.close();
    echo.close();
    other.close();
  }

  private SocketFault target() {
    return socket("localhost").port(echo.address().getPort());
  }

  private static <T> T get(CompletableFuture<T> future) throws Exception {
    try {
      return future.get(20, SECONDS);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof Exception cause ? cause : e;
    }
  }

  private Observed connect(InetSocketAddress address) {
    return Observed.of(
        () -> {
          get(chat.connect(address).connected());
          return 0;
        });
  }

  private Observed ask(InetSocketAddress address) {
    return Observed.of(
        () -> {
          Chat.Talk talk = chat.connect(address);
          get(talk.connected());
          return (int) get(talk.ask(7));
        });
  }

  @Test
  void aRefusedConnection() {
    Observed real = connect(new InetSocketAddress("localhost", RealServer.refusing().getPort()));

    try (FaultInjection fault = Jinx.inject(target().error(NamedError.CONNECTION_REFUSED))) {
      assertThat(connect(echo.address()).outcome()).isEqualTo(real.outcome());
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @Test
  void aReset() throws IOException {
    Observed real;
    try (Peer resetting = new Peer(Does.RESET)) {
      real = ask(resetting.address());
    }
    for (SocketFault reset :
        List.of(
            target().operation("read").error(NamedError.CONNECTION_RESET),
            target().operation("read").reset("0B"))) {
      try (FaultInjection fault = Jinx.inject(reset)) {
        assertThat(ask(echo.address()).outcome()).isEqualTo(real.outcome());
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }

  @Test
  void anEnd() throws IOException {
    Observed real;
    try (Peer ending = new Peer(Does.END)) {
      real = ask(ending.address());
    }
    for (SocketFault end :
        List.of(
            target().error(NamedError.UNEXPECTED_EOF), target().operation("read").limit("0B"))) {
      try (FaultInjection fault = Jinx.inject(end)) {
        assertThat(ask(echo.address()).outcome()).isEqualTo(real.outcome());
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }

  @Test
  void aSlowConnectionIsConnectedLater() throws Exception {
    try (FaultInjection fault =
        Jinx.inject(target().operation("connect").latency(Duration.ofMillis(300)))) {
      Observed connected = connect(echo.address());

      assertThat(connected.thrown()).isEmpty();
      assertThat(connected.elapsed()).isGreaterThanOrEqualTo(Duration.ofMillis(300));
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @Test
  void aDroppedConnectIsPendingUntilTheFaultEnds() throws Exception {
    FaultInjection fault = Jinx.inject(target().drop());
    Chat.Talk talk = chat.connect(echo.address());
    assertThat(talk.channel.isConnectionPending()).isTrue();
    assertThat(talk.connected()).isNotDone();

    fault.close();

    get(talk.connected());
    assertThat(get(talk.ask(5))).isEqualTo((byte) 5);
  }

  @Test
  void oneHitForEachTurn() throws Exception {
    Chat.Talk talk = chat.connect(echo.address());
    get(talk.connected());
    try (FaultInjection fault = Jinx.inject(target().latency(Duration.ofMillis(100)))) {
      Observed turns = Observed.of(() -> get(talk.ask(1)) + get(talk.ask(2)) + get(talk.ask(3)));

      assertThat(turns.value()).isEqualTo(6);
      assertThat(turns.elapsed()).isGreaterThanOrEqualTo(Duration.ofMillis(300));
      assertThat(fault.injections()).isEqualTo(3);
    }
  }

  @Test
  void silenceHoldsBothWaysAndNothingIsLostWhenItEnds() throws Exception {
    Chat.Talk talk = chat.connect(echo.address());
    get(talk.connected());
    assertThat(get(talk.ask(1))).isEqualTo((byte) 1);
    int before = echo.received();
    List<CompletableFuture<Byte>> answers = new ArrayList<>();
    try (FaultInjection fault = Jinx.inject(target().drop())) {
      for (int i = 0; i < 50; i++) {
        answers.add(talk.ask(i));
      }
      assertThat(get(chat.connect(other.address()).ask(9))).isEqualTo((byte) 9);
      assertThat(fault.injections()).isEqualTo(1);
      assertThat(echo.received()).isEqualTo(before);
      assertThat(answers).noneMatch(CompletableFuture::isDone);
    }
    for (int i = 0; i < 50; i++) {
      assertThat(get(answers.get(i))).isEqualTo((byte) i);
    }
  }

  @Test
  void aHeldChannelCanBeClosed() throws Exception {
    Chat.Talk talk = chat.connect(echo.address());
    get(talk.connected());
    try (FaultInjection fault = Jinx.inject(target().latency(Duration.ofSeconds(30)))) {
      CompletableFuture<Byte> answer = talk.ask(1);
      while (fault.injections() == 0) {
        LockSupport.parkNanos(100_000);
      }
      talk.close();
      assertThat(get(chat.connect(other.address()).ask(9))).isEqualTo((byte) 9);
      assertThat(answer).isNotDone();
      echo.awaitEnd();
    }
  }

  @Test
  void halfOfAThousandChannelsAreSlowAndTheOthersAreNot() throws Exception {
    List<Chat.Talk> slow = new ArrayList<>();
    List<Chat.Talk> fast = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      slow.add(chat.connect(echo.address()));
      fast.add(chat.connect(other.address()));
    }
    for (int i = 0; i < 500; i++) {
      get(slow.get(i).connected());
      get(fast.get(i).connected());
    }
    Duration delay = Duration.ofSeconds(8); // wide room for a busy machine
    try (FaultInjection fault = Jinx.inject(target().latency(delay))) {
      List<CompletableFuture<Byte>> late = new ArrayList<>();
      long start = System.nanoTime();
      slow.forEach(talk -> late.add(talk.ask(1)));
      List<CompletableFuture<Byte>> early = new ArrayList<>();
      fast.forEach(talk -> early.add(talk.ask(2)));
      for (CompletableFuture<Byte> answer : early) {
        assertThat(get(answer)).isEqualTo((byte) 2);
      }
      assertThat(System.nanoTime() - start).isLessThan(delay.toNanos());
      assertThat(late).noneMatch(CompletableFuture::isDone);
      while (fault.injections() < 500) {
        LockSupport.parkNanos(100_000);
      }

      // nothing to be told of: the selector sleeps
      long rounds = chat.rounds();
      long used = cpu();
      long until = System.nanoTime() + Duration.ofMillis(500).toNanos();
      while (System.nanoTime() < until && System.nanoTime() - start < delay.toNanos()) {
        TimeUnit.MILLISECONDS.sleep(10);
      }
      assertThat(chat.rounds() - rounds).isLessThan(50);
      assertThat(Duration.ofNanos(cpu() - used)).isLessThan(Duration.ofMillis(100));

      for (CompletableFuture<Byte> answer : late) {
        assertThat(get(answer)).isEqualTo((byte) 1);
      }
      assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(delay.toNanos());
    }
  }

  @Test
  void theJdksHttpClientIsHeldBeneathItsTimeoutAndBesideOthers() throws Exception {
    try (RealServer slow = RealServer.http(RealServer.ECHO);
        RealServer fast = RealServer.http(RealServer.ECHO)) {
      HttpClient client = HttpClient.newHttpClient();
      assertThat(get(client, slow, Duration.ofSeconds(20)).value()).isEqualTo(200);
      assertThat(get(client, fast, Duration.ofSeconds(20)).value()).isEqualTo(200);
      Duration delay = Duration.ofMillis(500);

      try (FaultInjection fault =
          Jinx.inject(
              socket("localhost", "127.0.0.1")
                  .port(slow.uri("/").getPort())
                  .side("client")
                  .latency(delay))) {
        Observed late = get(client, slow, Duration.ofSeconds(20));
        assertThat(late.value()).isEqualTo(200);
        assertThat(late.elapsed()).isGreaterThanOrEqualTo(delay);
        assertThat(fault.injections()).isEqualTo(1);

        CompletableFuture<Observed> held =
            CompletableFuture.supplyAsync(() -> get(client, slow, Duration.ofSeconds(20)));
        assertThat(get(client, fast, Duration.ofSeconds(20)).value()).isEqualTo(200);
        assertThat(get(held).value()).isEqualTo(200);
      }

      try (FaultInjection fault =
          Jinx.inject(
              socket("localhost", "127.0.0.1")
                  .port(slow.uri("/").getPort())
                  .side("client")
                  .drop())) {
        Observed silent = get(client, slow, Duration.ofMillis(300));
        assertThat(silent.thrown().get(0).type()).isEqualTo("java.net.http.HttpTimeoutException");
        assertThat(silent.elapsed()).isGreaterThanOrEqualTo(Duration.ofMillis(300));
        assertThat(fault.injections()).isPositive();
      }
    }
  }

  private static Observed get(HttpClient client, RealServer server, Duration timeout) {
    HttpRequest request =
        HttpRequest.newBuilder(server.uri("/")).timeout(timeout).version(HTTP_1_1).build();
    return Observed.of(() -> client.send(request, BodyHandlers.ofString()).statusCode());
  }

  private long cpu() {
    return ManagementFactory.getThreadMXBean().getThreadCpuTime(chat.thread().getId());
  }
}
