package dev.jinx.it.http;

import static dev.jinx.Jinx.http;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.FaultInjection;
import dev.jinx.HttpFault;
import dev.jinx.Jinx;
import dev.jinx.it.real.Observed;
import dev.jinx.it.real.Observed.Thrown;
import dev.jinx.it.real.RealServer;
import java.io.IOException;
import java.nio.channels.AsynchronousCloseException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import org.eclipse.jetty.client.CompletableResponseListener;
import org.eclipse.jetty.client.ContentResponse;
import org.eclipse.jetty.client.HttpClient;
import org.eclipse.jetty.client.Request;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What becomes of a call of Jetty's client while it is held. */
@Timeout(60)
class JettyIT {
  private static final Duration LONG = Duration.ofMinutes(1);

  private final RealServer server = RealServer.http(RealServer.ECHO);
  private final HttpClient client = new HttpClient();

  @BeforeEach
  void start() throws Exception {
    var threads = new QueuedThreadPool(8);
    threads.setDaemon(true);
    client.setExecutor(threads);
    client.start();
  }

  @AfterEach
  void stop() throws Exception {
    client.stop();
    server.close();
  }

  private HttpFault target() {
    return http().port(server.uri("/").getPort()).client("jetty");
  }

  private Request request(String path) {
    return client.newRequest(server.uri(path));
  }

  private static CompletableFuture<ContentResponse> send(Request request) {
    return new CompletableResponseListener(request).send();
  }

  private static void awaitHeld(FaultInjection fault) {
    while (fault.injections() == 0) {
      LockSupport.parkNanos(100_000);
    }
  }

  @Test
  void heldCallsBlockNoThread() throws Exception {
    request("/warm").send();
    Duration delay = Duration.ofSeconds(2);
    try (FaultInjection fault = Jinx.inject(target().path("/slow").latency(delay))) {
      List<CompletableFuture<ContentResponse>> slow = new ArrayList<>();
      List<CompletableFuture<ContentResponse>> fast = new ArrayList<>();
      long start = System.nanoTime();
      for (int i = 0; i < 100; i++) {
        slow.add(send(request("/slow")));
        fast.add(send(request("/fast")));
      }
      CompletableFuture.allOf(fast.toArray(new CompletableFuture<?>[0])).get();

      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(delay);
      assertThat(slow).noneMatch(CompletableFuture::isDone);
      CompletableFuture.allOf(slow.toArray(new CompletableFuture<?>[0])).get();
      assertThat(fault.injections()).isEqualTo(100);
    }
  }

  @Test
  void anAbortEndsTheWait() {
    for (HttpFault hold : List.of(target().drop(), target().drop().afterCall())) {
      try (FaultInjection fault = Jinx.inject(hold)) {
        Request request = request("/");
        CompletableFuture<ContentResponse> answer = send(request);
        awaitHeld(fault);
        assertThat(request.abort(new IOException("enough"))).succeedsWithin(Duration.ofSeconds(20));

        assertThat(Observed.of(answer::get).thrown())
            .contains(new Thrown(IOException.class.getName(), "enough"));
      }
    }
  }

  @Test
  void theTotalTimeoutCountsFromTheStart() {
    Duration limit = Duration.ofMillis(600);
    server.answering(RealServer.SILENCE);
    for (HttpFault hold :
        List.of(
            target().latency(Duration.ofMillis(300)),
            target().latency(LONG),
            target().drop(),
            target().drop().afterCall())) {
      server.answering(hold.toString().contains("after") ? RealServer.ECHO : RealServer.SILENCE);
      try (FaultInjection fault = Jinx.inject(hold)) {
        Observed late =
            Observed.of(() -> request("/").timeout(limit.toMillis(), TimeUnit.MILLISECONDS).send());

        assertThat(late.thrown())
            .as("%s", hold)
            .containsExactly(
                new Thrown(TimeoutException.class.getName(), "Total timeout 600 ms elapsed"));
        assertThat(late.elapsed()).isBetween(limit, limit.plusSeconds(5));
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }

  @Test
  void aStoppedClientEndsTheWait() throws Exception {
    try (FaultInjection fault = Jinx.inject(target().drop())) {
      CompletableFuture<ContentResponse> answer = send(request("/"));
      awaitHeld(fault);
      client.stop();

      assertThat(Observed.of(() -> answer.get(20, TimeUnit.SECONDS)).thrown())
          .contains(new Thrown(AsynchronousCloseException.class.getName(), null));
    }
  }

  @Test
  void theListenersAreCalledOnTheClientsThreads() throws Exception {
    for (HttpFault fault :
        List.of(
            target().response(503),
            target().error(dev.jinx.NamedError.CONNECTION_REFUSED),
            target().error(dev.jinx.NamedError.CONNECTION_RESET).latency(Duration.ofMillis(10)))) {
      try (FaultInjection injected = Jinx.inject(fault)) {
        var thread = new CompletableFuture<String>();
        request("/").send(result -> thread.complete(Thread.currentThread().getName()));

        assertThat(thread.get()).as("%s", fault).startsWith("qtp");
      }
    }
  }

  @Test
  void theQueueAndThePoolAreAsBefore() throws Exception {
    try (FaultInjection fault = Jinx.inject(target().response(503))) {
      assertThat(request("/").send().getStatus()).isEqualTo(503);
    }
    for (int i = 0; i < 3; i++) {
      assertThat(request("/").send().getStatus()).isEqualTo(200);
    }
    assertThat(server.connections()).isEqualTo(1);
    assertThat(client.getDestinations()).hasSize(1);
  }
}
