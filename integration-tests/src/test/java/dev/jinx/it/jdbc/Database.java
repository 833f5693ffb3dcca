package dev.jinx.it.jdbc;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Objects;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
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

  static List<Scenario> all(List<Scenario> first, List<Scenario> second) {
    return Stream.concat(first.stream(), second.stream()).toList();
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

  /** Another connection has inserted a row with the key 3. */
  Scenario.Trap rowThreeTaken() {
    return victim -> {
      commit("insert into account values (3, 100)");
      return () -> commit("delete from account where id = 3");
    };
  }

  private void commit(String sql) throws SQLException {
    try (Connection other = connect()) {
      run(other, sql);
    }
  }

  /** What fails beside single statements, in every database alike. */
  List<Scenario> others(Scenario.Trap kill) {
    String update = "update account set balance = balance - 1 where id = ";
    String insert = "insert into account values (3, 1)";
    Scenario.Step taken = inTransaction(update + 2);
    return List.of(
        new Scenario(
            "commit", "connectionLost", inTransaction(update + 1), kill, Connection::commit),
        new Scenario(
            "rollback", "connectionLost", inTransaction(update + 1), kill, Connection::rollback),
        new Scenario(
            "execute", "connectionLost", inTransaction(update + 1), kill, Connection::setSavepoint),
        new Scenario("batch", "connectionLost", c -> {}, kill, batch(update + 1, update + 2)),
        new Scenario(
            "batch", "connectionLost", inTransaction(update + 1), kill, preparedBatch(1, 2)),
        new Scenario("batch", "uniqueViolation", taken, rowThreeTaken(), batch(insert, update + 1)),
        new Scenario(
            "batch", "uniqueViolation", c -> {}, rowThreeTaken(), batch(insert, update + 1)),
        new Scenario("batch", "uniqueViolation", taken, rowThreeTaken(), preparedBatch(3, 4)));
  }

  private static Scenario.Step batch(String... sqls) {
    return connection -> {
      try (Statement statement = connection.createStatement()) {
        for (String sql : sqls) {
          statement.addBatch(sql);
        }
        statement.executeBatch();
      }
    };
  }

  private static Scenario.Step preparedBatch(int... keys) {
    return connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("insert into account values (?, 1)")) {
        for (int key : keys) {
          statement.setInt(1, key);
          statement.addBatch();
        }
        statement.executeBatch();
      }
    };
  }

  /** The fetch size by which the driver does not read all rows at once. */
  int streaming() {
    return 10;
  }

  /** Rows that are being read, some of which the server has not sent yet, when it fails. */
  Scenario next(String error, String query, Scenario.Trap trap) {
    AtomicReference<ResultSet> open = new AtomicReference<>();
    return new Scenario(
        "next",
        error,
        victim -> {
          victim.setAutoCommit(false);
          Statement statement = victim.createStatement();
          statement.setFetchSize(streaming());
          ResultSet rows = statement.executeQuery(query);
          rows.next();
          open.set(rows);
        },
        trap,
        victim -> {
          while (Objects.requireNonNull(open.get()).next()) {
            // as far as they come
          }
        });
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
      LockSupport.parkNanos(100_000);
    }
  }
}
