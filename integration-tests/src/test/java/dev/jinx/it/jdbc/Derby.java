package dev.jinx.it.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

/** Derby's embedded engine, in memory. */
final class Derby extends Database {
  static final Derby EMBEDDED = new Derby();

  private static final String AUTH = "jdbc:derby:memory:auth";
  private static final String UPDATE = "update account set balance = balance - 1 where id = ";
  private static final String WAITING =
      "select count(*) from syscs_diag.lock_table where state = 'WAIT'";

  private Derby() {
    System.setProperty("derby.stream.error.file", "target/derby.log");
    try {
      try (Connection connection = connect(url() + ";create=true", user(), password())) {
        run(connection, TABLE);
        set(connection, "derby.locks.deadlockTimeout", 0);
      }
      reset();
      Connection owner = connect(AUTH + ";create=true", "admin", "right");
      run(owner, "call syscs_util.syscs_create_user('admin', 'right')");
      owner.close();
      shutDown(AUTH + ";user=admin;password=right"); // from the next start on it asks for users
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void set(Connection connection, String property, int seconds) throws SQLException {
    run(
        connection,
        "call syscs_util.syscs_set_database_property('" + property + "', '" + seconds + "')");
  }

  private static void shutDown(String url) {
    try {
      connect(url + ";shutdown=true", "", "").close();
    } catch (SQLException thatIsHowItSaysSo) {
      // done
    }
  }

  @Override
  Class<?> connectionClass() {
    return org.apache.derby.impl.jdbc.EmbedConnection.class;
  }

  @Override
  String url() {
    return "jdbc:derby:memory:jinx";
  }

  @Override
  String user() {
    return "app";
  }

  @Override
  String password() {
    return "app";
  }

  @Override
  String withNetworkTimeout() {
    return url(); // it has none
  }

  @Override
  String countRunning() {
    return "select count(*) from syscs_diag.transaction_table where sql_text like 'update%'";
  }

  /** No query: those are executed while their rows are read. */
  @Override
  String slowQuery() {
    return "update account set balance = (select count(*) from sys.syscolumns a, sys.syscolumns b,"
        + " sys.syscolumns c, sys.syscolumns d, sys.syscolumns e) where id = 1";
  }

  @Override
  int[] countsOfAFailedBatch() {
    return new int[0];
  }

  @Override
  List<Scenario> scenarios() {
    return List.of(
        new Scenario("connectionLost", c -> {}, this::end, runs(UPDATE + 1)),
        new Scenario("connectionLost", inTransaction(UPDATE + 1), this::end, runs(UPDATE + 2)),
        new Scenario(
            "commit", "connectionLost", inTransaction(UPDATE + 1), this::end, Connection::commit),
        new Scenario(
            "timeout",
            inTransaction(UPDATE + 2),
            c -> () -> {},
            c -> {
              try (Statement statement = c.createStatement()) {
                statement.setQueryTimeout(1);
                statement.execute(slowQuery());
              }
            }),
        new Scenario(
            "deadlock",
            c -> {
              patience(20);
              inTransaction(UPDATE + 1).on(c);
            },
            crossed(runs("insert into account values (7, 1), (8, 1), (9, 1)"), WAITING),
            runs(UPDATE + 2)),
        new Scenario(
            "lockTimeout",
            c -> {
              patience(1);
              inTransaction(UPDATE + 2).on(c);
            },
            rowOneLocked(),
            runs(UPDATE + 1)),
        new Scenario("readOnly", c -> c.setReadOnly(true), c -> () -> {}, runs(UPDATE + 1)),
        new Scenario(
            "uniqueViolation",
            inTransaction(UPDATE + 2),
            c -> () -> {},
            runs("insert into account values (1, 1)")),
        new Scenario(
            "uniqueViolation", c -> {}, c -> () -> {}, runs("insert into account values (1, 1)")),
        new Scenario("batch", "uniqueViolation", inTransaction(UPDATE + 2), c -> () -> {}, twice()),
        new Scenario("batch", "uniqueViolation", c -> {}, c -> () -> {}, twiceAsText()));
  }

  private void patience(int seconds) throws SQLException {
    try (Connection other = connect()) {
      set(other, "derby.locks.waitTimeout", seconds);
    }
  }

  /** The whole database, which the next connection starts again. */
  private AutoCloseable end(Connection victim) {
    shutDown(url());
    return () -> {};
  }

  @Override
  List<Scenario> connectScenarios() {
    return List.of(
        new Scenario(
            "connect",
            "authFailed",
            c -> {},
            c -> () -> {},
            c -> connect(AUTH, "admin", "wrong").close()),
        new Scenario(
            "connect",
            "connectionLost",
            c -> {},
            c -> () -> {},
            c -> connect("jdbc:derby:memory:nowhere", "", "").close()));
  }
}
