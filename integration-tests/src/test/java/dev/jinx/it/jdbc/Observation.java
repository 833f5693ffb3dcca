package dev.jinx.it.jdbc;

import java.io.EOFException;
import java.net.SocketException;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an application can see of a failure and of the connection after it.
 *
 * @param failure class, SQLState, vendor code and message form of the exception, of its causes and
 *     of the next ones
 * @param after what becomes of the connection
 */
record Observation(List<String> failure, List<String> after) {

  /** Runs the step, which must fail, and looks at what is left. */
  static Observation of(Connection victim, Scenario.Step act) {
    List<String> failure = failure(victim, act);
    List<String> after = new ArrayList<>();
    after.add("closed " + outcome(victim::isClosed));
    after.add("query " + outcome(() -> query(victim)));
    after.add("rollback " + outcome(() -> rollback(victim)));
    after.add("query " + outcome(() -> query(victim)));
    after.add("valid " + outcome(() -> victim.isValid(1))); // if not, it is closed sooner or later
    return new Observation(failure, after);
  }

  static List<String> failure(Connection victim, Scenario.Step act) {
    try {
      act.on(victim);
    } catch (Exception e) {
      return describe(e);
    }
    return List.of("nothing failed");
  }

  static List<String> describe(Throwable thrown) {
    List<String> lines = new ArrayList<>();
    describe("", thrown, lines);
    return lines;
  }

  private static void describe(String relation, Throwable thrown, List<String> lines) {
    // a stream that its peer has closed ends or breaks, as it comes
    boolean broken =
        thrown instanceof EOFException || thrown.getClass().equals(SocketException.class);
    String line = relation + (broken ? "a broken stream" : thrown.getClass().getName());
    if (thrown instanceof SQLException sql) {
      line += " " + sql.getSQLState() + " " + sql.getErrorCode();
      if (sql instanceof BatchUpdateException batch) {
        line += " " + Arrays.toString(batch.getUpdateCounts());
      }
    }
    // what a cause says is not of the driver's making
    lines.add(relation.endsWith("cause ") ? line : line + " " + form(thrown.getMessage()));
    if (thrown instanceof SQLException sql && sql.getNextException() != null) {
      describe(relation + "next ", sql.getNextException(), lines);
    }
    if (thrown.getCause() != null) {
      describe(relation + "cause ", thrown.getCause(), lines);
    }
  }

  /** A message without what differs from one time to the next: names, numbers. */
  private static String form(@Nullable String message) {
    return message == null
        ? "null"
        : message
            .lines()
            .findFirst()
            .orElse("")
            .replaceAll("\"[^\"]*\"|'[^']*'", "'…'")
            .replaceAll("[0-9]+", "#")
            .replaceAll("[.]$", "") // MySQL ends some with a dot, MariaDB the same without
            .replaceAll("could not \\w+ file '…'", "could not … file");
  }

  private interface Question<T> {
    T ask() throws SQLException;
  }

  private static String outcome(Question<?> question) {
    try {
      return String.valueOf(question.ask());
    } catch (SQLException e) {
      return e.getClass().getName() + " " + e.getSQLState() + " " + e.getErrorCode();
    }
  }

  private static String query(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.setQueryTimeout(5);
      statement.execute(Database.QUERY);
      return "ok";
    }
  }

  private static String rollback(Connection connection) throws SQLException {
    if (connection.getAutoCommit()) {
      return "auto";
    }
    connection.rollback();
    return "ok";
  }
}
