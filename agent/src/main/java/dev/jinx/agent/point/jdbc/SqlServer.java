package dev.jinx.agent.point.jdbc;

import com.microsoft.sqlserver.jdbc.SQLServerConnection;
import com.microsoft.sqlserver.jdbc.SQLServerError;
import com.microsoft.sqlserver.jdbc.SQLServerException;
import com.microsoft.sqlserver.jdbc.SQLServerPreparedStatement;
import com.microsoft.sqlserver.jdbc.SQLServerStatement;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.weave.Access;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.net.ConnectException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.sql.BatchUpdateException;
import java.sql.SQLException;
import java.sql.SQLTimeoutException;
import java.util.Collection;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Microsoft's driver for SQL Server. */
final class SqlServer {
  // one attempt to log in, beneath the driver's own retries; its data sources pass there too
  static final DriverClasses CLASSES =
      new DriverClasses("sqlserver", "com.microsoft.sqlserver.jdbc.", SqlServer.class)
          .connect(
              "com/microsoft/sqlserver/jdbc/SQLServerConnection",
              "connectInternal",
              "(Ljava/util/Properties;Lcom/microsoft/sqlserver/jdbc/SQLServerPooledConnection;)Ljava/sql/Connection;",
              0)
          .connections("com/microsoft/sqlserver/jdbc/SQLServerConnection")
          .statements(
              "com/microsoft/sqlserver/jdbc/SQLServerStatement",
              "com/microsoft/sqlserver/jdbc/SQLServerPreparedStatement")
          .results("com/microsoft/sqlserver/jdbc/SQLServerResultSet")
          .wrappers(
              "com/microsoft/sqlserver/jdbc/SQLServerDriver",
              "com/microsoft/sqlserver/jdbc/SQLServerConnectionPoolProxy");

  private SqlServer() {}

  static final class Adapter extends StandardSql {
    private static final int IO_FAILED = 3; // as SQLServerException numbers what it finds itself
    private static final int SOCKET_TIMEOUT = 8;
    private static final int DEADLOCK_VICTIM = 1205;
    private static final int UPDATE_CONFLICT = 3960;

    private @Nullable MethodHandle settings;
    private @Nullable MethodHandle text;
    private @Nullable MethodHandle batch;
    private @Nullable MethodHandle preparedBatch;
    private final Errors errors = new Errors();

    @Override
    public void open(Access access, Class<?> library) throws ReflectiveOperationException {
      settings = field(access, SQLServerConnection.class, "activeConnectionProperties");
      text = field(access, SQLServerPreparedStatement.class, "userSQL");
      batch = field(access, SQLServerStatement.class, "batchStatementBuffer");
      preparedBatch = field(access, SQLServerPreparedStatement.class, "batchParamValues");
      errors.open(access);
    }

    @Override
    public @Nullable String url(Object from) {
      Object known = from;
      if (!(from instanceof Properties)) {
        known = settings == null ? null : read(settings, from);
      }
      return known instanceof Properties it ? url(it) : null;
    }

    /** As the driver's metadata put it, without what stands behind the database. */
    private static String url(Properties settings) {
      String instance = settings.getProperty("instanceName", "");
      String database = settings.getProperty("databaseName", "");
      String port = settings.getProperty("portNumber", instance.isEmpty() ? "1433" : "");
      return "jdbc:sqlserver://"
          + host(settings)
          + (instance.isEmpty() ? "" : "\\" + instance)
          + (port.isEmpty() ? "" : ":" + port)
          + (database.isEmpty() ? "" : ";databaseName=" + database);
    }

    static String host(@Nullable Properties settings) {
      return settings == null ? "localhost" : settings.getProperty("serverName", "localhost");
    }

    @Override
    public @Nullable Properties info(Object self, Object[] arguments) {
      return arguments[0] instanceof Properties settings ? settings : null;
    }

    @Override
    public @Nullable String sql(Object statement) {
      return text == null ? null : (String) read(text, statement);
    }

    @Override
    protected Collection<?> batched(Object statement) {
      return list(
          statement instanceof SQLServerPreparedStatement ? preparedBatch : batch, statement);
    }

