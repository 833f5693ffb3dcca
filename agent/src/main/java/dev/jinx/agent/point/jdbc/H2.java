package dev.jinx.agent.point.jdbc;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.weave.Access;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Collection;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.h2.api.ErrorCode;
import org.h2.command.Command;
import org.h2.command.CommandRemote;
import org.h2.engine.SessionRemote;
import org.h2.engine.SysProperties;
import org.h2.jdbc.JdbcBatchUpdateException;
import org.h2.jdbc.JdbcConnection;
import org.h2.jdbc.JdbcException;
import org.h2.jdbc.JdbcPreparedStatement;
import org.h2.jdbc.JdbcStatement;
import org.h2.jdbcx.JdbcDataSource;
import org.h2.message.DbException;
import org.h2.mvstore.DataUtils;
import org.jspecify.annotations.Nullable;

/** H2, embedded and by TCP. */
final class H2 {
  private static final String SOURCE = "org/h2/jdbcx/JdbcDataSource";

  static final DriverClasses CLASSES =
      new DriverClasses("h2", "org.h2.", H2.class)
          .drivers("org/h2/Driver")
          .dataSource(SOURCE, "getConnection", "Ljava/sql/Connection;")
          .dataSource(SOURCE, "getXAConnection", "Ljavax/sql/XAConnection;")
          .connections("org/h2/jdbc/JdbcConnection")
          .statements(
              "org/h2/jdbc/JdbcStatement",
              "org/h2/jdbc/JdbcPreparedStatement",
              "org/h2/jdbc/JdbcCallableStatement")
          .results("org/h2/jdbc/JdbcResultSet");

  private H2() {}

  static final class Adapter extends StandardSql {
    private @Nullable MethodHandle url;
    private @Nullable MethodHandle command;
    private @Nullable MethodHandle localText;
    private @Nullable MethodHandle remoteText;
    private @Nullable MethodHandle batch;
    private @Nullable MethodHandle preparedBatch;
    private @Nullable MethodHandle batchFailure;

    @Override
    public void open(Access access, Class<?> library) throws ReflectiveOperationException {
      url = field(access, JdbcConnection.class, "url");
      command = field(access, JdbcPreparedStatement.class, "command");
      localText = field(access, Command.class, "sql");
      remoteText = field(access, CommandRemote.class, "sql");
      batch = field(access, JdbcStatement.class, "batchCommands");
      preparedBatch = field(access, JdbcPreparedStatement.class, "batchParameters");
      batchFailure =
          access
              .in(JdbcBatchUpdateException.class)
              .findConstructor(
                  JdbcBatchUpdateException.class,
                  MethodType.methodType(void.class, SQLException.class, int[].class));
    }

    @Override
    public @Nullable String url(Object connection) {
      if (connection instanceof JdbcDataSource source) {
        return source.getURL();
      }
      return url == null ? null : (String) read(url, connection);
    }

    @Override
    public @Nullable String sql(Object statement) {
      if (command == null || localText == null || remoteText == null) {
        return null;
      }
      Object prepared = read(command, statement);
      return prepared == null
          ? null
          : (String) read(prepared instanceof CommandRemote ? remoteText : localText, prepared);
    }

    @Override
    protected Collection<?> batched(Object statement) {
      return list(statement instanceof JdbcPreparedStatement ? preparedBatch : batch, statement);
    }

    @Override
    public boolean goesOn(SQLException failure, Scene scene) {
      return true;
    }

    @Override
    public SQLException named(NamedError error, Scene scene) {
      if (scene.operation() == Operation.JDBC_CONNECT) {
        return connecting(error, scene);
      }
      String table = scene.table("unknown").toUpperCase(Locale.ROOT);
      return switch (error) {
        case CONNECTION_LOST ->
            remote(scene)
                ? coded(ErrorCode.CONNECTION_BROKEN_1, null, scene, "session closed")
                : DbException.getJdbcSQLException(ErrorCode.DATABASE_CALLED_AT_SHUTDOWN);
        case TIMEOUT -> coded(ErrorCode.STATEMENT_WAS_CANCELED, null, scene);
        case DEADLOCK, SERIALIZATION_FAILURE -> // H2 spells both alike
            coded(
                ErrorCode.DEADLOCK_1,
                store(
                    DataUtils.ERROR_TRANSACTIONS_DEADLOCK,
                    "Transaction 1 has been chosen as a deadlock victim.",
                    scene),
                scene,
                table);
        case LOCK_TIMEOUT ->
            coded(
                ErrorCode.LOCK_TIMEOUT_1,
                store(DataUtils.ERROR_TRANSACTION_LOCKED, "Map entry is locked", scene),
                scene,
                table);
        case READ_ONLY -> coded(ErrorCode.DATABASE_IS_READ_ONLY, null, scene);
        case UNIQUE_VIOLATION ->
            coded(
                ErrorCode.DUPLICATE_KEY_1,
                null,
                scene,
                "PUBLIC.CONSTRAINT_1 PRIMARY KEY ON PUBLIC." + table + "(ID) ( /* key:1 */ 1)");
        case DISK_FULL ->
            coded(
                ErrorCode.IO_EXCEPTION_1,
                new IOException("No space left on device"),
                scene,
                "java.io.IOException: No space left on device");
        default -> super.named(error, scene);
      };
    }

