package dev.jinx.it.jdbc;

import static dev.jinx.Jinx.jdbc;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.mysql.cj.jdbc.MysqlDataSource;
import com.zaxxer.hikari.HikariDataSource;
import dev.jinx.FaultInjection;
import dev.jinx.JdbcFault;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.apache.derby.jdbc.EmbeddedDataSource;
import org.h2.jdbcx.JdbcDataSource;
import org.hsqldb.jdbc.JDBCDataSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.mariadb.jdbc.MariaDbDataSource;
import org.postgresql.ds.PGSimpleDataSource;
import org.sqlite.SQLiteDataSource;

/** What a JDBC fault hits, once: the same in every driver. */
@Timeout(120)
class JdbcIT {
  private static final String UPDATE = "update account set balance = ? where id = ?";

  /** HSQLDB's locks are of no matter here. */
  static Stream<Database> databases() {
    return Databases.all().filter(each -> each != HsqlDb.LOCKS);
  }

  /** HSQLDB's connections do not notice that they are closed. */
  static Stream<Database> noticing() {
    return databases().filter(Database::noticesItsLoss);
  }

  /** With SQLite a commit that failed may be tried again. */
  static Stream<Database> withFinalCommit() {
    return databases().filter(each -> each != Sqlite.FILE);
  }

  @BeforeEach
  void reset() throws SQLException {
    for (Database database : databases().toList()) {
      database.reset();
    }
  }

  private static JdbcFault on(Database database, String... operations) {
    return jdbc(database.target()).operation(operations);
  }

  // ---- matching