    @Override
    public SQLException named(NamedError error, Scene scene) {
      if (scene.operation() == Operation.JDBC_CONNECT) {
        return connecting(error, scene);
      }
      String table = scene.table("unknown");
      String place = table.indexOf('.') < 0 ? "dbo." + table : table;
      String database = database(scene);
      return switch (error) {
        case CONNECTION_LOST -> lost(new SocketException("Connection reset"), scene);
        case TIMEOUT -> {
          SQLException beneath = errors.stopped("R_queryTimedOut");
          yield new SQLTimeoutException(
              beneath.getMessage(), beneath.getSQLState(), beneath.getErrorCode(), beneath);
        }
        case DEADLOCK ->
            errors.server(
                DEADLOCK_VICTIM,
                13,
                51,
                "Transaction (Process ID 51) was deadlocked on lock resources with another process and has been chosen as the deadlock victim. Rerun the transaction.",
                scene);
        case SERIALIZATION_FAILURE ->
            errors.server(
                UPDATE_CONFLICT,
                16,
                2,
                "Snapshot isolation transaction aborted due to update conflict. You cannot use snapshot isolation to access table '"
                    + place
                    + "' directly or indirectly in database '"
                    + database
                    + "' to update, delete, or insert the row that has been modified or deleted by another transaction. Retry the transaction or change the isolation level for the update/delete statement.",
                scene);
        case LOCK_TIMEOUT ->
            errors.server(1222, 16, 45, "Lock request time out period exceeded.", scene);
        case READ_ONLY ->
            errors.server(
                3906,
                16,
                1,
                "Failed to update database \"" + database + "\" because the database is read-only.",
                scene);
        case UNIQUE_VIOLATION ->
            errors.server(
                2627,
                14,
                1,
                "Violation of PRIMARY KEY constraint 'PK_"
                    + table.substring(table.lastIndexOf('.') + 1)
                    + "'. Cannot insert duplicate key in object '"
                    + place
                    + "'. The duplicate key value is (1).",
                scene);
        case DISK_FULL ->
            errors.server(
                1105,
                17,
                2,
                "Could not allocate space for object '"
                    + place
                    + "' in database '"
                    + database
                    + "' because the 'PRIMARY' filegroup is full. Create disk space by deleting unneeded files, dropping objects in the filegroup, adding additional files to the filegroup, or setting autogrowth on for existing files in the filegroup.",
                scene);
        default -> super.named(error, scene);
      };
    }

    private String database(Scene scene) {
      Object known =
          settings == null || scene.connection() == null
              ? null
              : read(settings, scene.connection());
      return known instanceof Properties it ? it.getProperty("databaseName", "master") : "master";
    }

    private SQLException connecting(NamedError error, Scene scene) {
      return switch (error) {
        case CONNECTION_LOST ->
            errors.unreachable(new ConnectException("Connection refused"), scene);
        case TIMEOUT -> errors.unreachable(new SocketTimeoutException("Connect timed out"), scene);
        case TOO_MANY_CONNECTIONS ->
            errors.server(
                17809,
                20,
                1,
                greeted(
                    "Could not connect because the maximum number of '32767' user connections has already been reached. The system administrator can use sp_configure to increase the maximum value. The connection has been closed."),
                scene);
        case AUTH_FAILED ->
            errors.server(
                18456, 14, 1, greeted("Login failed for user '" + scene.user() + "'."), scene);
        default -> super.named(error, scene);
      };
    }

    /** The driver names the connection once it has spoken with the server. */
    private static String greeted(String message) {
      return message + " ClientConnectionId:" + UUID.randomUUID();
    }

    @Override
    public SQLException create(String sqlState, int vendorCode, String message, Scene scene) {
      return errors.coded(sqlState, vendorCode, message, scene);
    }

    @Override
    public SQLException lost(IOException cause, Scene scene) {
      int code = cause instanceof SocketTimeoutException ? SOCKET_TIMEOUT : IO_FAILED;
      return scene.connection() instanceof SQLServerConnection connection
          ? errors.terminated(connection, code, cause)
          : errors.unreachable(cause, scene);
    }

    @Override
    public SQLException cancelled(Scene scene) {
      return errors.stopped("R_queryCanceled");
    }

    @Override
    public int[] counts(SQLException failure, Scene scene, int size) {
      return failed(size);
    }

    /** The driver throws what ended the connection, the transaction or the whole batch as it is. */
    @Override
    public SQLException batch(SQLException failure, Scene scene, int[] counts) {
      if (isLost(failure)
          || endsTransaction(failure)
          || !(failure instanceof SQLServerException)
          || "HY008".equals(failure.getSQLState())) {
        return failure;
      }
      return new BatchUpdateException(
          failure.getMessage(), failure.getSQLState(), failure.getErrorCode(), counts);
    }

    @Override
    public long connectPatience(Scene scene) {
      String timeout = property(scene.info(), "loginTimeout");
      long seconds = timeout == null || timeout.isEmpty() ? 0 : Long.parseLong(timeout);
      return TimeUnit.SECONDS.toNanos(seconds == 0 ? 30 : seconds); // the driver's default
    }

