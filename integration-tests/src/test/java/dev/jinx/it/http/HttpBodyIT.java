package dev.jinx.it.http;

import static dev.jinx.Jinx.http;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.FaultInjection;
import dev.jinx.HttpFault;
import dev.jinx.Jinx;
import dev.jinx.it.real.Http2Server;
import dev.jinx.it.real.Observed;
import dev.jinx.it.real.RealServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Version;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Bodies that are slow or cut, by every way in which the JDK's clients hand them over. */
@Timeout(60)
class HttpBodyIT {

  @SuppressWarnings("NullAway.Init")
  private RealServer server;

  @SuppressWarnings("NullAway.Init")
  private RealServer failing;

  @BeforeEach
  void start() {
    server = RealServer.http(RealServer.ECHO);
    failing = RealServer.http(RealServer.ECHO);
  }

  @AfterEach
  void stop() {
    server.close();
    failing.close();
  }

  private static HttpFault target(URI uri) {
    return http("localhost").port(uri.getPort());
  }

  private static HttpRequest get(URI uri) {
    return Style.request("GET", uri, Style.PATIENT);
  }

  private static void await(BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).isLessThan(deadline);
      LockSupport.parkNanos(100_000);
    }
  }

  /** What came, and the failure it ended with. */
  private record Read(String bytes, Observed.Outcome end) {
    static Read of(Opening opening) {
      var bytes = new ByteArrayOutputStream();
      Observed end =
          Observed.of(
              () -> {
                InputStream in = opening.open();
                for (int b = in.read(); b >= 0; b = in.read()) {
                  bytes.write(b);
                }
                return "end";
              });
      return new Read(bytes.toString(ISO_8859_1), end.outcome());
    }

    interface Opening {
      InputStream open() throws Exception;
    }
  }

  static Stream<Named<BodyHandler<?>>> handlers() {
    return Stream.of(
        Named.of("bytes", BodyHandlers.ofByteArray()),
        Named.of("text", BodyHandlers.ofString()),
        Named.of("nothing", BodyHandlers.discarding()),
        Named.of("buffers", BodyHandlers.buffering(BodyHandlers.ofString(), 7)),
        Named.of("lines", BodyHandlers.ofLines()),
        Named.of("a publisher", BodyHandlers.ofPublisher()));
  }

  // ---- cut

  @ParameterizedTest
  @MethodSource("handlers")
  void cutForEveryBodyHandler(BodyHandler<?> by) {
    for (boolean chunked : new boolean[] {false, true}) {
      for (boolean reset : new boolean[] {false, true}) {
        failing.answering(RealServer.cutBody(chunked, reset));
        server.answering(RealServer.body(chunked));
        Observed real = cutForReal(by);
        Observed injected = cut(by, reset);
        // whether a reader of lines has begun when the end comes is a race, for real too
        for (int i = 0; i < 20 && !injected.outcome().equals(real.outcome()); i++) {
          real = cutForReal(by);
          injected = cut(by, reset);
        }
        assertThat(injected.outcome())
            .as("chunked %s, reset %s", chunked, reset)
            .isEqualTo(real.outcome());
      }
    }
  }

  private Observed cutForReal(BodyHandler<?> by) {
    return Observed.of(call(by, failing.uri("/")));
  }

  private Observed cut(BodyHandler<?> by, boolean reset) {
    HttpFault target = target(server.uri("/"));
    try (FaultInjection fault = Jinx.inject(reset ? target.reset("40B") : target.limit("40B"))) {
      Observed injected = Observed.of(call(by, server.uri("/")));
      assertThat(fault.injections()).isEqualTo(1);
      return injected;
    } finally {
      await(() -> server.open() == 0);
    }
  }

  private static Callable<?> call(BodyHandler<?> by, URI uri) {
    return () -> {
      Object body = Style.client(Style.PATIENT).send(get(uri), by).body();
      if (body instanceof Stream<?> lines) {
        return lines.toList();
      }
      if (body instanceof Flow.Publisher<?> publisher) {
        var subscriber = new Reluctant();
        publisher.subscribe(subscriber);
        subscriber.subscribed.get().request(Long.MAX_VALUE);
        return subscriber.body.get();
      }
      return body instanceof byte[] bytes ? new String(bytes, ISO_8859_1) : body;
    };
  }

  @ParameterizedTest
  @CsvSource({
    "0,false,false",
    "1,true,false",
    "40,false,true",
    "40,true,true",
    "99,false,false",
    "99,true,true",
    "100,false,true",
    "100,true,false"
  })
  void theFirstBytesArriveAndNoMore(int after, boolean chunked, boolean reset) throws Exception {
    server.answering(RealServer.body(chunked));
    String expected = "0123456789".repeat(10).substring(0, after);
    URI uri = server.uri("/");
    String cut = after + "B";
    try (FaultInjection fault =
        Jinx.inject(reset ? target(uri).reset(cut) : target(uri).limit(cut))) {
      var byClient = new Reluctant();
      var call =
          Style.client(Style.PATIENT).sendAsync(get(uri), BodyHandlers.fromSubscriber(byClient));
      byClient.subscribed.get().request(Long.MAX_VALUE);
      Observed end = Observed.of(call::get);
      Read byConnection = Read.of(() -> uri.toURL().openConnection().getInputStream());

      assertThat(byClient.received).hasToString(expected);
      assertThat(byConnection.bytes()).isEqualTo(expected);
      assertThat(end.thrown().isEmpty()).isEqualTo(after == 100);
      // an early end of a body of known length is the application's to notice on JDK 17
      if (after == 100 || chunked || reset) {
        assertThat(byConnection.end().thrown().isEmpty()).isEqualTo(after == 100);
      }
    }
  }

  /** And what it throws to those who read on. */
  @ParameterizedTest
  @CsvSource({"false,false", "false,true", "true,false", "true,true"})
  void aStreamThatIsCut(boolean chunked, boolean reset) {
    failing.answering(RealServer.cutBody(chunked, reset));
    server.answering(RealServer.body(chunked));
    List<Read> real = streams(failing.uri("/"));
    List<Read> injected = cutStreams(reset);
    // as with lines, a race for real too
    for (int i = 0; i < 20 && !injected.equals(real); i++) {
      real = streams(failing.uri("/"));
      injected = cutStreams(reset);
    }
    assertThat(injected).isEqualTo(real);
  }

  private List<Read> cutStreams(boolean reset) {
    HttpFault target = target(server.uri("/"));
    try (FaultInjection fault = Jinx.inject(reset ? target.reset("40B") : target.limit("40B"))) {
      List<Read> injected = streams(server.uri("/"));
      assertThat(fault.injections()).isEqualTo(2);
      return injected;
    }
  }

  private static List<Read> streams(URI uri) {
    HttpClient client = Style.client(Style.PATIENT);
    InputStream[] opened = new InputStream[1];
    Read byConnection =
        Read.of(
            () -> {
              opened[0] = uri.toURL().openConnection().getInputStream();
              return opened[0];
            });
    Read on = Read.of(() -> opened[0]);
    Read byClient = Read.of(() -> client.send(get(uri), BodyHandlers.ofInputStream()).body());
    // once it has failed, it keeps no bytes that were not read in time
    return List.of(byConnection, on, new Read("", byClient.end()));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void onHttp2(boolean reset) throws Exception {
    Observed real;
    try (var losing = new Http2Server()) {
      real = Observed.of(() -> onHttp2(losing, realCut(reset)));
    }
    try (var http2 = new Http2Server()) {
      HttpFault target = target(http2.uri("/"));
      try (FaultInjection fault = Jinx.inject(reset ? target.reset("40B") : target.limit("40B"))) {
        Observed injected = Observed.of(() -> onHttp2(http2, Http2Server.Answer.BODY));

        assertThat(injected.outcome()).isEqualTo(real.outcome());
        assertThat(fault.injections()).isEqualTo(1);
        // as the real one
        await(() -> http2.open() == 0);
      }
    }
  }

  private static Http2Server.Answer realCut(boolean reset) {
    return reset ? Http2Server.Answer.RESET_IN_BODY : Http2Server.Answer.END_IN_BODY;
  }

  private static String onHttp2(Http2Server http2, Http2Server.Answer answer) throws Exception {
    HttpClient client = Style.client(Version.HTTP_2, Style.PATIENT);
    http2.answering(answer);
    return client.send(get(http2.uri("/")), BodyHandlers.ofString()).body();
  }

  /** For real they would all be lost; a fault spares those that it does not match. */
  @Test
  void otherStreamsOfTheConnectionComeToTheirEnd() throws Exception {
    try (var http2 = new Http2Server()) {
      HttpClient client = Style.client(Version.HTTP_2, Style.PATIENT);
      client.send(get(http2.uri("/")), BodyHandlers.ofString());
      http2.answering(Http2Server.Answer.BODY);
      try (FaultInjection slow =
              Jinx.inject(target(http2.uri("/")).path("/slow").bandwidth("200B/s"));
          FaultInjection cut = Jinx.inject(target(http2.uri("/")).path("/cut").reset("40B"))) {
        var neighbour = client.sendAsync(get(http2.uri("/slow")), BodyHandlers.ofString());
        await(() -> http2.requests() == 1);
        Observed lost =
            Observed.of(() -> client.send(get(http2.uri("/cut")), BodyHandlers.ofString()).body());
        assertThat(lost.thrown()).isNotEmpty();
        assertThat(neighbour.isDone()).isFalse();

        assertThat(client.send(get(http2.uri("/next")), BodyHandlers.ofString()).body())
            .hasSize(100);
        assertThat(neighbour.get().body()).hasSize(100);
        assertThat(cut.injections()).isEqualTo(1);
      }
    }
  }

  // ---- slow

  @ParameterizedTest
  @EnumSource(Version.class)
  void aSlowBodyHoldsNoThread(Version version) throws Exception {
    ExecutorService one = Executors.newSingleThreadExecutor();
    try (var http2 = new Http2Server()) {
      URI uri = version == Version.HTTP_2 ? http2.uri("/") : server.uri("/");
      http2.answering(Http2Server.Answer.BODY);
      server.answering(RealServer.body(true));
      HttpClient client = HttpClient.newBuilder().version(version).executor(one).build();
      try (FaultInjection fault = Jinx.inject(target(uri).path("/slow").bandwidth("100B/s"))) {
        var slow = new ArrayList<CompletableFuture<HttpResponse<String>>>();
        for (int i = 0; i < 10; i++) {
          slow.add(client.sendAsync(get(uri.resolve("/slow")), BodyHandlers.ofString()));
        }
        await(() -> fault.injections() == 10);
        for (int i = 0; i < 10; i++) {
          var fast = client.sendAsync(get(uri.resolve("/fast")), BodyHandlers.ofString());
          assertThat(fast.get().body()).hasSize(100);
        }
        assertThat(slow).noneMatch(CompletableFuture::isDone);
        for (var each : slow) {
          assertThat(each.get().body()).isEqualTo("0123456789".repeat(10));
        }
      }
    } finally {
      one.shutdown();
    }
  }

  /** A subscriber that asks for one item, and again when it likes. */
  private static final class Reluctant implements Flow.Subscriber<Object> {
    final StringBuilder received = new StringBuilder();
    final CompletableFuture<Flow.Subscription> subscribed = new CompletableFuture<>();
    final CompletableFuture<String> body = new CompletableFuture<>();
    volatile int items;

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      subscribed.complete(subscription);
    }

    @Override
    @SuppressWarnings("NonAtomicVolatileUpdate") // one thread at a time
    public void onNext(Object buffers) {
      for (Object buffer : (List<?>) buffers) {
        received.append(ISO_8859_1.decode((ByteBuffer) buffer));
      }
      items++;
    }

    @Override
    public void onError(Throwable failure) {
      body.completeExceptionally(failure);
    }

    @Override
    public void onComplete() {
      body.complete(received.toString());
    }
  }

  @ParameterizedTest
  @EnumSource(Version.class)
  void aSlowBodyWaitsForItsSubscriber(Version version) throws Exception {
    try (var http2 = new Http2Server()) {
      URI uri = version == Version.HTTP_2 ? http2.uri("/") : server.uri("/");
      http2.answering(Http2Server.Answer.BODY);
      server.answering(RealServer.body(false));
      try (FaultInjection fault = Jinx.inject(target(uri).bandwidth("500B/s"))) {
        var subscriber = new Reluctant();
        var call =
            Style.client(version, Style.PATIENT)
                .sendAsync(get(uri), BodyHandlers.fromSubscriber(subscriber));
        Flow.Subscription subscription = subscriber.subscribed.get();
        for (int items = 1; !subscriber.body.isDone(); items++) {
          int wanted = items;
          subscription.request(1);
          await(() -> subscriber.items == wanted || subscriber.body.isDone());
          assertThat(subscriber.items).isLessThanOrEqualTo(wanted);
        }
        assertThat(subscriber.body.get()).isEqualTo("0123456789".repeat(10));
        assertThat(subscriber.items).isGreaterThan(3);
        call.get();
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Version.class)
  void cancellingTheSubscriptionEndsASlowBody(Version version) throws Exception {
    try (var http2 = new Http2Server()) {
      URI uri = version == Version.HTTP_2 ? http2.uri("/") : server.uri("/");
      http2.answering(Http2Server.Answer.BODY);
      server.answering(RealServer.body(false));
      HttpClient client = Style.client(version, Style.PATIENT);
      try (FaultInjection fault = Jinx.inject(target(uri).path("/slow").bandwidth("20B/s"))) {
        InputStream in =
            client.send(get(uri.resolve("/slow")), BodyHandlers.ofInputStream()).body();
        assertThat(in.read()).isEqualTo('0');
        in.close();

        if (version == Version.HTTP_1_1) {
          await(() -> server.open() == 0);
        }
        assertThat(client.send(get(uri.resolve("/fast")), BodyHandlers.ofString()).body())
            .hasSize(100);
      }
    }
  }

  /** Whatever a client makes of its time-outs while the body trickles. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void timeOutsWhileTheBodyTrickles(boolean chunked) throws IOException {
    Duration haste = Duration.ofMillis(250);
    failing.answering(RealServer.slowBody(chunked, 50));
    server.answering(RealServer.body(chunked));
    for (Style style : new Style[] {Style.SEND, Style.SEND_ASYNC, Style.URL_CONNECTION}) {
      Observed real = Observed.of(() -> style.call("GET", failing.uri("/"), haste));
      try (FaultInjection fault = Jinx.inject(target(server.uri("/")).bandwidth("200B/s"))) {
        Observed injected = Observed.of(() -> style.call("GET", server.uri("/"), haste));

        assertThat(injected.outcome()).as("%s", style).isEqualTo(real.outcome());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aReadThatTakesTooLong(boolean chunked) {
    Duration haste = Duration.ofMillis(300);
    failing.answering(RealServer.slowBody(chunked, 1000));
    server.answering(RealServer.body(chunked));
    Observed real = Observed.of(() -> Style.URL_CONNECTION.call("GET", failing.uri("/"), haste));
    try (FaultInjection fault = Jinx.inject(target(server.uri("/")).bandwidth("1B/s"))) {
      Observed injected =
          Observed.of(() -> Style.URL_CONNECTION.call("GET", server.uri("/"), haste));

      assertThat(injected.outcome()).isEqualTo(real.outcome());
      assertThat(injected.elapsed()).isBetween(haste, haste.plusSeconds(5));
    }
  }
}
