package dev.jinx.agent.point.jdbc;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.weave.Access;
import java.io.EOFException;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;
import java.net.ConnectException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.sql.BatchUpdateException;
import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.mariadb.jdbc.BasePreparedStatement;
import org.mariadb.jdbc.Configuration;
import org.mariadb.jdbc.Connection;
import org.mariadb.jdbc.HostAddress;
import org.mariadb.jdbc.Statement;
import org.mariadb.jdbc.client.impl.StandardClient;
import org.mariadb.jdbc.export.ExceptionFactory;

/** MariaDB Connector/J, 3.x. */
final class MariaDb {
  private static final String CONFIGURED =
      "(Lorg/mariadb/jdbc/Configuration;)Lorg/mariadb/jdbc/Connection;";

  // its data source and both of its drivers pass the static connect(Configuration)
  static final DriverClasses CLASSES =
      new DriverClasses("mariadb", "org.mariadb.jdbc.", MariaDb.class)
          .drivers("org/mariadb/jdbc/Driver", "org/mariadb/jdbc/NonRegisteringDriver")
          .connect("org/mariadb/jdbc/Driver", "connect", CONFIGURED, 0)
          .connect("org/mariadb/jdbc/NonRegisteringDriver", "connect", CONFIGURED, 0)
          .connections("org/mariadb/jdbc/Connection")
          .statements(
              "org/mariadb/jdbc/Statement",
              "org/mariadb/jdbc/BasePreparedStatement",
              "org/mariadb/jdbc/ClientPreparedStatement",
              "org/mariadb/jdbc/ServerPreparedStatement",
              "org/mariadb/jdbc/BaseCallableStatement",
              "org/mariadb/jdbc/FunctionStatement",
              "org/mariadb/jdbc/ProcedureStatement")
          .results(
              "org/mariadb/jdbc/client/result/CompleteResult",
              "org/mariadb/jdbc/client/result/StreamingResult",
              "org/mariadb/jdbc/client/result/UpdatableResult");

  private MariaDb() {}

  static final class Adapter extends StandardSql {
    private @Nullable MethodHandle configuration;
    private @Nullable MethodHandle initialUrl;
    private @Nullable MethodHandle text;
    private @Nullable MethodHandle batch;
    private @Nullable MethodHandle preparedBatch;
    private @Nullable MethodHandle factory;
    private @Nullable MethodHandle socket;

    @Override
    public void open(Access access, Class<?> library) throws ReflectiveOperationException {
      configuration = field(access, Connection.class, "conf");
      factory = field(access, Connection.class, "exceptionFactory");
      socket = field(access, StandardClient.class, "socket");
      text = field(access, BasePreparedStatement.class, "sql");
      batch = field(access, Statement.class, "batchQueries");
      preparedBatch = field(access, BasePreparedStatement.class, "batchParameters");
      initialUrl =
          access
              .in(Configuration.class)
              .findVirtual(Configuration.class, "initialUrl", MethodType.methodType(String.class))
              .asType(MethodType.methodType(Object.class, Object.class));
    }

    @Override
    public @Nullable String url(Object connection) {
      Object from = connection;
      if (!(connection instanceof Configuration)) {
        from = configuration == null ? null : read(configuration, connection);
      }
      return from == null || initialUrl == null ? null : (String) read(initialUrl, from);
    }

    @Override
    public @Nullable String sql(Object statement) {
      return text == null ? null : (String) read(text, statement);
    }

    @Override
    protected Collection<?> batched(Object statement) {
      return list(statement instanceof BasePreparedStatement ? preparedBatch : batch, statement);
    }

    /** One of texts is a command each; one of parameters goes to the server as one command. */
    @Override
    public boolean goesOn(SQLException failure, Scene scene) {
      return !(scene.self() instanceof BasePreparedStatement);
    }

    @Override
    public int[] counts(SQLException failure, Scene scene, int size) {
      return failed(size);
    }

    /** As {@code ExceptionFactory.createBatchUpdate} puts it together. */
    @Override
    public SQLException batch(SQLException failure, Scene scene, int[] counts) {
      boolean prepared = scene.self() instanceof BasePreparedStatement;
      if (prepared && counts.length == 1) { // executed by itself
        return super.batch(failure, scene, counts);
      }
      if (isLost(failure)) { // no packet came: only the first is known to have failed
        int[] first = new int[counts.length];
        Arrays.fill(first, 0, Math.min(1, first.length), Statement.EXECUTE_FAILED);
        BatchUpdateException inner = new BatchUpdateException(first, failure);
        return prepared
            ? new BatchUpdateException(failure.toString(), null, 0, counts, inner)
            : inner;
      }
      if (!prepared) {
        return super.batch(failure, scene, counts);
      }
      int[] inner = counts.clone();
      Arrays.fill(inner, 0, Math.min(1, inner.length), Statement.SUCCESS_NO_INFO);
      return super.batch(super.batch(failure, scene, inner), scene, counts);
    }