    /** What the store says beneath; a server keeps it to itself. */
    private static @Nullable Throwable store(int code, String message, Scene scene) {
      return remote(scene) ? null : DataUtils.newMVStoreException(code, message);
    }

    private SQLException connecting(NamedError error, Scene scene) {
      return switch (error) {
        case CONNECTION_LOST -> broken(new ConnectException("Connection refused"), scene);
        case TIMEOUT -> broken(new SocketTimeoutException("Connect timed out"), scene);
        case AUTH_FAILED -> coded(ErrorCode.WRONG_USER_OR_PASSWORD, null, scene);
        // H2 has no limit; the nearest it can say
        case TOO_MANY_CONNECTIONS ->
            coded(ErrorCode.CONNECTION_BROKEN_1, null, scene, "Too many connections");
        default -> super.named(error, scene);
      };
    }

    private static SQLException broken(IOException cause, Scene scene) {
      return coded(ErrorCode.CONNECTION_BROKEN_1, cause, scene, cause + ": " + place(scene.url()));
    }

    /** What stands between {@code //} and {@code /} in the URL. */
    private static String place(@Nullable String url) {
      int start = url == null ? -1 : url.indexOf("//");
      if (url == null || start < 0) {
        return "localhost";
      }
      int end = url.indexOf('/', start + 2);
      return url.substring(start + 2, end < 0 ? url.length() : end);
    }

    private static boolean remote(Scene scene) {
      return scene.connection() instanceof JdbcConnection connection
          && connection.getSession() instanceof SessionRemote;
    }

    private static SQLException coded(
        int code, @Nullable Throwable cause, Scene scene, String... parameters) {
      SQLException failure = DbException.getJdbcSQLException(code, cause, parameters);
      if (scene.sql() != null
          && failure instanceof JdbcException known
          && code != ErrorCode.CONNECTION_BROKEN_1) {
        known.setSQL(scene.sql());
      }
      return failure;
    }

    @Override
    public SQLException create(String sqlState, int vendorCode, String message, Scene scene) {
      int code = vendorCode;
      if (code == 0) { // H2's codes are its states, where these are numbers
        code =
            sqlState.matches("[0-9]{5}") ? Integer.parseInt(sqlState) : ErrorCode.GENERAL_ERROR_1;
      }
      return DbException.getJdbcSQLException(
          message + " [" + code + "]", scene.sql(), sqlState, code, null, null);
    }

    @Override
    public SQLException lost(IOException cause, Scene scene) {
      return coded(ErrorCode.CONNECTION_BROKEN_1, cause, scene, cause.toString());
    }

    @Override
    public int[] counts(SQLException failure, Scene scene, int size) {
      return failed(size);
    }

    @Override
    public SQLException batch(SQLException failure, Scene scene, int[] counts) {
      if (isLost(failure)) {
        if (!remote(scene) || scene.self() instanceof JdbcPreparedStatement) {
          return failure; // it does not get as far as the batch
        }
        for (int i = 1; i < counts.length; i++) { // each of the others finds that it is gone
          failure.setNextException(
              DbException.getJdbcSQLException(ErrorCode.DATABASE_CALLED_AT_SHUTDOWN));
        }
      }
      try {
        return batchFailure == null
            ? super.batch(failure, scene, counts)
            : (SQLException) batchFailure.invoke(failure, counts);
      } catch (Throwable e) {
        return super.batch(failure, scene, counts);
      }
    }

    @Override
    public long connectPatience(Scene scene) {
      boolean remote =
          scene.url() != null
              && (scene.url().startsWith("jdbc:h2:tcp:") || scene.url().startsWith("jdbc:h2:ssl:"));
      return remote
          ? TimeUnit.MILLISECONDS.toNanos(SysProperties.SOCKET_CONNECT_TIMEOUT)
          : Long.MAX_VALUE;
    }

    @Override
    protected boolean isLost(SQLException failure) {
      return switch (failure.getErrorCode()) {
        case ErrorCode.CONNECTION_BROKEN_1,
            ErrorCode.DATABASE_CALLED_AT_SHUTDOWN,
            ErrorCode.DATABASE_IS_CLOSED ->
            true;
        default -> super.isLost(failure);
      };
    }

    @Override
    protected void kill(Connection connection) {
      ((JdbcConnection) connection).getSession().close();
    }
  }
}
