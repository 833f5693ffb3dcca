package dev.jinx.it.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

/** HSQLDB in memory; how transactions wait for one another is a setting of the whole database. */
final class HsqlDb extends Database {
  static final HsqlDb MVCC = new HsqlDb("jdbc:hsqldb:mem:jinx;hsqldb.tx=mvcc");
  static final HsqlDb LOCKS = new HsqlDb("jdbc:hsqldb:mem:locks;hsqldb.tx=locks");

  private static final String UPDATE = "update account set balance = balance - 1 where id = ";
  private static final String WAITING =
      "select count(*) from information_schema.system_sessions where latch_count > 0";

  private final String url;

  private HsqlDb(String url) {
    this.url = url;
    try {
      try (Connection connection = connect()) {
        run(connection, TABLE);
        run(connection, "create table many (x int)");
        run(connection, "insert into many (select * from unnest(sequence_array(1, 1000, 1)))");
      }
      reset();
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public String toString() {
    return url.endsWith("mvcc") ? "HSQLDB" : "HSQLDB with locks";
  }

  @Override
  Class<?> connectionClass() {
    return org.hsqldb.jdbc.JDBCConnection.class;
  }

  @Override
  String url() {
    return url;
  }

  @Override
  String user() {
    return "sa";
  }

  @Override
  String withNetworkTimeout() {
    return url; // it has none
  }

  @Override
  String countRunning() {
    return "select count(*) from information_schema.system_sessions"
        + " where current_statement like '%from many%' and session_id <> session_id()";
  }

  @Override
  String slowQuery() {
    return "select count(*) from many a, many b, many c, many d";
  }

  @Override
  boolean noticesItsLoss() {
    return false;
  }

  @Override
  int[] countsOfAFailedBatch() {
    return new int[0];
  }

  @Override
  List<Scenario> scenarios() {
    return this == LOCKS ? waiting() : all();
  }

  /**
   * With MVCC not even the query's timeout ends a wait for a lock, and with locks only that of a
   * transaction that has begun.
   */
  private List<Scenario> waiting() {
    return List.of(
        new Scenario(
            "lockTimeout",
            inTransaction("update many set x = 1 where x = 1"),
            rowOneLocked(),
            timed(UPDATE + 1)));
  }

  private List<Scenario> all() {
    return List.of(
        new Scenario("connectionLost", c -> {}, this::close, runs(UPDATE + 1)),
        new Scenario("connectionLost", inTransaction(UPDATE + 1), this::close, runs(UPDATE + 2)),
        // a commit on a session that is gone is lost without a word
        new Scenario("timeout", inTransaction(UPDATE + 2), c -> () -> {}, timed(slowQuery())),
        new Scenario(
            "deadlock", inTransaction(UPDATE + 1), crossed(c -> {}, WAITING), runs(UPDATE + 2)),
        new Scenario(
            "serializationFailure",
            c -> {
              c.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
              inTransaction("select * from account").on(c);
            },
            victim -> {
              try (Connection other = connect()) {
                run(other, UPDATE + 1);
              }
              return () -> {};
            },
            runs(UPDATE + 1)),
        new Scenario(
            "readOnly",
            c -> c.setAutoCommit(false),
            victim -> {
              run(victim, "set transaction read only");
              return () -> {};
            },
            runs(UPDATE + 1)),
        new Scenario(
            "uniqueViolation",
            inTransaction(UPDATE + 2),
            c -> () -> {},
            runs("insert into account values (1, 1)")),
        new Scenario("batch", "uniqueViolation", inTransaction(UPDATE + 2), c -> () -> {}, twice()),
        new Scenario("batch", "uniqueViolation", c -> {}, c -> () -> {}, twiceAsText()));
  }

  private static Scenario.Step timed(String sql) {
    return connection -> {
      try (Statement statement = connection.createStatement()) {
        statement.setQueryTimeout(1);
        statement.execute(sql);
      }
    };
  }

  private AutoCloseable close(Connection victim) throws Exception {
    int id = number(victim, "values session_id()");
    try (Connection other = connect()) {
      run(other, "alter session " + id + " release"); // its transaction, or it is not closed
      run(other, "alter session " + id + " close");
    }
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
            c -> connect(url(), "sa", "wrong").close()),
        new Scenario(
            "connect",
            "connectionLost",
            c -> {},
            c -> () -> {},
            c -> connect("jdbc:hsqldb:hsql://localhost:1/x", "sa", "").close()));
  }
}
