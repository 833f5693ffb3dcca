package dev.jinx.it.jdbc;

import static dev.jinx.Jinx.jdbc;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import dev.jinx.FaultInjection;
import dev.jinx.JdbcFault;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.LockModeType;
import jakarta.persistence.PersistenceException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.hibernate.Session;
import org.hibernate.SessionFactory;
import org.hibernate.TransactionException;
import org.hibernate.exception.ConstraintViolationException;
import org.hibernate.exception.GenericJDBCException;
import org.hibernate.exception.JDBCConnectionException;
import org.hibernate.exception.LockAcquisitionException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What Hibernate's sessions make of the failures of the statements that they write themselves. */
@Timeout(60)
class HibernateIT {

  @Entity(name = "account")
  static class Account {
    @Id int id;
    int balance;

    Account() {}

    Account(int id) {
      this.id = id;
      balance = 100;
    }
  }

  private static final List<String> ERRORS =
      List.of("deadlock", "serializationFailure", "uniqueViolation", "connectionLost");

  private static final Map<Database, HikariDataSource> POOLS = new HashMap<>();

  static Stream<Database> servers() {
    return Stream.of(Postgres.server(), MariaDb.server());
  }

  private static HikariDataSource pool(Database database) {
    return POOLS.computeIfAbsent(database, JdbcTwinIT::pool);
  }

  private static SessionFactory sessions(Database database) {
    return Framework.sessions(pool(database), Account.class);
  }

  @BeforeEach
  void reset() throws SQLException {
    Postgres.server().reset();
    MariaDb.server().reset();
  }

  @AfterAll
  static void close() {
    for (HikariDataSource pool : POOLS.values()) {
      Framework.forget(pool);
      pool.close();
    }
    POOLS.clear();
  }

  private static JdbcFault on(Database database, String operation, NamedError error) {
    return jdbc(database.target()).operation(operation).table("account").error(error);
  }

  private static Class<?> name(Database database, Scenario scenario) {
    return switch (scenario.error()) {
      case "deadlock", "serializationFailure" -> LockAcquisitionException.class;
      case "uniqueViolation" -> ConstraintViolationException.class;
      default ->
          database instanceof Postgres // whose 57P01 it does not know
              ? GenericJDBCException.class
              : JDBCConnectionException.class;
    };
  }

  static Stream<Arguments> failures() {
    return servers()
        .flatMap(
            database ->
                database.scenarios().stream()
                    .filter(each -> each.operation().equals("execute"))
                    .filter(each -> ERRORS.contains(each.error()))
                    .map(each -> Arguments.of(database, each)));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void aChangeThatIsFlushedFailsAsForReal(Database database, Scenario scenario) throws Exception {
    List<String> real = failureOfFlush(database, scenario, scenario.trap());
    database.reset();
    List<String> injected =
        failureOfFlush(
            database,
            scenario,
            victim -> {
              FaultInjection fault =
                  Jinx.inject(on(database, "batch", JdbcTwinIT.error(scenario)).first(1));
              return () -> {
                long hits = fault.injections();
                fault.close();
                assertThat(hits).isEqualTo(1);
              };
            });
    assertThat(injected).isEqualTo(real);
    assertThat(injected)
        .anySatisfy(line -> assertThat(line).contains(name(database, scenario).getName()));
    assertThat(database.balances()).containsExactly(100, 100);
  }

  private static List<String> failureOfFlush(
      Database database, Scenario scenario, Scenario.Trap trap) throws Exception {
    SessionFactory sessions = sessions(database);
    List<AutoCloseable> traps = new ArrayList<>();
    try (Session session = sessions.openSession()) {
      session.beginTransaction();
      session.doWork(connection -> Framework.did(scenario.before(), connection));
      if (scenario.error().equals("uniqueViolation")) {
        session.persist(new Account(3));
      } else {
        session.find(Account.class, scenario.error().equals("deadlock") ? 2 : 1).balance--;
      }
      session.doWork(connection -> Framework.did(c -> traps.add(trap.set(c)), connection));
      try {
        session.flush();
        return List.of("nothing failed");
      } catch (PersistenceException e) {
        // the end of a wrapper's message comes after the details that only the real one has
        return Observation.describe(e).stream()
            .map(line -> line.replaceAll(" {2}Call getNext.*| \\[(insert|update) .*", ""))
            .toList();
      }
    } finally {
      for (AutoCloseable each : traps) {
        each.close();
      }
      pool(database).getHikariPoolMXBean().softEvictConnections(); // its settings are changed
    }
  }

  @ParameterizedTest
  @MethodSource("servers")
  void aBatchOfInsertsFailsAsOne(Database database) throws Exception {
    try (FaultInjection fault =
        Jinx.inject(on(database, "batch", NamedError.DEADLOCK).statement("insert"))) {
      assertThatThrownBy(() -> persist(database, 3, 4, 5))
          .hasRootCauseInstanceOf(SQLException.class)
          .satisfies(
              e ->
                  assertThat(Observation.describe(e).toString())
                      .contains(LockAcquisitionException.class.getName()));
      assertThat(fault.injections()).isEqualTo(1);
    }
    assertThat(count(database)).isEqualTo(2);
    persist(database, 3, 4, 5);
    assertThat(count(database)).isEqualTo(5);
  }

  private static void persist(Database database, int... ids) {
    sessions(database)
        .inTransaction(
            session -> {
              for (int id : ids) {
                session.persist(new Account(id));
              }
            });
  }

  @ParameterizedTest
  @MethodSource("servers")
  void readingOnFailsInTheMidstOfTheRows(Database database) throws Exception {
    persist(database, 3, 4, 5);
    try (Session session = sessions(database).openSession();
        FaultInjection fault =
            Jinx.inject(on(database, "next", NamedError.CONNECTION_LOST).skip(2).first(1))) {
      session.beginTransaction();
      try (var rows =
          session.createSelectionQuery("from account", Account.class).setFetchSize(2).scroll()) {
        assertThat(rows.next()).isTrue();
        assertThat(rows.next()).isTrue();
        assertThatThrownBy(rows::next).isInstanceOf(PersistenceException.class);
      }
      assertThat(fault.injections()).isEqualTo(1);
    }
    assertThat(count(database)).isEqualTo(5);
  }

  @ParameterizedTest
  @MethodSource("servers")
  void aLockThatIsNotHadInTime(Database database) {
    try (Session session = sessions(database).openSession();
        FaultInjection fault =
            Jinx.inject(
                on(database, "execute", NamedError.LOCK_TIMEOUT).sql("*for*update*").first(1))) {
      session.beginTransaction();
      assertThatThrownBy(() -> session.find(Account.class, 1, LockModeType.PESSIMISTIC_WRITE))
          .isInstanceOf(PersistenceException.class)
          .hasRootCauseInstanceOf(SQLException.class);
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @MethodSource("servers")
  void aCommitThatLosesItsConnectionStoresNothing(Database database) throws Exception {
    try (FaultInjection fault =
        Jinx.inject(
            jdbc(database.target()).operation("commit").error(NamedError.CONNECTION_LOST))) {
      assertThatThrownBy(() -> persist(database, 3)).isInstanceOf(TransactionException.class);
      assertThat(fault.injections()).isEqualTo(1);
    }
    assertThat(count(database)).isEqualTo(2);
  }

  private static int count(Database database) throws SQLException {
    try (Connection connection = database.connect()) {
      return Database.number(connection, "select count(*) from account");
    }
  }
}
