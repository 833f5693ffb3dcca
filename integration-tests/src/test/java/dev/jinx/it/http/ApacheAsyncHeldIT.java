package dev.jinx.it.http;

import static dev.jinx.Jinx.http;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.FaultInjection;
import dev.jinx.HttpFault;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import dev.jinx.it.real.Observed;
import dev.jinx.it.real.RealServer;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import org.apache.hc.client5.http.async.methods.SimpleHttpRequest;
import org.apache.hc.client5.http.async.methods.SimpleHttpResponse;
import org.apache.hc.client5.http.impl.async.HttpAsyncClients;
import org.apache.hc.client5.http.impl.nio.PoolingAsyncClientConnectionManagerBuilder;
import org.apache.hc.core5.http.Method;
import org.apache.hc.core5.io.CloseMode;
import org.apache.hc.core5.reactor.IOReactorConfig;
import org.apache.http.HttpResponse;
import org.apache.http.client.methods.HttpGet;
import org.apache.http.impl.nio.client.HttpAsyncClientBuilder;
import org.apache.http.util.EntityUtils;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Apache's asynchronous clients while their calls are held: who waits, and who goes on where. */
@Timeout(60)
class ApacheAsyncHeldIT {

  /** A call in flight, and how it ended for a callback: {@code completed on <thread>}. */
  record Call(Future<?> future, CompletableFuture<String> told) {}

  /** A client with one I/O thread for its connections, and room for many. */
  interface Calls extends AutoCloseable {
    Call get(URI uri);
  }

  enum Library {
    FIVE {
      @Override
      Calls open() {
        var client =
            HttpAsyncClients.custom()
                .setIOReactorConfig(IOReactorConfig.custom().setIoThreadCount(1).build())
                .setConnectionManager(
                    PoolingAsyncClientConnectionManagerBuilder.create()
                        .setMaxConnPerRoute(300)
                        .setMaxConnTotal(300)
                        .build())
                .build();
        client.start();
        return new Calls() {
          @Override
          public Call get(URI uri) {
            var told = new CompletableFuture<String>();
            var future =
                client.execute(
                    SimpleHttpRequest.create(Method.GET, uri),
                    new org.apache.hc.core5.concurrent.FutureCallback<SimpleHttpResponse>() {
                      @Override
                      public void completed(SimpleHttpResponse response) {
                        told.complete(on(response.getBodyText()));
                      }

                      @Override
                      public void failed(Exception cause) {
                        told.complete(on(cause.getClass().getSimpleName()));
                      }

                      @Override
                      public void cancelled() {
                        told.complete(on("cancelled"));
                      }
                    });
            return new Call(future, told);
          }

          @Override
          public void close() {
            client.close(CloseMode.IMMEDIATE);
          }
        };
      }

      @Override
      String ownThreads() {
        return "httpclient-dispatch-\\d+";
      }
    },

    FOUR {
      @Override
      Calls open() {
        var client =
            HttpAsyncClientBuilder.create()
                .setDefaultIOReactorConfig(
                    org.apache.http.impl.nio.reactor.IOReactorConfig.custom()
                        .setIoThreadCount(1)
                        .build())
                .setMaxConnPerRoute(300)
                .setMaxConnTotal(300)
                .build();
        client.start();
        return new Calls() {
          @Override
          public Call get(URI uri) {
            var told = new CompletableFuture<String>();
            var future =
                client.execute(
                    new HttpGet(uri),
                    new org.apache.http.concurrent.FutureCallback<HttpResponse>() {
                      @Override
                      public void completed(HttpResponse response) {
                        try {
                          told.complete(on(EntityUtils.toString(response.getEntity())));
                        } catch (Exception e) {
                          told.completeExceptionally(e);
                        }
                      }

                      @Override
                      public void failed(Exception cause) {
                        told.complete(on(cause.getClass().getSimpleName()));
                      }

                      @Override
                      public void cancelled() {
                        told.complete(on("cancelled"));
                      }
                    });
            return new Call(future, told);
          }

          @Override
          public void close() throws Exception {
            client.close();
          }
        };
      }

      @Override
      String ownThreads() {
        return "pool-\\d+-thread-\\d+|I/O dispatcher \\d+";
      }
    };

    abstract Calls open();

    /** The names of the client's I/O threads. */
    abstract String ownThreads();

    private static String on(String what) {
      return what + " on " + Thread.currentThread().getName();
    }
  }

  @SuppressWarnings("NullAway.Init")
  private static RealServer server;

