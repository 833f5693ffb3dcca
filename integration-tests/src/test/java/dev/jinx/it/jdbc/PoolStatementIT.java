package dev.jinx.it.jdbc;

import static dev.jinx.Jinx.jdbc;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.FaultInjection;
import dev.jinx.JdbcFault;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import dev.jinx.it.jdbc.PoolKind.Pool;
import dev.jinx.it.jdbc.PoolKind.Settings;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Through pools and wrappers, a fault hits the driver's call, once; and what they make of the
 * connection is the same after the real failure and the injected one.
 */
@Timeout(120)
class PoolStatementIT {
  private static final String UPDATE = "update account set balance = ? where id = ?";

  static Stream<Arguments> pools() {
    return Stream.of(Postgres.server(), MariaDb.server())
        .flatMap(database -> Pools.all().map(kind -> Arguments.of(database, kind)));
  }

  // ---- one statement, one hit

  @ParameterizedTest
  @MethodSource("pools")
  void eachStatementIsOneCall(Database database, PoolKind kind) throws Exception {
    String update = "update account set balance = 5 where id = 1";
    try (Pool pool = kind.open(Settings.of(database));
        Connection connection = pool.getConnection()) {
      connection.setAutoCommit(false);
      try (Count count = new Count(database, "execute");
          Statement statement = connection.createStatement()) {
        statement.execute(update);
        statement.execute(update, Statement.NO_GENERATED_KEYS);
        statement.execute(update, new String[0]);
        statement.executeUpdate(update);
        statement.executeUpdate(update, Statement.NO_GENERATED_KEYS);
        statement.executeQuery("select 1").close();
        count.is(6);
      }
      try (Count prepares = new Count(database, "prepare");
          Count executes = new Count(database, "execute");
          Count batches = new Count(database, "batch");
          PreparedStatement statement = connection.prepareStatement(UPDATE)) {
        statement.setInt(1, 7);
        statement.setInt(2, 1);
        statement.execute();
        statement.executeUpdate();
        statement.addBatch();
        statement.executeBatch();
        prepares.is(1);
        executes.is(2);
        batches.is(1);
      }
      try (Count count = new Count(database, "batch");
          Statement statement = connection.createStatement()) {
        statement.addBatch(update);
        statement.addBatch(update);
        statement.executeBatch();
        count.is(1);
      }
      try (Count count = new Count(database, "commit", "rollback")) {
        connection.commit();
        connection.rollback();
        count.is(2);
      }
      try (Count count = new Count(database, "isValid")) {
        connection.isValid(1);
        count.is(1);
      }
    }
  }

  /** Counts calls by a fault that never comes to hit them. */
  private record Count(FaultInjection fault) implements AutoCloseable {
    Count(Database database, String... operations) {
      this(
          Jinx.inject(
              jdbc(database.target())
                  .operation(operations)
                  .latency(Duration.ofMillis(1))
                  .skip(1000)));
    }

    void is(int calls) {
      assertThat(fault.matches()).isEqualTo(calls);
      assertThat(fault.injections()).isZero();
    }

    @Override
    public void close() {
      fault.close();
    }
  }

  // ---- what becomes of the connection

  static Stream<Arguments> failures() {
    return pools()
        .flatMap(
            each ->
                scenarios((Database) each.get()[0])
                    .map(scenario -> Arguments.of(each.get()[0], each.get()[1], scenario)));
  }

  private static Stream<Scenario> scenarios(Database database) {
    Stream<Scenario> own =
        database.scenarios().stream()
            .filter(each -> List.of("execute", "commit").contains(each.operation()))
            .filter(each -> List.of("connectionLost", "deadlock").contains(each.error()));
    return database == Postgres.server() ? Stream.concat(own, Stream.of(timeout(database))) : own;
  }

  /** By a timeout of the server's, which need not last a second. */
  private static Scenario timeout(Database database) {
    return new Scenario(
        "timeout",
        Database.inTransaction("select 1"),
        victim -> {
          Database.run(victim, "set local statement_timeout = '20ms'");
          return () -> {};
        },
        Database.runs(database.slowQuery()));
  }

  /**
   * What an application sees of a connection that a pool gave it, and of the pool after it.
   *
   * @param failure of the statement
   * @param isClosed of the connection then
   * @param close how giving it back ends
   * @param kept whether the next borrower gets the same physical one
   * @param next how the next borrower's statement ends
   */
  private record Fate(
      List<String> failure, boolean isClosed, String close, boolean kept, List<String> next) {}

  @ParameterizedTest
  @MethodSource("failures")
  void sameFate(Database database, PoolKind kind, Scenario scenario) throws Exception {
    Fate real = fate(database, kind, scenario, scenario.trap());
    JdbcFault fault =
        jdbc(database.target()).operation(scenario.operation()).error(error(scenario)).first(1);
    Fate injected =
        fate(
            database,
            kind,
            scenario,
            victim -> {
              FaultInjection armed = Jinx.inject(fault);
              return () -> {
                assertThat(armed.injections()).as("one statement, one hit").isEqualTo(1);
                armed.close();
              };
            });
    assertThat(injected).isEqualTo(real);
  }

  private static NamedError error(Scenario scenario) {
    return Stream.of(NamedError.values())
        .filter(each -> each.json().equals(scenario.error()))
        .findFirst()
        .orElseThrow();
  }

  private static Fate fate(Database database, PoolKind kind, Scenario scenario, Scenario.Trap trap)
      throws Exception {
    database.reset();
    try (Pool pool = kind.open(Settings.of(database))) {
      Connection first = pool.getConnection();
      Object physical = first.unwrap(database.connectionClass());
      scenario.before().on(first);
      AutoCloseable armed = trap.set(first);
      List<String> failure = new ArrayList<>(Observation.failure(first, scenario.act()));
      // PostgreSQL says there whose timeout it was
      failure.replaceAll(each -> each.replaceFirst("statement due to .*", "statement"));
      boolean closed = first.isClosed();
      List<String> close = Observation.failure(first, Connection::close);
      armed.close();
      List<Object> kept = new ArrayList<>();
      List<String> next = next(pool, database, kept);
      return new Fate(failure, closed, close.toString(), kept.contains(physical), next);
    }
  }

  private static List<String> next(Pool pool, Database database, List<Object> physical) {
    try (Connection second = pool.getConnection()) {
      physical.add(second.unwrap(database.connectionClass()));
      return Observation.failure(second, it -> Database.run(it, "select 1"));
    } catch (SQLException e) {
      return Observation.describe(e);
    }
  }

  // ---- is it still there?

  @ParameterizedTest
  @MethodSource("pools")
  void anIdleConnectionThatIsNotValidIsReplaced(Database database, PoolKind kind) throws Exception {
    try (Pool pool = kind.open(Settings.of(database).validating())) {
      Object first;
      try (Connection connection = pool.getConnection()) {
        first = connection.unwrap(database.connectionClass());
      }
      // HikariCP looks at one that has been idle for a millisecond
      long idle = System.nanoTime() + Duration.ofMillis(5).toNanos();
      Database.until(() -> System.nanoTime() - idle > 0);
      try (FaultInjection fault =
              Jinx.inject(
                  jdbc(database.target())
                      .operation("isValid")
                      .error(NamedError.CONNECTION_LOST)
                      .first(1));
          Connection connection = pool.getConnection()) {
        assertThat(fault.injections()).isEqualTo(1);
        assertThat(connection.unwrap(database.connectionClass())).isNotSameAs(first);
        Database.run(connection, "select 1");
      }
    }
  }
}
