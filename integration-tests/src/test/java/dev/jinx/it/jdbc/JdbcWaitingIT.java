package dev.jinx.it.jdbc;

import static dev.jinx.Jinx.jdbc;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.FaultInjection;
import dev.jinx.JdbcFault;
import dev.jinx.Jinx;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.FutureTask;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** How a JDBC call that is held ends: by its own time limits, when it is cancelled or closed. */
@Timeout(120)
class JdbcWaitingIT {
  static Stream<Database> databases() {
    return JdbcIT.databases();
  }

  /** Derby's driver has no {@code cancel}. */
  static Stream<Database> cancellable() {
    return databases().filter(each -> each != Derby.EMBEDDED);
  }

  static Stream<Database> servers() {
    return Stream.of(Postgres.server(), MariaDb.server(), MySql.server());
  }

  private static JdbcFault on(Database database, String... operations) {
    return jdbc(database.target()).operation(operations);
  }

  @ParameterizedTest
  @MethodSource("databases")
  void theQueryTimeoutEndsADelayAndADrop(Database database) throws Exception {
    List<String> real;
    try (AutoCloseable stalling = database.stall()) {
      real = timedOut(database, database.stalled());
    }
    for (JdbcFault slow :
        List.of(
            on(database, "execute").latency(Duration.ofSeconds(20)),
            on(database, "execute").drop())) {
      try (FaultInjection fault = Jinx.inject(slow.statement("select"))) {
        assertThat(timedOut(database, Database.QUERY)).isEqualTo(real);
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }

  private static List<String> timedOut(Database database, String sql) throws SQLException {
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      statement.setQueryTimeout(1);
      long start = System.nanoTime();
      List<String> failure = Observation.failure(connection, c -> statement.execute(sql));
      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .isBetween(Duration.ofMillis(900), Duration.ofSeconds(10));
      return failure;
    }
  }

  @ParameterizedTest
  @MethodSource("servers")
  void theNetworkTimeoutEndsADrop(Database database) throws Exception {
    Observation real;
    try (Connection connection = impatient(database)) {
      real = Observation.of(connection, c -> Database.run(c, database.slowQuery()));
    }
    Observation injected;
    try (Connection connection = impatient(database);
        FaultInjection fault =
            Jinx.inject(on(database, "execute").sql("select ?").first(1).drop())) {
      injected = Observation.of(connection, c -> Database.run(c, "select 2"));
    }
    assertThat(injected).isEqualTo(real);
  }

  private static Connection impatient(Database database) throws SQLException {
    return Database.connect(database.withNetworkTimeout(), database.user(), database.password());
  }

  @ParameterizedTest
  @MethodSource("databases")
  void clearingAFaultLetsAHeldCallGoOn(Database database) throws Exception {
    try (Connection connection = database.connect()) {
      FaultInjection fault = Jinx.inject(on(database, "execute").drop());
      CompletableFuture<Integer> held =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  return Database.number(connection, Database.QUERY);
                } catch (SQLException e) {
                  throw new IllegalStateException(e);
                }
              });
      Database.until(() -> fault.injections() == 1);
      assertThat(held).isNotDone();
      fault.close();
      assertThat(held.get(5, SECONDS)).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @MethodSource("cancellable")
  void cancelEndsAHeldStatement(Database database) throws Exception {
    List<String> real = cancelled(database, database.slowQuery(), database::isRunning);
    try (FaultInjection fault =
        Jinx.inject(on(database, "execute").sql("values (?)").first(1).drop())) {
      List<String> injected =
          cancelled(database, Database.QUERY, held -> fault.injections() == 1 && isParked(held));
      if (database instanceof MySql && real.get(0).contains("70100")) {
        // a race for real: Connector/J notes that it cancels after the server was told
        real = List.of(MySql.CANCELLED);
      }
      assertThat(injected).isEqualTo(real);
    }
  }

  private interface Running {
    boolean on(Thread thread) throws Exception;
  }

  private static boolean isParked(Thread thread) {
    return thread.getState() != Thread.State.RUNNABLE;
  }

  private static List<String> cancelled(Database database, String sql, Running running)
      throws Exception {
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      FutureTask<List<String>> held =
          new FutureTask<>(() -> Observation.failure(connection, c -> statement.execute(sql)));
      Thread thread = new Thread(held, "held");
      thread.start();
      Database.until(() -> running.on(thread));
      // a cancel that comes too early is lost, for real too
      Database.until(
          () -> {
            statement.cancel();
            return held.isDone();
          });
      return held.get(10, SECONDS);
    }
  }

  @ParameterizedTest
  @MethodSource("servers") // H2 does nothing on abort
  void abortEndsAHeldStatement(Database database) throws Exception {
    try (FaultInjection fault =
        Jinx.inject(on(database, "execute").sql("select ?").first(1).drop())) {
      Connection connection = database.connect();
      CompletableFuture<List<String>> held =
          CompletableFuture.supplyAsync(
              () -> Observation.failure(connection, c -> Database.run(c, "select 2")));
      Database.until(() -> fault.injections() == 1);
      connection.abort(Runnable::run);
      assertThat(held.get(10, SECONDS).get(0)).contains("Exception");
      assertThat(connection.isClosed()).isTrue();
    }
  }
}
