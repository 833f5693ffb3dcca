package dev.jinx.it.dns;

import static dev.jinx.Jinx.dns;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import dev.jinx.FaultInjection;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import dev.jinx.it.real.Observed;
import io.netty.channel.ChannelOption;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDatagramChannel;
import io.netty.resolver.ResolvedAddressTypes;
import io.netty.resolver.dns.DnsAddressResolverGroup;
import io.netty.resolver.dns.DnsNameResolver;
import io.netty.resolver.dns.DnsNameResolverBuilder;
import io.netty.resolver.dns.SequentialDnsServerAddressStreamProvider;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.Promise;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.Exceptions;
import reactor.netty.http.client.HttpClient;

/** Netty's own resolver, on a name server that is there and one that says nothing. */
@Timeout(60)
class NettyResolverTwinIT {
  private static final Duration QUERY = Duration.ofMillis(400);
  private static MultiThreadIoEventLoopGroup loop;
  private static NameServer server;

  @BeforeAll
  static void open() throws Exception {
    loop = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    server = new NameServer();
  }

  @AfterAll
  static void close() {
    server.close();
    var unused = loop.shutdownGracefully(0, 0, SECONDS);
  }

  private static DnsNameResolverBuilder builder() {
    return new DnsNameResolverBuilder(loop.next())
        .datagramChannelType(NioDatagramChannel.class)
        .queryTimeoutMillis(QUERY.toMillis())
        .searchDomains(List.of())
        .nameServerProvider(new SequentialDnsServerAddressStreamProvider(server.address()));
  }

  private static Observed resolve(DnsNameResolver resolver, String host) {
    return Observed.of(() -> resolver.resolve(host).sync().getNow());
  }

  static Stream<Arguments> resolvers() {
    UnaryOperator<DnsNameResolverBuilder> twoServers =
        it ->
            it.nameServerProvider(
                new SequentialDnsServerAddressStreamProvider(server.address(), server.address()));
    UnaryOperator<DnsNameResolverBuilder> oneType =
        it -> it.resolvedAddressTypes(ResolvedAddressTypes.IPV4_ONLY);
    UnaryOperator<DnsNameResolverBuilder> searching =
        it -> it.searchDomains(List.of("one.test", "two.test"));
    return Stream.of(
        argumentSet("one server", UnaryOperator.<DnsNameResolverBuilder>identity(), 1),
        argumentSet("two servers", twoServers, 2),
        argumentSet("one type", oneType, 1),
        argumentSet(
            "few queries",
            (UnaryOperator<DnsNameResolverBuilder>) it -> it.maxQueriesPerResolve(2),
            1),
        argumentSet("search domains", searching, 1));
  }

