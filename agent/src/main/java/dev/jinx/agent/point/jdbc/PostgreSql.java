package dev.jinx.agent.point.jdbc;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.weave.Access;
import java.io.EOFException;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.reflect.Field;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Collection;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.postgresql.Driver;
import org.postgresql.PGConnection;
import org.postgresql.PGProperty;
import org.postgresql.core.CachedQuery;
import org.postgresql.core.ParameterList;
import org.postgresql.core.Query;
import org.postgresql.core.v3.QueryExecutorImpl;
import org.postgresql.jdbc.PgConnection;
import org.postgresql.jdbc.PgStatement;
import org.postgresql.util.PSQLException;
import org.postgresql.util.PSQLState;
import org.postgresql.util.ServerErrorMessage;

/** PostgreSQL's own driver. */
final class PostgreSql {
  static final DriverClasses CLASSES =
      new DriverClasses("postgresql", "org.postgresql.", PostgreSql.class)
          .drivers("org/postgresql/Driver")
          .connections("org/postgresql/jdbc/PgConnection")
          .statements(
              "org/postgresql/jdbc/PgStatement",
              "org/postgresql/jdbc/PgPreparedStatement",
              "org/postgresql/jdbc/PgCallableStatement")
          .results("org/postgresql/jdbc/PgResultSet");

  private PostgreSql() {}

  static final class Adapter extends StandardSql {
    private @Nullable MethodHandle query;
    private @Nullable MethodHandle batch;
    private @Nullable MethodHandle parameters;
    private @Nullable MethodHandle keyText;
    private @Nullable MethodHandle failCause;

    @Override
    public void open(Access access, Class<?> library) throws ReflectiveOperationException {
      ClassLoader loader = library.getClassLoader();
      query =
          field(
              access,
              Class.forName("org.postgresql.jdbc.PgPreparedStatement", false, loader),
              "preparedQuery");
      batch = field(access, PgStatement.class, "batchStatements");
      parameters = field(access, PgStatement.class, "batchParameters");
      keyText =
          field(access, Class.forName("org.postgresql.core.BaseQueryKey", false, loader), "sql");
      try {
        Field cause = QueryExecutorImpl.class.getDeclaredField("transactionFailCause");
        failCause = access.in(QueryExecutorImpl.class).unreflectSetter(cause);
      } catch (NoSuchFieldException olderVersion) {
        // it does not say why a transaction is aborted
      }
    }

    @Override
    public @Nullable String url(Object connection) {
      try {
        return ((PgConnection) connection).getURL();
      } catch (SQLException e) {
        return null;
      }
    }

    @Override
    public @Nullable String sql(Object statement) {
      Object prepared = query == null ? null : read(query, statement);
      if (prepared == null || keyText == null) {
        return null;
      }
      Object key = ((CachedQuery) prepared).key;
      return key instanceof String text ? text : (String) read(keyText, key);
    }

    @Override
    protected Collection<?> batched(Object statement) {
      return list(batch, statement);
    }

    /** Its batch is one transaction, or part of one: all of it fails. */
    @Override
    public int[] counts(SQLException failure, Scene scene, int size) {
      return failed(size);
    }

    @Override
    public SQLException named(NamedError error, Scene scene) {
      if (scene.operation() == Operation.JDBC_CONNECT) {
        return connecting(error, scene);
      }
      return switch (error) {
        case CONNECTION_LOST -> {
          SQLException terminated =
              server(
                  "FATAL", "57P01", "terminating connection due to administrator command", "", "");
          terminated.setNextException(lost(new EOFException(), scene));
          yield terminated;
        }
        case TIMEOUT -> create("57014", 0, "canceling statement due to user request", scene);
        case DEADLOCK -> deadlock(scene);
        case SERIALIZATION_FAILURE ->
            create("40001", 0, "could not serialize access due to concurrent update", scene);
        case LOCK_TIMEOUT -> create("55P03", 0, "canceling statement due to lock timeout", scene);
        case READ_ONLY ->
            create(
                "25006",
                0,
                "cannot execute " + scene.verb() + " in a read-only transaction",
                scene);
        case UNIQUE_VIOLATION -> {
          String key = scene.table("unknown");
          key = key.substring(key.lastIndexOf('.') + 1) + "_pkey";
          yield server(
              "ERROR",
              "23505",
              "duplicate key value violates unique constraint \"" + key + "\"",
              "\0DKey (id)=(1) already exists.\0n" + key,
              "");
        }
        case DISK_FULL ->
            create(
                "53100",
                0,
                "could not extend file \"base/5/16385\": No space left on device",
                scene);
        default -> super.named(error, scene);
      };
    }

