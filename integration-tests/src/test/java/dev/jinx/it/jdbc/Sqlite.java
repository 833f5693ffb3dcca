package dev.jinx.it.jdbc;

import java.io.File;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteConnection;

/** SQLite in a file: in memory nobody waits for a lock. */
final class Sqlite extends Database {
  static final Sqlite FILE = new Sqlite();

  private static final String UPDATE = "update account set balance = balance - 1 where id = ";

  private final String url;

  private Sqlite() {
    try {
      File file = File.createTempFile("jinx", ".sqlite");
      file.deleteOnExit();
      url = "jdbc:sqlite:" + file + "?journal_mode=WAL&synchronous=OFF";
      try (Connection connection = connect()) {
        run(connection, TABLE);
      }
      reset();
    } catch (IOException | SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public String toString() {
    return "SQLite";
  }

  @Override
  Class<?> connectionClass() {
    return SQLiteConnection.class;
  }

  @Override
  String url() {
    return url;
  }

  @Override
  String withNetworkTimeout() {
    return url; // it has none
  }

  @Override
  String countRunning() {
    throw new UnsupportedOperationException();
  }

  @Override
  boolean isRunning(Thread thread) {
    StackTraceElement[] stack = thread.getStackTrace();
    return stack.length > 0 && stack[0].getClassName().equals("org.sqlite.core.NativeDB");
  }

  @Override
  String slowQuery() {
    return "with recursive t(x) as (select 1 union all select x + 1 from t where x < 1000000000)"
        + " select count(*) from t";
  }

  /** The timeout of a query ends nothing but its waiting for a lock. */
  @Override
  String stalled() {
    return UPDATE + 1;
  }

  @Override
  AutoCloseable stall() throws SQLException {
    Connection other = connect();
    other.setAutoCommit(false);
    run(other, UPDATE + 1);
    return other;
  }

  @Override
  int @Nullable [] countsOfAFailedBatch() {
    return null;
  }

  /** No failure has an SQLState: the pool recognises none. */
  @Override
  boolean isGivenUp(Scenario scenario) {
    return false;
  }

  @Override
  List<Scenario> scenarios() {
    return List.of(
        new Scenario("connectionLost", c -> {}, Sqlite::close, runs(UPDATE + 1)),
        new Scenario("connectionLost", inTransaction(UPDATE + 1), Sqlite::close, runs(UPDATE + 2)),
        new Scenario(
            "commit",
            "connectionLost",
            inTransaction(UPDATE + 1),
            Sqlite::close,
            Connection::commit),
        new Scenario(
            "timeout",
            inTransaction(),
            rowOneLocked(),
            c -> {
              try (Statement statement = c.createStatement()) {
                statement.setQueryTimeout(1);
                statement.execute(UPDATE + 1);
              }
            }),
        // who has read may not wait for who writes, or neither would go on
        new Scenario(
            "deadlock", inTransaction("select * from account"), rowOneLocked(), runs(UPDATE + 2)),
        new Scenario(
            "serializationFailure",
            inTransaction("select * from account"),
            victim -> {
              try (Connection other = connect()) {
                run(other, UPDATE + 1);
              }
              return () -> {};
            },
            runs(UPDATE + 1)),
        new Scenario(
            "lockTimeout",
            inTransaction("pragma busy_timeout = 100"),
            rowOneLocked(),
            runs(UPDATE + 1)),
        new Scenario(
            "readOnly", c -> run(c, "pragma query_only = 1"), c -> () -> {}, runs(UPDATE + 1)),
        new Scenario(
            "uniqueViolation",
            inTransaction(UPDATE + 2),
            c -> () -> {},
            runs("insert into account values (1, 1)")),
        new Scenario("batch", "uniqueViolation", inTransaction(UPDATE + 2), c -> () -> {}, twice()),
        new Scenario("batch", "uniqueViolation", c -> {}, c -> () -> {}, twiceAsText()),
        new Scenario(
            "diskFull",
            c -> run(c, "pragma max_page_count = 1"), // no more than there are
            c -> () -> {},
            runs(
                "insert into account with recursive t(x) as"
                    + " (select 10 union all select x + 1 from t where x < 100000)"
                    + " select x, x from t")));
  }

  private static AutoCloseable close(Connection victim) throws SQLException {
    victim.unwrap(SQLiteConnection.class).getDatabase().close();
    return () -> {};
  }

  @Override
  List<Scenario> connectScenarios() {
    return List.of(
        new Scenario(
            "connect",
            "connectionLost",
            c -> {},
            c -> () -> {},
            c -> connect("jdbc:sqlite:/nowhere/at/all.sqlite", "", "").close()));
  }
}