    @Override
    public SQLException named(NamedError error, Scene scene) {
      if (scene.operation() == Operation.JDBC_CONNECT) {
        return connecting(error, scene);
      }
      return switch (error) {
        case CONNECTION_LOST ->
            lost(
                new EOFException(
                    "unexpected end of stream, read 0 bytes from 4 (socket was closed by server)"),
                scene);
        case TIMEOUT ->
            create(
                "70100",
                1969,
                "Query execution was interrupted (max_statement_time exceeded)",
                scene);
        case DEADLOCK, SERIALIZATION_FAILURE -> // InnoDB knows the one only
            create(
                "40001",
                1213,
                "Deadlock found when trying to get lock; try restarting transaction",
                scene);
        case LOCK_TIMEOUT ->
            create("HY000", 1205, "Lock wait timeout exceeded; try restarting transaction", scene);
        case READ_ONLY ->
            create("25006", 1792, "Cannot execute statement in a READ ONLY transaction", scene);
        case UNIQUE_VIOLATION ->
            create("23000", 1062, "Duplicate entry '1' for key 'PRIMARY'", scene);
        case DISK_FULL ->
            create("HY000", 1114, "The table '" + scene.table("unknown") + "' is full", scene);
        default -> super.named(error, scene);
      };
    }

    private SQLException connecting(NamedError error, Scene scene) {
      HostAddress host = host(scene);
      String place = host == null ? "unknown" : host.host + ":" + host.port;
      Configuration parsed = configuration(scene);
      String user = parsed == null ? scene.user() : parsed.user();
      return switch (error) {
        case CONNECTION_LOST ->
            new SQLNonTransientConnectionException(
                "Socket fail to connect to " + place + ". Connection refused",
                "08000",
                new ConnectException("Connection refused"));
        case TIMEOUT ->
            new SQLNonTransientConnectionException(
                "Socket fail to connect to " + place + ". Connect timed out",
                "08000",
                new SocketTimeoutException("Connect timed out"));
        case TOO_MANY_CONNECTIONS -> create("HY000", 1040, "Too many connections", scene);
        case AUTH_FAILED ->
            exceptions(scene, true)
                .create(
                    "Access denied for user '"
                        + user
                        + "'@'"
                        + (host == null ? "%" : host.host)
                        + "' (using password: YES)",
                    "28000",
                    1045);
        default -> super.named(error, scene);
      };
    }

    @Override
    public SQLException create(String sqlState, int vendorCode, String message, Scene scene) {
      return exceptions(scene).create(message, sqlState, vendorCode);
    }

    @Override
    public SQLException lost(IOException cause, Scene scene) {
      String message =
          scene.operation() == Operation.JDBC_NEXT
              ? "Error while streaming resultSet data"
              : cause instanceof SocketTimeoutException
                  ? "Socket timout error"
                  : "Socket error"; // sic
      return exceptions(scene).create(message, "08000", cause);
    }

    @Override
    public SQLException cancelled(Scene scene) {
      return create("70100", 1317, "Query execution was interrupted", scene);
    }

    /** Rows that break off leave it to the next statement to find the connection broken. */
    @Override
    public void settle(SQLException failure, Scene scene) throws SQLException {
      if (scene.operation() == Operation.JDBC_NEXT
          && isLost(failure)
          && scene.connection() instanceof Connection connection
          && socket != null
          && read(socket, connection.getClient()) instanceof Socket beneath) {
        try {
          beneath.shutdownInput(); // it ends, as when the server is gone
          return;
        } catch (IOException e) {
          // as dead as can be
        }
      }
      super.settle(failure, scene);
    }

    private ExceptionFactory exceptions(Scene scene) {
      return exceptions(scene, false);
    }

    /**
     * @param greeted whether the server has told a connection's number, which all messages name
     */
    private ExceptionFactory exceptions(Scene scene, boolean greeted) {
      Object own = null;
      if (scene.connection() != null && factory != null) {
        own = read(factory, scene.connection());
      }
      if (own instanceof ExceptionFactory known) {
        return known;
      }
      Configuration parsed = configuration(scene);
      if (parsed == null) {
        throw new IllegalStateException("no configuration");
      }
      ExceptionFactory fresh = new ExceptionFactory(parsed, host(scene));
      fresh.setThreadId(greeted ? 1 : 0);
      return fresh;
    }

    private static @Nullable Configuration configuration(Scene scene) {
      try {
        return scene.url() == null ? null : Configuration.parse(scene.url(), scene.info());
      } catch (SQLException e) {
        return null;
      }
    }

    private static @Nullable HostAddress host(Scene scene) {
      Configuration parsed = configuration(scene);
      List<HostAddress> all = parsed == null ? List.of() : parsed.addresses();
      return all.isEmpty() ? null : all.get(0);
    }

    @Override
    public long connectPatience(Scene scene) {
      Configuration parsed = configuration(scene);
      return parsed == null ? Long.MAX_VALUE : millis(parsed.connectTimeout());
    }
  }
}