  @ParameterizedTest
  @MethodSource("resolvers")
  void unknownHost(UnaryOperator<DnsNameResolverBuilder> settings) {
    try (DnsNameResolver resolver = settings.apply(builder()).build()) {
      for (String host : List.of("nowhere", "nowhere.test", "nowhere.test.", "n\u00f6where.test")) {
        Observed real = resolve(resolver, host);
        int asked = server.queries();

        try (FaultInjection fault = Jinx.inject(dns(host).error(NamedError.UNKNOWN_HOST))) {
          assertThat(resolve(resolver, host).outcome()).isEqualTo(real.outcome());
          assertThat(Observed.of(() -> resolver.resolveAll(host).sync().getNow()).outcome())
              .isEqualTo(real.outcome());
          assertThat(fault.injections()).isEqualTo(2);
        }
        assertThat(server.queries()).isEqualTo(asked);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("resolvers")
  void silence(UnaryOperator<DnsNameResolverBuilder> settings, int servers) {
    try (DnsNameResolver resolver = settings.apply(builder()).build()) {
      for (String host : List.of("silent", "silent.test")) {
        Observed real = resolve(resolver, host);

        try (FaultInjection fault = Jinx.inject(dns(host).drop())) {
          Observed injected = resolve(resolver, host);

          assertThat(unnumbered(injected)).isEqualTo(unnumbered(real));
          assertThat(injected.elapsed()).isGreaterThanOrEqualTo(QUERY.multipliedBy(servers));
          assertThat(fault.injections()).isEqualTo(1);
        }
      }
    }
  }

  /** Each query has a number of its own. */
  private static List<String> unnumbered(Observed observed) {
    return observed.thrown().stream()
        .map(it -> String.valueOf(it).replaceAll("\\[\\d+: |'\\d+'", "0"))
        .toList();
  }

  @Test
  void namesThatNeedNoServer() {
    try (DnsNameResolver resolver = builder().build();
        FaultInjection fault = Jinx.inject(dns("*").error(NamedError.UNKNOWN_HOST))) {
      for (String address : List.of("127.0.0.1", "::1", "")) {
        assertThat(resolve(resolver, address).thrown()).isEmpty();
      }
      assertThat(fault.matches()).isZero();

      // it stands in the hosts file
      assertThat(resolve(resolver, "localhost").thrown()).hasSize(2);
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @Test
  void anotherHostIsNotHit() {
    try (DnsNameResolver resolver = builder().build();
        FaultInjection fault = Jinx.inject(dns("other.test").error(NamedError.UNKNOWN_HOST))) {
      assertThat(resolve(resolver, "known.test").thrown()).isEmpty();
      assertThat(fault.matches()).isZero();
    }
  }

  @Test
  void aSlowLookUpHoldsNoEventLoop() throws Exception {
    Duration latency = Duration.ofMillis(1500);
    try (DnsNameResolver resolver = builder().queryTimeoutMillis(10_000).build();
        FaultInjection fault = Jinx.inject(dns("known.test").latency(latency))) {
      long start = System.nanoTime();
      Promise<InetAddress> held = loop.next().newPromise();
      loop.submit(
              () -> {
                var unused = resolver.resolve("known.test", held);
              })
          .sync();

      loop.submit(() -> {}).sync();
      assertThat(held.isDone()).isFalse();
      assertThat(fault.injections()).isEqualTo(1);

      assertThat(held.sync().getNow().isLoopbackAddress()).isTrue();
      assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(latency.toNanos());
    }
  }

  @Test
  void clearingReleasesADroppedLookUp() {
    try (DnsNameResolver resolver = builder().queryTimeoutMillis(300_000).build()) {
      FaultInjection fault = Jinx.inject(dns("known.test").drop());
      Future<InetAddress> held = resolver.resolve("known.test");
      assertThat(held.isDone()).isFalse();

      fault.close();

      assertThat(held.awaitUninterruptibly(10, SECONDS)).isTrue();
      assertThat(held.getNow().isLoopbackAddress()).isTrue();
    }
  }

  @Test
  void cancellingEndsADroppedLookUp() {
    try (DnsNameResolver resolver = builder().queryTimeoutMillis(300_000).build();
        FaultInjection fault = Jinx.inject(dns("known.test").drop().maxActive(1))) {
      Future<InetAddress> held = resolver.resolve("known.test");
      assertThat(fault.injections()).isEqualTo(1);

      held.cancel(false);

      long start = System.nanoTime();
      while (fault.injections() == 1) { // until there is room for another
        assertThat(System.nanoTime() - start).isLessThan(SECONDS.toNanos(20));
        resolver.resolve("known.test").cancel(false);
      }
    }
  }

  @Test
  void anOutcomeIsLost() {
    try (DnsNameResolver resolver = builder().build();
        FaultInjection fault =
            Jinx.inject(dns("known.after").error(NamedError.UNKNOWN_HOST).afterCall().first(1))) {
      int before = server.queries();

      assertThat(resolve(resolver, "known.after").thrown()).hasSize(2);

      assertThat(server.queries()).isGreaterThan(before);
      assertThat(fault.injections()).isEqualTo(1);
      assertThat(resolve(resolver, "known.after").thrown()).isEmpty();
    }
  }

  @Test
  void callersThatShareALookUpAreOneCall() {
    try (DnsAddressResolverGroup group = new DnsAddressResolverGroup(builder());
        FaultInjection fault = Jinx.inject(dns("known.test").latency(Duration.ofMillis(300)))) {
      InetSocketAddress address = InetSocketAddress.createUnresolved("known.test", 80);
      Future<InetSocketAddress> first = group.getResolver(loop.next()).resolve(address);
      Future<InetSocketAddress> second = group.getResolver(loop.next()).resolve(address);

      assertThat(first.syncUninterruptibly().getNow().isUnresolved()).isFalse();
      assertThat(second.syncUninterruptibly().getNow().isUnresolved()).isFalse();
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @Test
  void anHttpClientMeetsItWhereItReallyWould() {
    try (DnsAddressResolverGroup group = new DnsAddressResolverGroup(builder())) {
      HttpClient client =
          HttpClient.newConnection()
              .runOn(loop)
              .resolver(group)
              // which begins with an address, and so does not end a look-up
              .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, 100);
      Observed unknown = get(client, "nowhere.test");
      Observed silent = get(client, "silent.test");

      try (FaultInjection fault = Jinx.inject(dns("nowhere.test").error(NamedError.UNKNOWN_HOST))) {
        assertThat(get(client, "nowhere.test").outcome()).isEqualTo(unknown.outcome());
        assertThat(fault.injections()).isEqualTo(1);
      }
      try (FaultInjection fault = Jinx.inject(dns("silent.test").drop())) {
        Observed dropped = get(client, "silent.test");
        assertThat(unnumbered(dropped)).isEqualTo(unnumbered(silent));
        assertThat(dropped.elapsed()).isGreaterThanOrEqualTo(QUERY);
        assertThat(fault.injections()).isEqualTo(1);
      }
      assertThat(unknown.thrown().get(0).type()).isEqualTo("java.net.UnknownHostException");
      assertThat(silent.elapsed()).isGreaterThanOrEqualTo(QUERY);
    }
  }

  private static Observed get(HttpClient client, String host) {
    return Observed.of(
        () -> {
          try {
            return client.get().uri("http://" + host + "/").response().block();
          } catch (RuntimeException e) {
            throw Exceptions.unwrap(e) instanceof Exception it ? it : e;
          }
        });
  }
}
