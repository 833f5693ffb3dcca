package dev.jinx.it.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.stream.Stream;
import org.h2.tools.Server;

/** H2, in memory or behind its own TCP server. */
final class H2 extends Database {
  static final H2 EMBEDDED = new H2("jdbc:h2:mem:jinx;DB_CLOSE_DELAY=-1");

  private static final String WAITING =
      "select count(*) from information_schema.sessions where blocker_id is not null";

  private static final class Tcp {
    static final H2 ONE = start();

    private static H2 start() {
      try {
        Server server = Server.createTcpServer("-tcpPort", "0", "-ifNotExists", "-tcpDaemon");
        server.start();
        return new H2("jdbc:h2:tcp://localhost:" + server.getPort() + "/mem:tcp;DB_CLOSE_DELAY=-1");
      } catch (SQLException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  private final String url;

  private H2(String url) {
    this.url = url;
    try {
      try (Connection connection = connect()) {
        run(connection, TABLE);
      }
      reset();
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  static H2 server() {
    return Tcp.ONE;
  }

  @Override
  public String toString() {
    return url.contains("tcp:") ? "H2 by TCP" : "H2 embedded";
  }

  @Override
  Class<?> connectionClass() {
    return org.h2.jdbc.JdbcConnection.class;
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
    return "select count(*) from information_schema.sessions where executing_statement like '%system_range(1%'";
  }

  /**
   * The session tells of a statement before it can be cancelled: a cancel then is lost for good.
   */
  @Override
  boolean isRunning(Thread thread) throws SQLException {
    return super.isRunning(thread)
        && Thread.getAllStackTraces().values().stream()
            .flatMap(Stream::of)
            .anyMatch(frame -> frame.getMethodName().equals("gatherGroup"));
  }

  /** Half a minute of work, should nobody end it. */
  @Override
  String slowQuery() {
    return "select count(*) from system_range(1, 300000000) where mod(x, 3) = 1";
  }

  @Override
  int[] countsOfAFailedBatch() {
    return new int[] {Statement.EXECUTE_FAILED, 1};
  }

  @Override
  List<Scenario> scenarios() {
    String update = "update account set balance = balance - 1 where id = ";
    return all(
        others(this::abort),
        List.of(
            new Scenario("connectionLost", c -> {}, this::abort, runs(update + 1)),
            new Scenario(
                "connectionLost", inTransaction(update + 1), this::abort, runs(update + 2)),
            new Scenario(
                "timeout",
                inTransaction(update + 2),
                c -> () -> {},
                c -> {
                  try (Statement statement = c.createStatement()) {
                    statement.setQueryTimeout(1);
                    statement.execute(slowQuery());
                  }
                }),
            new Scenario(
                "deadlock",
                inTransaction("set lock_timeout 5000", update + 1),
                victim -> {
                  victim.rollback(); // the youngest transaction is chosen, so it starts anew
                  return crossed(
                          other -> {
                            run(other, "set lock_timeout 20000");
                            run(other, "update account set balance = 0 where id = 2");
                            run(victim, update + 1);
                          },
                          WAITING)
                      .set(victim);
                },
                runs(update + 2)),
            new Scenario(
                "serializationFailure",
                c -> {
                  c.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
                  inTransaction("select * from account").on(c);
                },
                victim -> {
                  try (Connection other = connect()) {
                    run(other, update + 1);
                  }
                  return () -> {};
                },
                runs(update + 1)),
            new Scenario(
                "lockTimeout",
                inTransaction("set lock_timeout 100", update + 2),
                rowOneLocked(),
                runs(update + 1)),
            new Scenario(
                "uniqueViolation",
                inTransaction(update + 2),
                rowThreeTaken(),
                runs("insert into account values (3, 1)"))));
  }

  private AutoCloseable abort(Connection victim) throws Exception {
    int id = number(victim, "select session_id()");
    try (Connection other = connect()) {
      run(other, "select abort_session(" + id + ")");
      until(
          () ->
              number(
                      other,
                      "select count(*) from information_schema.sessions where session_id = " + id)
                  == 0);
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
            c -> connect("jdbc:h2:tcp://localhost:1/mem:x", "sa", "").close()));
  }
}