    private SQLException connecting(NamedError error, Scene scene) {
      Properties parsed = scene.url() == null ? null : Driver.parseURL(scene.url(), scene.info());
      String user = property(parsed, "user");
      return switch (error) {
        case CONNECTION_LOST ->
            new PSQLException(
                "Connection to "
                    + property(parsed, "PGHOST")
                    + ":"
                    + property(parsed, "PGPORT")
                    + " refused. Check that the hostname and port are correct and that the postmaster is accepting TCP/IP connections.",
                PSQLState.CONNECTION_UNABLE_TO_CONNECT,
                new ConnectException("Connection refused"));
        case TIMEOUT ->
            new PSQLException(
                "The connection attempt failed.",
                PSQLState.CONNECTION_UNABLE_TO_CONNECT,
                new SocketTimeoutException("Connect timed out"));
        case TOO_MANY_CONNECTIONS ->
            server("FATAL", "53300", "sorry, too many clients already", "", "");
        case AUTH_FAILED ->
            server(
                "FATAL",
                "28P01",
                "password authentication failed for user \"" + user + "\"",
                "",
                "");
        default -> super.named(error, scene);
      };
    }

    private SQLException deadlock(Scene scene) {
      int own = 4242;
      try {
        if (scene.connection() instanceof PGConnection connection) {
          own = connection.getBackendPID();
        }
      } catch (RuntimeException e) {
        // any number will do
      }
      int other = own + 1;
      return server(
          "ERROR",
          "40P01",
          "deadlock detected",
          "\0DProcess "
              + own
              + " waits for ShareLock on transaction 1001; blocked by process "
              + other
              + ".\nProcess "
              + other
              + " waits for ShareLock on transaction 1000; blocked by process "
              + own
              + ".",
          "\0HSee server log for query details.");
    }

    @Override
    public SQLException create(String sqlState, int vendorCode, String message, Scene scene) {
      boolean fatal =
          sqlState.startsWith("57P") || sqlState.startsWith("08") || sqlState.startsWith("28");
      return server(fatal ? "FATAL" : "ERROR", sqlState, message, "", "");
    }

    private static SQLException server(
        String severity, String sqlState, String message, String more, String hint) {
      return new PSQLException(
          new ServerErrorMessage(
              "S" + severity + "\0V" + severity + "\0C" + sqlState + "\0M" + message + more
                  + hint));
    }

    @Override
    public SQLException lost(IOException cause, Scene scene) {
      return new PSQLException(
          "An I/O error occurred while sending to the backend.",
          PSQLState.CONNECTION_FAILURE,
          cause);
    }

    @Override
    public SQLException batch(SQLException failure, Scene scene, int[] counts) {
      SQLException batch =
          new BatchUpdateException(
              "Batch entry 0 "
                  + firstOfBatch(scene)
                  + " was aborted: "
                  + failure.getMessage()
                  + "  Call getNextException to see other errors in the batch.",
              failure.getSQLState(),
              counts,
              failure);
      batch.setNextException(failure);
      return batch;
    }

    /** As the driver tells it: with the values that were bound. */
    private String firstOfBatch(Scene scene) {
      Collection<?> queries = batched(scene.self());
      if (!queries.isEmpty() && queries.iterator().next() instanceof Query first) {
        Collection<?> values = list(parameters, scene.self());
        return first.toString((ParameterList) (values.isEmpty() ? null : values.iterator().next()));
      }
      return scene.sql() == null ? "" : scene.sql();
    }

    @Override
    public long connectPatience(Scene scene) throws SQLException {
      Properties parsed = scene.url() == null ? null : Driver.parseURL(scene.url(), scene.info());
      if (parsed == null) {
        return super.connectPatience(scene);
      }
      long connect = TimeUnit.SECONDS.toMillis(PGProperty.CONNECT_TIMEOUT.getInt(parsed));
      return Math.min(millis(connect), super.connectPatience(scene));
    }

    @Override
    protected boolean isLost(SQLException failure) {
      String state = failure.getSQLState();
      return super.isLost(failure) || (state != null && state.startsWith("57P"));
    }

    @Override
    protected boolean endsTransaction(SQLException failure) {
      return false; // any error leaves it open and aborted
    }

    @Override
    public void settle(SQLException failure, Scene scene) throws SQLException {
      super.settle(failure, scene);
      Connection connection = scene.connection();
      if (connection == null
          || connection.isClosed()
          || connection.getAutoCommit()
          || scene.operation() == Operation.JDBC_COMMIT
          || scene.operation() == Operation.JDBC_ROLLBACK
          || scene.operation() == Operation.JDBC_PREPARE) {
        return;
      }
      // from here on the server itself refuses what comes before a rollback (25P02)
      try (Statement statement = connection.createStatement()) {
        statement.execute("do $$ begin raise exception 'failure injected by Jinx'; end $$");
      } catch (SQLException asItShould) {
        // the transaction is aborted
      }
      becauseOf(failure, connection);
    }

    /** The driver gives that as the cause, too, of what is refused from now on. */
    private void becauseOf(SQLException failure, Connection connection) {
      if (failCause != null) {
        try {
          failCause.invoke(((PgConnection) connection).getQueryExecutor(), failure);
        } catch (Throwable e) {
          OwnFailures.note(e);
        }
      }
    }
  }
}