  @BeforeAll
  static void start() {
    server = RealServer.http(RealServer.ECHO);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @BeforeEach
  void forget() {
    server.answering(RealServer.ECHO);
  }

  private static HttpFault target() {
    return http("localhost").port(server.uri("/").getPort());
  }

  private static void awaitInjections(FaultInjection fault, int count) {
    while (fault.injections() < count) {
      LockSupport.parkNanos(100_000);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aDelayHoldsNoThread(Library library) throws Exception {
    Duration delay = Duration.ofSeconds(2);
    for (HttpFault slow : List.of(target().latency(delay), target().latency(delay).afterCall())) {
      try (FaultInjection fault = Jinx.inject(slow.path("/slow"));
          Calls client = library.open()) {
        var finished = new ConcurrentLinkedQueue<String>();
        List<CompletableFuture<?>> calls = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
          String path = i % 2 == 0 ? "/slow" : "/fast";
          calls.add(
              client.get(server.uri(path)).told().whenComplete((end, none) -> finished.add(path)));
        }
        CompletableFuture.allOf(calls.toArray(CompletableFuture<?>[]::new)).get();

        assertThat(List.copyOf(finished).subList(0, 100)).containsOnly("/fast");
        assertThat(fault.injections()).isEqualTo(100);
      }
    }
  }

  /** Not on its caller's, and not on the timer's. */
  @ParameterizedTest
  @EnumSource
  void whatIsInjectedIsToldOnTheClientsThreads(Library library) throws Exception {
    Duration delay = Duration.ofMillis(20);
    for (HttpFault fault :
        List.of(
            target().error(NamedError.CONNECTION_REFUSED),
            target().error(NamedError.UNEXPECTED_EOF),
            target().response(200, "injected"),
            target().latency(delay),
            target().latency(delay).error(NamedError.CONNECTION_REFUSED),
            target().latency(delay).response(200, "injected"),
            target().latency(delay).afterCall(),
            target().latency(delay).error(NamedError.UNEXPECTED_EOF).afterCall(),
            target().bandwidth("100B/s"))) {
      try (FaultInjection armed = Jinx.inject(fault);
          Calls client = library.open()) {
        assertThat(client.get(server.uri("/")).told().get())
            .as("%s", fault)
            .matches("\\w+ on (" + library.ownThreads() + ")");
        assertThat(armed.injections()).isPositive();
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void cancelEndsAHeldCall(Library library) throws Exception {
    record Held(HttpFault fault, String... arrived) {}
    for (Held hold :
        List.of(
            new Held(target().drop(), "/next"),
            new Held(target().drop().afterCall(), "/held", "/next"))) {
      server.answering(RealServer.ECHO);
      try (Calls client = library.open()) {
        try (FaultInjection fault = Jinx.inject(hold.fault().path("/held"))) {
          Call call = client.get(server.uri("/held"));
          awaitInjections(fault, 1);
          while (server.requests().size() < hold.arrived().length - 1) {
            LockSupport.parkNanos(100_000);
          }
          call.future().cancel(true);

          assertThat(call.told().get())
              .isEqualTo("cancelled on " + Thread.currentThread().getName());
          assertThat(Observed.of(call.future()::get).thrown())
              .extracting(Observed.Thrown::type)
              .containsExactly(CancellationException.class.getName());
        }
        // had it been let go instead, it would have come before this one
        client.get(server.uri("/next")).told().get();
        assertThat(server.requests())
            .extracting(RealServer.Request::path)
            .containsExactly(hold.arrived());
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void closingTheClientEndsAHeldCall(Library library) throws Exception {
    try (FaultInjection fault = Jinx.inject(target().drop())) {
      Calls client = library.open();
      Call call = client.get(server.uri("/"));
      awaitInjections(fault, 1);
      client.close();

      assertThat(call.told().get()).startsWith("ConnectionClosedException");
      assertThat(server.connections()).isZero();
    }
  }

  /** More than the client takes in one turn. */
  @ParameterizedTest
  @EnumSource
  void aLargeBody(Library library) throws Exception {
    byte[] body = new byte[300_000];
    for (int i = 0; i < body.length; i++) {
      body[i] = (byte) ('a' + i % 26);
    }
    String whole = new String(body, ISO_8859_1);
    server.answering((request, connection) -> connection.respond(200, Map.of(), body));
    for (HttpFault fault : List.of(target().response(200, whole), target().bandwidth("600KB/s"))) {
      try (FaultInjection armed = Jinx.inject(fault);
          Calls client = library.open()) {
        assertThat(client.get(server.uri("/")).told().get()).startsWith(whole);
        assertThat(armed.injections()).isEqualTo(1);
      }
    }
  }
}
