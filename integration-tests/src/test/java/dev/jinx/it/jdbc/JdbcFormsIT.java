package dev.jinx.it.jdbc;

import static dev.jinx.Jinx.jdbc;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jinx.FaultInjection;
import dev.jinx.JdbcFault;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.sql.Types;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Less common ways to talk to a database: one decision each, and the text is known. */
@Timeout(60)
class JdbcFormsIT {
  private static final String INSERT = "insert into account values (?, 1)";

  static Stream<Database> databases() {
    return JdbcIT.databases();
  }

  static Stream<Database> withFunctions() {
    return Stream.of(Postgres.server(), MariaDb.server(), MySql.server(), H2.EMBEDDED);
  }

  static Stream<Database> servers() {
    return Stream.of(Postgres.server(), MariaDb.server(), MySql.server(), H2.server());
  }

  @BeforeEach
  void reset() throws SQLException {
    for (Database database : databases().toList()) {
      database.reset();
    }
  }

  /** One that looks and never hits. */
  private static JdbcFault watch(Database database, String... operations) {
    return jdbc(database.target()).operation(operations).latency(Duration.ofMillis(1)).skip(100000);
  }

  @ParameterizedTest
  @MethodSource("withFunctions")
  void aCallIsDecidedOnOnceWithItsText(Database database) throws Exception {
    try (Connection connection = database.connect();
        CallableStatement call = connection.prepareCall("{? = call abs(?)}")) {
      call.registerOutParameter(1, Types.INTEGER);
      call.setInt(2, -3);
      try (FaultInjection all = Jinx.inject(watch(database, "execute"));
          // MariaDB's and MySQL's drivers send the call of a function as a query
          FaultInjection calls =
              Jinx.inject(watch(database, "execute").statement("call", "select"))) {
        call.execute();
        assertThat(call.getInt(1)).isEqualTo(3);
        assertThat(all.matches()).isEqualTo(1);
        assertThat(calls.matches()).isEqualTo(1);
      }
      try (FaultInjection fault =
          Jinx.inject(
              jdbc(database.target())
                  .operation("execute")
                  .statement("call", "select")
                  .error(NamedError.LOCK_TIMEOUT)
                  .first(1))) {
        assertThatThrownBy(call::execute).isInstanceOf(SQLException.class);
        assertThat(fault.injections()).isEqualTo(1);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("databases")
  void generatedKeysAndLargeUpdatesAreDecidedOnOnce(Database database) throws Exception {
    try (Connection connection = database.connect();
        FaultInjection fault = Jinx.inject(watch(database, "execute", "batch").table("account"));
        PreparedStatement insert =
            connection.prepareStatement(INSERT, Statement.RETURN_GENERATED_KEYS)) {
      insert.setInt(1, 3);
      insert.executeUpdate();
      insert.getGeneratedKeys().close();
      assertThat(fault.matches()).isEqualTo(1);
      insert.setInt(1, 4);
      insert.executeLargeUpdate();
      assertThat(fault.matches()).isEqualTo(2);
      insert.setInt(1, 5);
      insert.addBatch();
      insert.executeLargeBatch();
      assertThat(fault.matches()).isEqualTo(3);
      assertThat(fault.injections()).isZero();
    }
  }

  @ParameterizedTest
  @MethodSource("databases")
  void savepointsAreStatementsAndRollbacks(Database database) throws Exception {
    String update = "update account set balance = 7 where id = ";
    try (Connection connection = database.connect()) {
      connection.setAutoCommit(false);
      Database.run(connection, update + 1);
      try (FaultInjection executed = Jinx.inject(watch(database, "execute"));
          FaultInjection savepoints = Jinx.inject(watch(database, "execute").sql("savepoint"));
          FaultInjection rolledBack = Jinx.inject(watch(database, "rollback"))) {
        Savepoint savepoint = connection.setSavepoint("half");
        Database.run(connection, update + 2);
        connection.rollback(savepoint);
        assertThat(executed.matches()).isEqualTo(2);
        assertThat(savepoints.matches()).isEqualTo(1);
        assertThat(rolledBack.matches()).isEqualTo(1);
      }
      connection.commit();
    }
    assertThat(database.balances()).containsExactly(7, 100);
  }

  @ParameterizedTest
  @MethodSource("servers")
  void aFailedSavepointLeavesTheTransaction(Database database) throws Exception {
    try (Connection connection = database.connect();
        FaultInjection fault =
            Jinx.inject(
                jdbc(database.target())
                    .operation("execute")
                    .sql("savepoint")
                    .error(NamedError.LOCK_TIMEOUT)
                    .first(1))) {
      connection.setAutoCommit(false);
      Database.run(connection, "update account set balance = 7 where id = 1");
      assertThatThrownBy(connection::setSavepoint).isInstanceOf(SQLException.class);
      assertThat(fault.injections()).isEqualTo(1);
      connection.rollback();
    }
    assertThat(database.balances()).containsExactly(100, 100);
  }

  @ParameterizedTest
  @MethodSource("databases")
  void rowsBreakOffWhereAsked(Database database) throws Exception {
    JdbcFault next = jdbc(database.target()).operation("next").table("account");
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement();
        FaultInjection fault = Jinx.inject(next.error(NamedError.TIMEOUT).skip(1))) {
      ResultSet rows = statement.executeQuery("select id from account order by id");
      assertThat(rows.next()).isTrue();
      assertThat(rows.getInt(1)).isEqualTo(1);
      assertThatThrownBy(rows::next).isInstanceOf(SQLException.class);
      assertThat(fault.injections()).isEqualTo(1);
    }
    // nothing of it is left
    try (Connection connection = database.connect()) {
      assertThat(Database.number(connection, "select count(*) from account")).isEqualTo(2);
    }
  }

  @ParameterizedTest
  @MethodSource("databases")
  void rowsAreWovenOnlyWhileAFaultNamesThem(Database database) throws Exception {
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement();
        FaultInjection unnamed =
            Jinx.inject(jdbc(database.target()).latency(Duration.ofMillis(1)).skip(100000))) {
      ResultSet rows = statement.executeQuery("select id from account");
      long before = unnamed.matches();
      assertThat(rows.next()).isTrue();
      assertThat(unnamed.matches()).isEqualTo(before);
      Database.until(() -> !status().contains("\"methods\":[\"next\"]"));
      try (FaultInjection named = Jinx.inject(watch(database, "next"))) {
        assertThat(status()).contains("\"methods\":[\"next\"]");
        assertThat(rows.next()).isTrue();
        assertThat(named.matches()).isEqualTo(1);
      }
      Database.until(() -> !status().contains("\"methods\":[\"next\"]"));
    }
  }

  private static String status() throws ReflectiveOperationException {
    return (String)
        Class.forName("java.lang.JinxGate")
            .getMethod("command", String.class, String.class)
            .invoke(null, "GET /v1/status", "");
  }
}
