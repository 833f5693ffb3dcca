package dev.jinx.it.jdbc;

import static dev.jinx.Jinx.jdbc;
import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.jinx.FaultInjection;
import dev.jinx.JdbcFault;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import dev.jinx.it.real.GeneratedTable;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Each driver meets the real failure and the injected one: what it throws, what becomes of the
 * connection and of the transaction, and what a pool makes of it are the same.
 */
@Timeout(120)
class JdbcTwinIT {
  private static final List<NamedError> ON_CONNECT =
      List.of(NamedError.CONNECTION_LOST, NamedError.TOO_MANY_CONNECTIONS, NamedError.AUTH_FAILED);
  private static final List<NamedError> ON_EXECUTE =
      List.of(
          NamedError.CONNECTION_LOST,
          NamedError.TIMEOUT,
          NamedError.DEADLOCK,
          NamedError.SERIALIZATION_FAILURE,
          NamedError.LOCK_TIMEOUT,
          NamedError.READ_ONLY,
          NamedError.UNIQUE_VIOLATION,
          NamedError.DISK_FULL);
  private static final GeneratedTable TABLE = new GeneratedTable("jdbc", "operation, error");

  @AfterAll
  static void writeTheTable() {
    TABLE.write(true);
  }

  /**
   * @param failure as observed
   */
  private static void note(
      Database database, String operation, NamedError error, List<String> failure, String twin) {
    String[] words = failure.get(0).split(" ", 4); // class, SQLState, vendor code, message
    String name = words[0].substring(words[0].lastIndexOf('.') + 1);
    String state = words[1].equals("null") ? "" : " " + words[1];
    String code = words[2].equals("0") || words[2].equals(words[1]) ? "" : " (" + words[2] + ")";
    TABLE.note(
        operation + " " + error.json(),
        database.toString(),
        name + state + code + twin,
        (there, now) -> there.contains(now) ? there : there + "; " + now);
  }

  static Stream<Arguments> failures() {
    return Databases.all()
        .flatMap(
            database -> database.scenarios().stream().map(each -> Arguments.of(database, each)));
  }

  static Stream<Arguments> failuresToConnect() {
    return Databases.all()
        .flatMap(
            database ->
                database.connectScenarios().stream().map(each -> Arguments.of(database, each)));
  }

  static NamedError error(Scenario scenario) {
    return Arrays.stream(NamedError.values())
        .filter(each -> each.json().equals(scenario.error()))
        .findFirst()
        .orElseThrow();
  }

  private static JdbcFault fault(Database database, Scenario scenario) {
    return jdbc(database.target()).operation(scenario.operation()).error(error(scenario)).first(1);
  }

  @ParameterizedTest
  @MethodSource("failures")
  void sameException_sameConnection(Database database, Scenario scenario) throws Exception {
    Observation real = real(database, scenario);

    database.reset();
    Observation injected;
    long hits;
    try (Connection victim = database.connect()) {
      scenario.before().on(victim);
      try (FaultInjection fault = Jinx.inject(fault(database, scenario))) {
        injected = Observation.of(victim, scenario.act());
        hits = fault.injections();
      }
    }

    assertThat(injected.failure()).as("exception").isEqualTo(real.failure());
    assertThat(injected.after()).as("afterwards").isEqualTo(real.after());
    assertThat(hits).isEqualTo(1);
    note(database, scenario.operation(), error(scenario), injected.failure(), ", twin");
  }

  private static Observation real(Database database, Scenario scenario) throws Exception {
    database.reset();
    try (Connection victim = database.connect()) {
      scenario.before().on(victim);
      AutoCloseable trap = scenario.trap().set(victim);
      Observation real = Observation.of(victim, scenario.act());
      if (!victim.isClosed() && !victim.getAutoCommit()) {
        victim.rollback();
      }
      trap.close();
      return real;
    }
  }

  static Stream<Arguments> failuresInTransaction() {
    List<String> errors = List.of("deadlock", "lockTimeout", "uniqueViolation", "timeout");
    return failures().filter(each -> errors.contains(((Scenario) each.get()[1]).error()));
  }

  @ParameterizedTest
  @MethodSource("failuresInTransaction")
  void sameFateOfTheTransaction(Database database, Scenario scenario) throws Exception {
    List<Object> real;
    database.reset();
    try (Connection victim = database.connect()) {
      scenario.before().on(victim);
      AutoCloseable trap = scenario.trap().set(victim);
      real = commitAfter(scenario, victim, trap);
    }
    real.add(database.balances());

    List<Object> injected;
    database.reset();
    try (Connection victim = database.connect()) {
      scenario.before().on(victim);
      injected = commitAfter(scenario, victim, Jinx.inject(fault(database, scenario)));
    }
    injected.add(database.balances());

    assertThat(injected).isEqualTo(real);
  }