  @ParameterizedTest
  @MethodSource("databases")
  void knowsTheTextOfAStatementThatWasPreparedBefore(Database database) throws Exception {
    try (Connection connection = database.connect();
        PreparedStatement statement = connection.prepareStatement(UPDATE)) {
      statement.setInt(1, 7);
      statement.setInt(2, 1);
      JdbcFault deadlock = on(database, "execute").error(NamedError.DEADLOCK);

      for (JdbcFault other :
          List.of(
              deadlock.table("orders"),
              deadlock.statement("insert"),
              deadlock.sql("delete*"),
              deadlock.driver("oracle"))) {
        try (FaultInjection fault = Jinx.inject(other)) {
          assertThat(statement.executeUpdate()).isEqualTo(1);
          assertThat(fault.matches()).isZero();
        }
      }
      for (JdbcFault same :
          List.of(
              deadlock.table("ACCOUNT"),
              deadlock.statement("update"),
              deadlock.sql("update account set balance = ? where*"),
              deadlock.driver(Database.name(database)))) {
        try (FaultInjection fault = Jinx.inject(same)) {
          assertThatThrownBy(statement::executeUpdate).isInstanceOf(SQLException.class);
          assertThat(fault.injections()).isEqualTo(1);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("databases")
  void hitsAPreparedBatchByItsText(Database database) throws Exception {
    try (Connection connection = database.connect();
        PreparedStatement statement = connection.prepareStatement(UPDATE);
        FaultInjection fault =
            Jinx.inject(on(database, "batch").table("account").error(NamedError.DEADLOCK))) {
      for (int id = 1; id <= 2; id++) {
        statement.setInt(1, 7);
        statement.setInt(2, id);
        statement.addBatch();
      }
      SQLException failure = catchThrowableOfType(SQLException.class, statement::executeBatch);
      int[] counts = failure instanceof BatchUpdateException b ? b.getUpdateCounts() : null;
      assertThat(counts).isEqualTo(database.countsOfAFailedBatch());
      assertThat(fault.injections()).isEqualTo(1);
      // the first has failed; of the others the counts tell
      int second = counts != null && counts.length == 2 && counts[1] == 1 ? 7 : 100;
      assertThat(database.balances()).containsExactly(100, second);
    }
  }

  @ParameterizedTest
  @MethodSource("databases")
  void hitsABatchOfTextsByAnyOfThem(Database database) throws Exception {
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement();
        FaultInjection fault =
            Jinx.inject(
                on(database, "batch").statement("delete").error(NamedError.DEADLOCK).first(1))) {
      statement.addBatch("update account set balance = 1 where id = 1");
      statement.addBatch("delete from account where id = 3");
      assertThatThrownBy(statement::executeBatch).isInstanceOf(SQLException.class);

      // the failed batch is gone, in the driver as for the fault
      for (int i = 0; i < 2; i++) {
        statement.addBatch("update account set balance = 1 where id = 1");
        assertThat(statement.executeBatch()).containsExactly(1);
      }
      assertThat(fault.matches()).isEqualTo(1);
    }
    assertThat(database.balances()).containsExactly(1, 100);
  }

  @ParameterizedTest
  @MethodSource("databases")
  void decidesOncePerStatementThroughThePool(Database database) throws Exception {
    try (HikariDataSource pool = JdbcTwinIT.pool(database);
        Connection connection = pool.getConnection();
        FaultInjection fault =
            Jinx.inject(
                on(database, "execute", "batch", "prepare", "commit")
                    .latency(Duration.ofMillis(1))
                    .skip(1000))) {
      String update = "update account set balance = 5 where id = 1";
      connection.setAutoCommit(false);
      try (Statement statement = connection.createStatement()) {
        statement.execute(update);
        statement.execute(update, Statement.NO_GENERATED_KEYS);
        withoutKeys(statement, update);
        statement.executeUpdate(update);
        statement.executeUpdate(update, Statement.NO_GENERATED_KEYS);
        statement.executeLargeUpdate(update);
        statement.executeLargeUpdate(update, Statement.NO_GENERATED_KEYS);
        statement.executeQuery(Database.QUERY).close();
        statement.addBatch(update);
        statement.executeBatch();
      }
      assertThat(fault.matches()).isEqualTo(9);
      try (PreparedStatement statement = connection.prepareStatement(UPDATE)) {
        statement.setInt(1, 7);
        statement.setInt(2, 1);
        statement.execute();
        statement.executeUpdate();
        statement.executeLargeUpdate();
        statement.addBatch();
        statement.executeBatch();
      }
      connection.commit();
      assertThat(fault.matches()).isEqualTo(9 + 6);
      assertThat(fault.injections()).isZero();
    }
  }

  private static void withoutKeys(Statement statement, String update) {
    try {
      statement.execute(update, new String[0]);
    } catch (SQLException e) {
      // HSQLDB and SQLite refuse after they were asked
    }
  }

  @ParameterizedTest
  @MethodSource("databases")
  void asksOnceToConnectThoughEveryDriverIsAsked(Database database) throws Exception {
    try (FaultInjection fault =
        Jinx.inject(
            jdbc("jdbc:**").operation("connect").latency(Duration.ofMillis(1)).skip(1000))) {
      database.connect().close();
      assertThat(fault.matches()).isEqualTo(1);
    }
  }

  static Stream<DataSource> dataSources() throws SQLException {
    PGSimpleDataSource postgres = new PGSimpleDataSource();
    postgres.setUrl(Postgres.server().url());
    MariaDbDataSource mariaDb = new MariaDbDataSource(MariaDb.server().url());
    mariaDb.setUser(MariaDb.server().user());
    mariaDb.setPassword(MariaDb.server().password());
    MysqlDataSource mySql = new MysqlDataSource();
    mySql.setUrl(MySql.server().url());
    mySql.setUser(MySql.server().user());
    mySql.setPassword(MySql.server().password());
    JdbcDataSource h2 = new JdbcDataSource();
    h2.setURL(H2.EMBEDDED.url());
    h2.setUser(H2.EMBEDDED.user());
    JDBCDataSource hsqlDb = new JDBCDataSource();
    hsqlDb.setURL(HsqlDb.MVCC.url());
    hsqlDb.setUser(HsqlDb.MVCC.user());
    EmbeddedDataSource derby = new EmbeddedDataSource();
    derby.setDatabaseName(Derby.EMBEDDED.url().substring("jdbc:derby:".length()));
    SQLiteDataSource sqlite = new SQLiteDataSource();
    sqlite.setUrl(Sqlite.FILE.url());
    return Stream.of(postgres, mariaDb, mySql, h2, hsqlDb, derby, sqlite);
  }

  @ParameterizedTest
  @MethodSource("dataSources")
  void hitsTheDriversOwnDataSourceToo(DataSource source) throws Exception {
    try (FaultInjection fault =
        Jinx.inject(jdbc("jdbc:**").operation("connect").error(NamedError.AUTH_FAILED).first(1))) {
      assertThatThrownBy(source::getConnection)
          .isInstanceOf(SQLException.class)
          .extracting(e -> String.valueOf(((SQLException) e).getSQLState()))
          .asString()
          .matches("28...|08004|null"); // Derby; SQLite
      assertThat(fault.injections()).isEqualTo(1);
      source.getConnection().close();
      assertThat(fault.matches()).isEqualTo(2);
    }
  }

  @ParameterizedTest
  @MethodSource("noticing")
  void doesNotHitWhatIsClosedAlready(Database database) throws Exception {
    Connection connection = database.connect();
    try (FaultInjection fault =
        Jinx.inject(on(database, "execute", "commit").error(NamedError.CONNECTION_LOST))) {
      for (int i = 0; i < 3; i++) {
        assertThatThrownBy(() -> Database.run(connection, Database.QUERY))
            .isInstanceOf(SQLException.class);
      }
      assertThat(fault.matches()).isEqualTo(1);
    }
    assertThat(connection.isClosed()).isTrue();
  }

  // ---- outcomes that get lost

  @ParameterizedTest
  @MethodSource("databases")
  void commitHappensThoughItsAnswerIsLost(Database database) throws Exception {
    try (Connection connection = database.connect();
        FaultInjection fault =
            Jinx.inject(on(database, "commit").error(NamedError.CONNECTION_LOST).afterCall())) {
      connection.setAutoCommit(false);
      Database.run(connection, "update account set balance = 1 where id = 1");
      assertThatThrownBy(connection::commit).isInstanceOf(SQLException.class);
      assertThat(connection.isClosed()).isEqualTo(database.noticesItsLoss());
      assertThat(fault.injections()).isEqualTo(1);
    }
    assertThat(database.balances()).containsExactly(1, 100);
  }

  @ParameterizedTest
  @MethodSource("withFinalCommit")
  void commitDoesNotHappenWhenItFails(Database database) throws Exception {
    try (Connection connection = database.connect();
        FaultInjection fault =
            Jinx.inject(on(database, "commit").error(NamedError.SERIALIZATION_FAILURE).first(1))) {
      connection.setAutoCommit(false);
      Database.run(connection, "update account set balance = 1 where id = 1");
      assertThatThrownBy(connection::commit).isInstanceOf(SQLException.class);
      connection.commit(); // of nothing: the failed one has rolled back
    }
    assertThat(database.balances()).containsExactly(100, 100);
  }

  @ParameterizedTest
  @MethodSource("databases")
  void insertHappensThoughItTimesOut(Database database) throws Exception {
    try (Connection connection = database.connect();
        FaultInjection fault =
            Jinx.inject(
                on(database, "execute")
                    .statement("update")
                    .error(NamedError.TIMEOUT)
                    .afterCall())) {
      assertThatThrownBy(
              () -> Database.run(connection, "update account set balance = 1 where id = 1"))
          .isInstanceOf(SQLException.class);
      assertThat(connection.isClosed()).isFalse();
    }
    assertThat(database.balances()).containsExactly(1, 100);
  }

  // ---- is it still there?

  @ParameterizedTest
  @MethodSource("databases")
  void aLostConnectionIsNotValid(Database database) throws Exception {
    try (Connection connection = database.connect();
        FaultInjection fault =
            Jinx.inject(on(database, "isValid").error(NamedError.CONNECTION_LOST))) {
      assertThat(connection.isValid(1)).isFalse();
      assertThat(connection.isClosed()).isEqualTo(database.noticesItsLoss());
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @MethodSource("databases")
  void askingASilentDatabaseTakesItsTimeout(Database database) throws Exception {
    try (Connection connection = database.connect();
        FaultInjection fault = Jinx.inject(on(database, "isValid").drop())) {
      long start = System.nanoTime();
      assertThat(connection.isValid(1)).isFalse();
      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .isBetween(Duration.ofMillis(900), Duration.ofSeconds(10));
    }
  }

  @ParameterizedTest
  @MethodSource("databases")
  void aLostConnectionIsReplacedByThePool(Database database) throws Exception {
    try (HikariDataSource pool = JdbcTwinIT.pool(database)) {
      Object first;
      try (Connection connection = pool.getConnection()) {
        first = connection.unwrap(database.connectionClass());
      }
      // the pool trusts a connection for half a second
      long trusted = System.nanoTime() + Duration.ofMillis(600).toNanos();
      Database.until(() -> System.nanoTime() - trusted > 0);
      try (FaultInjection fault =
              Jinx.inject(on(database, "isValid").error(NamedError.CONNECTION_LOST).first(1));
          Connection connection = pool.getConnection()) {
        assertThat(fault.injections()).isEqualTo(1);
        assertThat(connection.unwrap(database.connectionClass())).isNotSameAs(first);
        Database.run(connection, Database.QUERY);
      }
    }
  }

  // ---- codes

  @ParameterizedTest
  @MethodSource("databases")
  void aFailureByItsCode(Database database) throws Exception {
    try (Connection connection = database.connect();
        FaultInjection fault =
            Jinx.inject(on(database, "execute").error("42501", 4711, "not for you"))) {
      assertThatThrownBy(() -> Database.run(connection, Database.QUERY))
          .isInstanceOf(SQLException.class)
          .hasMessageContaining("not for you")
          .satisfies(e -> assertThat(((SQLException) e).getSQLState()).isEqualTo("42501"));
      assertThat(connection.isClosed()).isFalse();
    }
  }

  @ParameterizedTest
  @MethodSource("databases")
  void aFailureByItsClass(Database database) throws Exception {
    try (Connection connection = database.connect();
        FaultInjection fault =
            Jinx.inject(
                on(database, "execute").error(java.sql.SQLDataException.class, "no such date"))) {
      assertThatThrownBy(() -> Database.run(connection, Database.QUERY))
          .isInstanceOf(java.sql.SQLDataException.class)
          .hasMessage("no such date");
    }
  }
}
