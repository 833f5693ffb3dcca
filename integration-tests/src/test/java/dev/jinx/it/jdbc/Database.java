package dev.jinx.it.jdbc;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A running database, one for all tests of the JVM, with the ways in which it can be made fail. */
abstract class Database {
  /** A table {@code account(id, balance)} with the rows 1 and 2 is there. */
  static final String TABLE = "create table account (id int primary key, balance int not null)";

  /** A query that every one of them understands. */
  static final String QUERY = "values (1)";

  abstract String url();

  /** The pattern of a fault that concerns this database alone. */
  String target() {
    return url().replaceAll("[?;].*", "");
  }

  /** What the driver's own connections are. */
  abstract Class<?> connectionClass();

  @Override
  public String toString() {
    return getClass().getSimpleName();
  }

  String user() {
    return "";
  }

  String password() {
    return "";
  }

  /** The URL of connections that give up on a silent server after a second. */
  abstract String withNetworkTimeout();

  /** How many connections run the slow query now. */
  abstract String countRunning();

  /** As the driver calls itself in its URLs. */
  static String name(Database database) {
    return database.url().split(":", -1)[1];
  }

  /** A query that takes far longer than any test waits. */
  abstract String slowQuery();

  /** Whether a thread runs the slow query now. */
  boolean isRunning(Thread thread) throws SQLException {
    try (Connection other = connect()) {
      return number(other, countRunning()) > 0;
    }
  }

  /** A statement that its query timeout ends, while it is {@link #stall stalled}. */
  String stalled() {
    return slowQuery();
  }

  AutoCloseable stall() throws SQLException {
    return () -> {};
  }

  /** Whether a connection whose session is gone says that it is closed. */
  boolean noticesItsLoss() {
    return true;
  }

  /**
   * What a prepared batch of two tells whose first statement fails; null where it fails as the
   * statement does.
   */
  int @Nullable [] countsOfAFailedBatch() {
    return new int[] {Statement.EXECUTE_FAILED, Statement.EXECUTE_FAILED};
  }

  /** Whether a pool gives a connection up on that failure. */
  boolean isGivenUp(Scenario scenario) {
    return scenario.error().equals("connectionLost");
  }

  /** What can go wrong on a connection. */
  abstract List<Scenario> scenarios();

  /**
   * What can go wrong while connecting; the victim of its steps is a connection to set traps by.
   */
  abstract List<Scenario> connectScenarios();

  Connection connect() throws SQLException {
    return connect(url(), user(), password());
  }

  static Connection connect(String url, String user, String password) throws SQLException {
    Properties properties = new Properties();
    if (!user.isEmpty()) {
      properties.put("user", user);
      properties.put("password", password);
    }
    return DriverManager.getConnection(url, properties);
  }

  /** Puts the two accounts back to a balance of 100. */
  void reset() throws SQLException {
    try (Connection connection = connect()) {
      run(connection, "delete from account");
      run(connection, "insert into account values (1, 100), (2, 100)");
    }
  }

  /** The committed balances of the accounts. */
  List<Integer> balances() throws SQLException {
    try (Connection connection = connect()) {
      return List.of(
          number(connection, "select balance from account where id = 1"),
          number(connection, "select balance from account where id = 2"));
    }
  }

  static void run(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  static Scenario.Step runs(String sql) {
    return connection -> run(connection, sql);
  }

  static Scenario.Step inTransaction(String... sqls) {
    return connection -> {
      connection.setAutoCommit(false);
      for (String sql : sqls) {
        run(connection, sql);
      }
    };
  }

  /** A prepared batch of two that violates the primary key at once. */
  static Scenario.Step twice() {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("insert into account values (?, ?)")) {
        for (int id = 1; id <= 2; id++) {
          statement.setInt(1, id);
          statement.setInt(2, 1);
          statement.addBatch();
        }
        statement.executeBatch();
      }
    };
  }

  /** The same batch of texts. */
  static Scenario.Step twiceAsText() {
    return connection -> {
      try (Statement statement = connection.createStatement()) {
        statement.addBatch("insert into account values (1, 1)");
        statement.addBatch("insert into account values (2, 1)");
        statement.executeBatch();
      }
    };
  }

  static int number(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        var result = statement.executeQuery(sql)) {
      result.next();
      return result.getInt(1);
    }
  }

  /**
   * Another connection that holds a lock on row 2, and once it has been told to by the trap waits
   * for row 1, so that the victim, which holds row 1, deadlocks on row 2.
   */
  Scenario.Trap crossed(Scenario.Step prepareOther, String waitingQuery) {
    return victim -> {
      Connection other = connect();
      other.setAutoCommit(false);
      prepareOther.on(other);
      run(other, "update account set balance = balance + 1 where id = 2");
      CompletableFuture<Void> waiting =
          CompletableFuture.runAsync(
              () -> {
                try {
                  run(other, "update account set balance = balance + 1 where id = 1");
                  other.rollback();
                } catch (SQLException e) {
                  throw new IllegalStateException(e);
                }
              });
      if (!waitingQuery.isEmpty()) {
        try (Connection watcher = connect()) {
          until(() -> number(watcher, waitingQuery) > 0);
        }
      }
      return () -> {
        try {
          waiting.get(20, TimeUnit.SECONDS);
        } finally {
          other.close();
        }
      };
    };
  }

  /** Another connection that holds a lock on row 1 until it is closed. */
  Scenario.Trap rowOneLocked() {
    return victim -> {
      Connection other = connect();
      other.setAutoCommit(false);
      run(other, "update account set balance = balance + 1 where id = 1");
      return () -> {
        other.rollback();
        other.close();
      };
    };
  }

  interface Condition {
    boolean holds() throws Exception;
  }

  static void until(Condition condition) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.holds()) {
      if (System.nanoTime() - deadline > 0) {
        throw new AssertionError("does not come true");
      }
      Thread.onSpinWait();
    }
  }
}
