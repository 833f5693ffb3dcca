package dev.jinx.it.jdbc;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/** A real PostgreSQL server. */
public final class Postgres extends Database {
  private static final String WAITING =
      "select count(*) from pg_stat_activity where wait_event_type = 'Lock'";

  private static final class Server {
    static final Postgres ONE = new Postgres();
  }

  private final EmbeddedPostgres server;

  private Postgres() {
    try {
      server = EmbeddedPostgres.builder().setServerConfig("max_connections", "25").start();
      try (Connection connection = connect()) {
        run(connection, TABLE);
        run(connection, "create role guest login password 'right'");
        Path hba = Path.of(text(connection, "show hba_file"));
        String rules = "host all guest all scram-sha-256\n" + Files.readString(hba);
        Files.writeString(hba, rules);
        run(connection, "select pg_reload_conf()");
      }
      reset();
    } catch (IOException | SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  public static Postgres server() {
    return Server.ONE;
  }

  public int port() {
    return server.getPort();
  }

  @Override
  public String toString() {
    return "PostgreSQL";
  }

  @Override
  Class<?> connectionClass() {
    return org.postgresql.jdbc.PgConnection.class;
  }

  @Override
  String url() {
    return server.getJdbcUrl("postgres", "postgres");
  }

  @Override
  String user() {
    return "postgres";
  }

  private static String text(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        var result = statement.executeQuery(sql)) {
      result.next();
      return result.getString(1);
    }
  }

  @Override
  String withNetworkTimeout() {
    return url() + "&socketTimeout=1";
  }

  @Override
  String countRunning() {
    return "select count(*) from pg_stat_activity where wait_event = 'PgSleep'";
  }

  @Override
  String slowQuery() {
    return "select pg_sleep(20)";
  }

  @Override
  List<Scenario> scenarios() {
    String update = "update account set balance = balance - 1 where id = ";
    return all(
        others(this::terminate),
        List.of(
            next("connectionLost", "select * from generate_series(1, 100000)", this::terminate),
            new Scenario("connectionLost", c -> {}, this::terminate, runs(update + 1)),
            new Scenario(
                "connectionLost", inTransaction(update + 1), this::terminate, runs(update + 2)),
            new Scenario(
                "timeout",
                inTransaction(update + 2),
                rowOneLocked(),
                c -> {
                  try (Statement statement = c.createStatement()) {
                    statement.setQueryTimeout(1);
                    statement.execute(update + 1);
                  }
                }),
            new Scenario(
                "deadlock",
                inTransaction("set deadlock_timeout = '50ms'", update + 1),
                crossed(runs("set deadlock_timeout = '60s'"), WAITING),
                runs(update + 2)),
            new Scenario(
                "serializationFailure",
                inTransaction(
                    "set transaction isolation level repeatable read", "select * from account"),
                victim -> {
                  try (Connection other = connect()) {
                    run(other, update + 1);
                  }
                  return () -> {};
                },
                runs(update + 1)),
            new Scenario(
                "lockTimeout",
                inTransaction("set lock_timeout = '100ms'"),
                rowOneLocked(),
                runs(update + 1)),
            new Scenario(
                "readOnly",
                c -> c.setAutoCommit(false),
                victim -> {
                  run(victim, "set transaction read only");
                  return () -> {};
                },
                runs(update + 1)),
            new Scenario(
                "uniqueViolation",
                inTransaction(update + 2),
                rowThreeTaken(),
                runs("insert into account values (3, 1)")),
            new Scenario(
                "diskFull",
                inTransaction(update + 2),
                victim -> () -> {},
                runs("copy account to '/dev/full'"))));
  }

  private AutoCloseable terminate(Connection victim) throws Exception {
    int backend = number(victim, "select pg_backend_pid()");
    try (Connection other = connect()) {
      run(other, "select pg_terminate_backend(" + backend + ")");
      until(
          () -> number(other, "select count(*) from pg_stat_activity where pid = " + backend) == 0);
    }
    return () -> {};
  }

  @Override
  List<Scenario> connectScenarios() {
    return List.of(
        new Scenario("connect", "tooManyConnections", c -> {}, this::fill, c -> connect().close()),
        new Scenario(
            "connect",
            "authFailed",
            c -> {},
            c -> () -> {},
            c -> connect(url().replaceAll("\\?.*", ""), "guest", "wrong").close()),
        new Scenario("connect", "connectionLost", c -> {}, c -> () -> {}, c -> refused()));
  }

  private AutoCloseable fill(Connection victim) {
    List<Connection> all = new ArrayList<>();
    try {
      for (int i = 0; i < 100; i++) {
        all.add(connect());
      }
    } catch (SQLException full) {
      // as it should
    }
    return () -> {
      for (Connection connection : all) {
        connection.close();
      }
    };
  }

  private void refused() throws SQLException {
    connect("jdbc:postgresql://localhost:1/postgres", "postgres", "").close();
  }
}
