package dev.jinx.it.jdbc;

import static dev.jinx.Jinx.jdbc;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.table;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.jinx.FaultInjection;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jooq.SQLDialect;
import org.jooq.exception.DataAccessException;
import org.jooq.exception.SQLStateClass;
import org.jooq.impl.DSL;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.transaction.TransactionSystemException;

/**
 * Spring, Hibernate and jOOQ over a pool meet the real failure and the injected one: what they
 * throw, what is stored, and what the pool makes of the connection are the same.
 */
@Timeout(120)
class JdbcFrameworksIT {
  private static final Map<Database, HikariDataSource> POOLS = new ConcurrentHashMap<>();

  static Stream<Arguments> failures() {
    return Stream.of(Framework.values())
        .flatMap(
            framework ->
                Stream.of(Postgres.server(), MariaDb.server())
                    .flatMap(
                        database ->
                            database.scenarios().stream()
                                .filter(each -> framework == Framework.SPRING || isQuick(each))
                                .map(each -> Arguments.of(framework, database, each))));
  }

  private static boolean isQuick(Scenario scenario) {
    return !scenario.error().equals("timeout") && !scenario.error().equals("lockTimeout");
  }

  @AfterAll
  static void close() {
    for (HikariDataSource pool : POOLS.values()) {
      Framework.forget(pool);
      pool.close();
    }
    POOLS.clear();
  }

  /** What is left of a transaction that failed. */
  private record Outcome(List<String> failure, boolean replaced) {}

  @ParameterizedTest
  @MethodSource("failures")
  void sameFailureOfTheTransaction(Framework framework, Database database, Scenario scenario)
      throws Exception {
    Outcome real = outcome(framework, database, scenario, scenario.trap());
    Outcome injected =
        outcome(
            framework,
            database,
            scenario,
            victim -> {
              FaultInjection fault =
                  Jinx.inject(
                      jdbc(database.target())
                          .operation(scenario.operation())
                          .error(JdbcTwinIT.error(scenario))
                          .first(1));
              return () -> {
                long hits = fault.injections();
                fault.close();
                assertThat(hits).isEqualTo(1);
              };
            });
    assertThat(injected).isEqualTo(real);
    assertThat(database.balances()).containsExactly(100, 100);
  }

  static Stream<Arguments> failuresToConnect() {
    return Stream.of(Framework.values())
        .flatMap(
            framework ->
                Stream.of(
                    Arguments.of(framework, Postgres.server(), "jdbc:postgresql://localhost:1/x"),
                    Arguments.of(framework, MariaDb.server(), "jdbc:mariadb://localhost:1/x")));
  }

  @ParameterizedTest
  @MethodSource("failuresToConnect")
  void sameFailureToConnect(Framework framework, Database database, String nowhere) {
    List<String> real = failureToConnect(framework, database, nowhere);
    try (FaultInjection fault =
        Jinx.inject(
            jdbc(database.target()).operation("connect").error(NamedError.CONNECTION_LOST))) {
      assertThat(failureToConnect(framework, database, database.url())).isEqualTo(real);
      assertThat(fault.injections()).isPositive();
    }
  }

  private static List<String> failureToConnect(Framework framework, Database database, String url) {
    try (HikariDataSource pool = impatient(database, url)) {
      List<String> failure = failure(() -> framework.transact(pool, connection -> {}));
      Framework.forget(pool);
      return failure;
    }
  }

  /** A pool that starts without its database, and soon gives up asking for it. */
  static HikariDataSource impatient(Database database, String url) {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(url);
    config.setUsername(database.user());
    config.setPassword(database.password());
    config.setMaximumPoolSize(1);
    config.setInitializationFailTimeout(-1);
    config.setConnectionTimeout(250); // the least it takes
    return new HikariDataSource(config);
  }

  @ParameterizedTest
  @MethodSource("dev.jinx.it.jdbc.JdbcWaitingIT#servers")
  void jooqTellsTheStateAndItsClass(Database database) throws Exception {
    try (HikariDataSource pool = JdbcTwinIT.pool(database)) {
      for (NamedError error : List.of(NamedError.DEADLOCK, NamedError.UNIQUE_VIOLATION)) {
        boolean duplicate = error == NamedError.UNIQUE_VIOLATION;
        try (FaultInjection fault =
            Jinx.inject(
                jdbc(database.target())
                    .operation("execute")
                    .table("account")
                    .statement("insert")
                    .error(error))) {
          assertThatThrownBy(
                  () ->
                      DSL.using(pool, SQLDialect.DEFAULT)
                          .insertInto(table("account"), field("id"), field("balance"))
                          .values(3, 100)
                          .execute())
              .isInstanceOfSatisfying(
                  DataAccessException.class,
                  e ->
                      assertThat(e.sqlStateClass())
                          .isEqualTo(
                              duplicate
                                  ? SQLStateClass.C23_INTEGRITY_CONSTRAINT_VIOLATION
                                  : SQLStateClass.C40_TRANSACTION_ROLLBACK));
          assertThat(fault.injections()).isEqualTo(1);
        }
      }
    }
  }

  private static Outcome outcome(
      Framework framework, Database database, Scenario scenario, Scenario.Trap trap)
      throws Exception {
    database.reset();
    HikariDataSource pool = POOLS.computeIfAbsent(database, JdbcTwinIT::pool);
    Object first = physical(database, pool);
    List<AutoCloseable> traps = new ArrayList<>();
    Scenario.Step before =
        victim -> {
          scenario.before().on(victim);
          traps.add(trap.set(victim));
        };
    List<String> failure =
        scenario.operation().equals("commit")
            ? failure(() -> framework.transact(pool, before))
            : failure(() -> framework.transact(pool, before, scenario.act()));
    for (AutoCloseable each : traps) {
      each.close();
    }
    boolean replaced = !physical(database, pool).equals(first);
    pool.getHikariPoolMXBean().softEvictConnections(); // its settings are no longer the default
    return new Outcome(failure, replaced);
  }

  private static List<String> failure(Runnable work) {
    try {
      work.run();
    } catch (RuntimeException e) {
      List<String> lines = Observation.describe(e);
      if (e instanceof TransactionSystemException system && system.getOriginalException() != null) {
        lines.addAll(Observation.describe(system.getOriginalException()));
      }
      // a wrapper's message ends after the details that only the real one has
      return lines.stream().map(line -> line.replace("] [n/a]", "")).toList();
    }
    return List.of("nothing failed");
  }

  private static Object physical(Database database, HikariDataSource pool) throws SQLException {
    try (Connection connection = pool.getConnection()) {
      return connection.unwrap(database.connectionClass());
    }
  }
}
