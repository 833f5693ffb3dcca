package dev.jinx.it.jdbc;

import static dev.jinx.Jinx.dns;
import static dev.jinx.Jinx.jdbc;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jinx.FaultInjection;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import dev.jinx.it.real.Observed;
import io.r2dbc.spi.Connection;
import io.r2dbc.spi.ConnectionFactories;
import io.r2dbc.spi.ConnectionFactory;
import io.r2dbc.spi.ConnectionFactoryOptions;
import java.net.URI;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** R2DBC is no JDBC, though it speaks to the same database; it is hit through its network. */
@Timeout(60)
class R2dbcIT {
  private static ConnectionFactoryOptions.Builder options(String host) {
    URI server = URI.create(Postgres.server().url().substring("jdbc:".length()));
    return ConnectionFactoryOptions.builder()
        .option(ConnectionFactoryOptions.DRIVER, "postgresql")
        .option(ConnectionFactoryOptions.HOST, host)
        .option(ConnectionFactoryOptions.PORT, server.getPort())
        .option(ConnectionFactoryOptions.USER, "postgres")
        .option(ConnectionFactoryOptions.DATABASE, "postgres");
  }

  private static ConnectionFactory database() {
    return ConnectionFactories.get(options("localhost").build());
  }

  private static @Nullable Integer ask(ConnectionFactory database) {
    return Flux.usingWhen(
            database.create(),
            connection ->
                Flux.from(connection.createStatement("select 1").execute())
                    .flatMap(result -> result.map((row, metadata) -> row.get(0, Integer.class))),
            Connection::close)
        .blockLast(Duration.ofSeconds(20));
  }

  @Test
  void aJdbcFaultDoesNotConcernIt() {
    try (FaultInjection fault =
        Jinx.inject(jdbc("jdbc:postgresql:**").error(NamedError.CONNECTION_LOST))) {
      assertThat(ask(database())).isEqualTo(1);
      assertThat(fault.matches()).isZero();

      assertThatThrownBy(() -> Postgres.server().connect()).isInstanceOf(SQLException.class);
      assertThat(fault.matches()).isEqualTo(1);
    }
  }

  private static Observed connect(ConnectionFactory database) {
    return Observed.of(
        () ->
            Mono.usingWhen(database.create(), connection -> Mono.just(true), Connection::close)
                .block(Duration.ofSeconds(40)));
  }

  @Test
  void anUnknownHost() {
    Observed real = connect(ConnectionFactories.get(options("no-such-host.invalid").build()));

    ConnectionFactory database = database();
    try (FaultInjection fault = Jinx.inject(dns("localhost").error(NamedError.UNKNOWN_HOST))) {
      Observed injected = connect(database);

      // what the machine's own name server says or does not say is the resolver's twin's matter
      assertThat(types(injected).subList(0, 2)).isEqualTo(types(real).subList(0, 2));
      assertThat(injected.thrown().toString())
          .contains("Failed to resolve 'localhost' [A(1), AAAA(28)]");
      assertThat(fault.injections()).isEqualTo(1);
    }
    assertThat(connect(database).thrown()).isEmpty();
  }

  private static List<String> types(Observed observed) {
    return observed.thrown().stream().map(Observed.Thrown::type).toList();
  }

  @Test
  void aSlowLookUp() {
    ConnectionFactory database = database();
    Duration latency = Duration.ofMillis(500);
    try (FaultInjection fault = Jinx.inject(dns("localhost").latency(latency))) {
      Observed slow = connect(database);

      assertThat(slow.thrown()).isEmpty();
      assertThat(slow.elapsed()).isGreaterThanOrEqualTo(latency);
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @Test
  void clearingLetsAHeldConnectGoOn() throws Exception {
    ConnectionFactory database = database();
    FaultInjection fault = Jinx.inject(dns("localhost").drop());
    CompletableFuture<? extends Connection> held = Mono.from(database.create()).toFuture();
    while (fault.injections() == 0) {
      LockSupport.parkNanos(100_000);
    }
    assertThat(held).isNotDone();

    fault.close();

    // the resolver itself would give up after five seconds
    Connection connection = held.get(20, SECONDS);
    assertThat(fault.matches()).isEqualTo(1);
    Mono.from(connection.close()).block(Duration.ofSeconds(20));
  }

  /**
   * Netty's time to connect begins with an address; so for real, as the twin of a silent server.
   */
  @Test
  void aDroppedLookUpIsEndedByTheResolverAndNotByTheTimeToConnect() {
    ConnectionFactory database =
        ConnectionFactories.get(
            options("localhost")
                .option(ConnectionFactoryOptions.CONNECT_TIMEOUT, Duration.ofMillis(100))
                .build());
    try (FaultInjection fault = Jinx.inject(dns("localhost").drop())) {
      Observed dropped = connect(database);

      assertThat(types(dropped))
          .endsWith(
              "java.net.UnknownHostException",
              "io.netty.resolver.dns.DnsNameResolverTimeoutException");
      assertThat(dropped.elapsed()).isGreaterThanOrEqualTo(Duration.ofSeconds(5));
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @Test
  void anotherHostIsNotHit() {
    ConnectionFactory database = database();
    try (FaultInjection fault = Jinx.inject(dns("elsewhere").error(NamedError.UNKNOWN_HOST))) {
      assertThat(ask(database)).isEqualTo(1);
      assertThat(fault.matches()).isZero();
    }
  }
}