    @Override
    protected boolean endsTransaction(SQLException failure) {
      return super.endsTransaction(failure) || failure.getErrorCode() == UPDATE_CONFLICT;
    }

    /** The driver's own ways to make its exceptions. */
    static final class Errors {
      private @Nullable MethodHandle error;
      private @Nullable MethodHandle number;
      private @Nullable MethodHandle severity;
      private @Nullable MethodHandle state;
      private @Nullable MethodHandle message;
      private @Nullable MethodHandle fromServer;
      private @Nullable MethodHandle notConnected;
      private @Nullable MethodHandle text;
      private @Nullable MethodHandle coded;
      private @Nullable MethodHandle stopped;
      private @Nullable MethodHandle marked;
      private @Nullable MethodHandle terminate;

      void open(Access access) throws ReflectiveOperationException {
        Class<?> it = SQLServerException.class;
        Class<?> connection = SQLServerConnection.class;
        MethodHandles.Lookup errors = access.in(SQLServerError.class);
        MethodHandles.Lookup exceptions = access.in(it);
        error = errors.findConstructor(SQLServerError.class, MethodType.methodType(void.class));
        number = errors.findSetter(SQLServerError.class, "errorNumber", int.class);
        severity = errors.findSetter(SQLServerError.class, "errorSeverity", int.class);
        state = errors.findSetter(SQLServerError.class, "errorState", int.class);
        message = errors.findSetter(SQLServerError.class, "errorMessage", String.class);
        fromServer =
            exceptions.findStatic(
                it,
                "makeFromDatabaseError",
                MethodType.methodType(
                    void.class,
                    connection,
                    Object.class,
                    String.class,
                    SQLServerError.class,
                    boolean.class));
        notConnected =
            exceptions.findStatic(
                it,
                "convertConnectExceptionToSQLServerException",
                MethodType.methodType(
                    void.class, String.class, int.class, connection, Exception.class));
        text =
            exceptions.findStatic(
                it, "getErrString", MethodType.methodType(String.class, String.class));
        coded =
            exceptions.findConstructor(
                it,
                MethodType.methodType(
                    void.class,
                    Object.class,
                    String.class,
                    String.class,
                    SQLServerError.class,
                    boolean.class));
        stopped =
            exceptions.findConstructor(
                it,
                MethodType.methodType(
                    void.class, String.class, String.class, int.class, Throwable.class));
        marked =
            exceptions.findStatic(
                it,
                "checkAndAppendClientConnId",
                MethodType.methodType(String.class, String.class, connection));
        terminate =
            access
                .in(connection)
                .findVirtual(
                    connection,
                    "terminate",
                    MethodType.methodType(void.class, int.class, String.class, Throwable.class));
      }

      /** What the server says. */
      SQLException server(int code, int level, int place, String said, Scene scene) {
        return made(
            fromServer,
            scene.connection(),
            scene.self(),
            said,
            error(code, level, place, said),
            true);
      }

      SQLException unreachable(IOException cause, Scene scene) {
        Properties settings = scene.info() == null ? new Properties() : scene.info();
        String port = settings.getProperty("portNumber", "1433");
        return made(notConnected, host(settings), Integer.parseInt(port), scene.self(), cause);
      }

      SQLException coded(String sqlState, int code, String said, Scene scene) {
        Object full = call(marked, said, scene.connection());
        return made(coded, scene.self(), full, sqlState, error(code, 16, 1, said), true);
      }

      SQLException stopped(String reason) {
        return made(stopped, call(text, reason), "HY008", 0, null);
      }

      /** Closes the connection, and tells who pools it. */
      SQLException terminated(SQLServerConnection connection, int code, IOException cause) {
        try (CallScope scope = CallScope.enter(null)) {
          return made(terminate, connection, code, cause.getMessage(), cause);
        }
      }

      private SQLServerError error(int code, int level, int place, String said) {
        SQLServerError made = (SQLServerError) call(error);
        call(number, made, code);
        call(severity, made, level);
        call(state, made, place);
        call(message, made, said);
        return made;
      }

      /** What a factory gives back or throws. */
      private static SQLException made(
          @Nullable MethodHandle factory, @Nullable Object... arguments) {
        return (SQLException) call(factory, arguments);
      }

      private static Object call(@Nullable MethodHandle handle, @Nullable Object... arguments) {
        try {
          return handle == null ? "unknown" : handle.invokeWithArguments(arguments);
        } catch (SQLException e) {
          return e;
        } catch (RuntimeException | Error e) {
          throw e;
        } catch (Throwable e) {
          throw new IllegalStateException(e);
        }
      }
    }
  }
}