  private static List<Object> commitAfter(Scenario scenario, Connection victim, AutoCloseable trap)
      throws Exception {
    List<Object> seen = new ArrayList<>();
    seen.add(Observation.failure(victim, scenario.act()));
    seen.add(Observation.failure(victim, Connection::commit));
    trap.close();
    return seen;
  }

  @ParameterizedTest
  @MethodSource("failures")
  void samePool(Database database, Scenario scenario) throws Exception {
    database.reset();
    boolean evictedForReal = isEvicted(database, scenario, scenario.trap());
    database.reset();
    boolean evicted =
        isEvicted(
            database,
            scenario,
            victim -> {
              FaultInjection fault = Jinx.inject(fault(database, scenario));
              return () -> {
                long hits = fault.injections();
                fault.close();
                assertThat(hits).as("one statement, one hit").isEqualTo(1);
              };
            });

    assertThat(evicted).isEqualTo(evictedForReal);
    if (!(database instanceof H2)) { // whose states the pool does not know
      assertThat(evicted).isEqualTo(database.isGivenUp(scenario));
    }
  }

  private static boolean isEvicted(Database database, Scenario scenario, Scenario.Trap trap)
      throws Exception {
    try (HikariDataSource pool = pool(database)) {
      Connection first = pool.getConnection();
      Object physical = first.unwrap(database.connectionClass());
      scenario.before().on(first);
      AutoCloseable armed = trap.set(first);
      assertThat(Observation.failure(first, scenario.act()).get(0)).isNotEqualTo("nothing failed");
      boolean dead = first.isClosed();
      try {
        first.close();
      } catch (SQLException e) {
        // H2 cannot roll a closed connection back
      }
      armed.close();
      return dead || !next(database, pool).equals(List.of(physical));
    }
  }

  private static List<Object> next(Database database, HikariDataSource pool) {
    try (Connection connection = pool.getConnection()) {
      return List.of(connection.unwrap(database.connectionClass()));
    } catch (SQLException e) {
      return List.of(); // a dead one was handed out once more
    }
  }

  static HikariDataSource pool(Database database) {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(database.url());
    config.setUsername(database.user());
    config.setPassword(database.password());
    config.setMaximumPoolSize(1);
    return new HikariDataSource(config);
  }

  @ParameterizedTest
  @MethodSource("failuresToConnect")
  void sameFailureToConnect(Database database, Scenario scenario) throws Exception {
    List<String> real;
    List<String> injected;
    try (Connection other = database.connect()) {
      try (AutoCloseable trap = scenario.trap().set(other)) {
        real = Observation.failure(other, scenario.act());
      }
      JdbcFault fault =
          jdbc(database.target()).operation(scenario.operation()).error(error(scenario));
      try (FaultInjection armed = Jinx.inject(fault)) {
        injected = Observation.failure(other, none -> database.connect().close());
        assertThat(armed.injections()).isEqualTo(1);
      }
    }

    assertThat(injected).isEqualTo(real);
    note(database, scenario.operation(), error(scenario), injected, ", twin");
  }

  static Stream<Database> databases() {
    return Databases.all();
  }

  /** What no test here makes happen for real: told by the table without a twin. */
  @ParameterizedTest
  @MethodSource("databases")
  void everyErrorIsAnSqlException(Database database) throws Exception {
    database.reset();
    for (NamedError error : ON_CONNECT) {
      spelled(database, "connect", error, none -> database.connect().close());
    }
    for (NamedError error : ON_EXECUTE) {
      spelled(
          database, "execute", error, Database.runs("update account set balance = 0 where id = 1"));
    }
  }

  private static void spelled(
      Database database, String operation, NamedError error, Scenario.Step act) throws Exception {
    if (hasTwin(database, operation, error)) {
      return;
    }
    JdbcFault fault = jdbc(database.target()).operation(operation).error(error).first(1);
    try (Connection victim = database.connect();
        FaultInjection armed = Jinx.inject(fault)) {
      List<String> failure = Observation.failure(victim, act);
      assertThat(failure.get(0)).contains("SQL");
      assertThat(armed.injections()).isEqualTo(1);
      note(database, operation, error, failure, "");
    }
  }

  private static boolean hasTwin(Database database, String operation, NamedError error) {
    return Stream.concat(database.scenarios().stream(), database.connectScenarios().stream())
        .anyMatch(each -> each.operation().equals(operation) && each.error().equals(error.json()));
  }
}
