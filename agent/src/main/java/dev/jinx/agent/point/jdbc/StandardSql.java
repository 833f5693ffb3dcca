package dev.jinx.agent.point.jdbc;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.weave.Access;
import java.io.EOFException;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLDataException;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.SQLIntegrityConstraintViolationException;
import java.sql.SQLInvalidAuthorizationSpecException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLSyntaxErrorException;
import java.sql.SQLTimeoutException;
import java.sql.SQLTransactionRollbackException;
import java.sql.SQLTransientConnectionException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * How failures are spelled by {@code java.sql} itself, for drivers without a file of their own; and
 * what the drivers' adapters set out from.
 */
public class StandardSql {

  /** Called once, before all else; the class is one of the driver's. */
  public void open(Access access, Class<?> library) throws ReflectiveOperationException {}

  // ---- what a call is about

  /**
   * The URL that a connection was made by, or would be by a data source or whatever else the
   * driver's {@link DriverClasses#connect} names; null where only a connection's metadata tell.
   */
  public @Nullable String url(Object from) {
    return null;
  }

  /** The settings that come beside the URL while connecting. */
  public @Nullable Properties info(Object self, Object[] arguments) {
    return arguments.length > 1 && arguments[1] instanceof Properties info ? info : null;
  }

  /** The text of a prepared statement; null where it must be remembered from prepare. */
  public @Nullable String sql(Object statement) {
    return null;
  }

  /** The driver's own list of what waits in a batch; empty where it is not known. */
  protected Collection<?> batched(Object statement) {
    return List.of();
  }

  /** How many statements wait in a batch; 0 where unknown. */
  public int batchSize(Object statement) {
    return batched(statement).size();
  }

  // ---- how it fails

  /** A failure of the contract. */
  public SQLException named(NamedError error, Scene scene) {
    return switch (error) {
      case CONNECTION_LOST -> lost(new EOFException(), scene);
      case TIMEOUT ->
          scene.operation() == Operation.JDBC_CONNECT
              ? create("08001", 0, "The connection attempt timed out", scene)
              : new SQLTimeoutException("The statement was cancelled: timeout", "HYT00");
      case DEADLOCK ->
          create("40001", 0, "Deadlock detected; the transaction is rolled back", scene);
      case SERIALIZATION_FAILURE -> create("40001", 0, "Could not serialize access", scene);
      case LOCK_TIMEOUT -> new SQLTimeoutException("Timeout while waiting for a lock", "HYT00");
      case TOO_MANY_CONNECTIONS ->
          new SQLTransientConnectionException("Too many connections", "08004");
      case AUTH_FAILED -> create("28000", 0, "Invalid user name or password", scene);
      case READ_ONLY -> create("25006", 0, "The transaction is read-only", scene);
      case UNIQUE_VIOLATION ->
          create("23505", 0, "Unique constraint violated on " + scene.table("a table"), scene);
      case DISK_FULL -> create("53100", 0, "No space left on device", scene);
      default -> create("HY000", 0, error.json(), scene);
    };
  }

  /** A failure by its code. */
  public SQLException create(String sqlState, int vendorCode, String message, Scene scene) {
    return switch (sqlState.length() < 2 ? "" : sqlState.substring(0, 2)) {
      case "08" -> new SQLNonTransientConnectionException(message, sqlState, vendorCode);
      case "0A" -> new SQLFeatureNotSupportedException(message, sqlState, vendorCode);
      case "22" -> new SQLDataException(message, sqlState, vendorCode);
      case "23" -> new SQLIntegrityConstraintViolationException(message, sqlState, vendorCode);
      case "28" -> new SQLInvalidAuthorizationSpecException(message, sqlState, vendorCode);
      case "40" -> new SQLTransactionRollbackException(message, sqlState, vendorCode);
      case "42" -> new SQLSyntaxErrorException(message, sqlState, vendorCode);
      default -> new SQLException(message, sqlState, vendorCode);
    };
  }

  /** The network failed beneath a connection that stood. */
  public SQLException lost(IOException cause, Scene scene) {
    return new SQLNonTransientConnectionException("The connection was lost", "08006", cause);
  }

  /** {@code Statement.cancel()} was called meanwhile. */
  public SQLException cancelled(Scene scene) {
    return named(NamedError.TIMEOUT, scene);
  }

  /** Whether the driver goes on with the other statements of a batch when its first one fails. */
  public boolean goesOn(SQLException failure, Scene scene) throws SQLException {
    return false;
  }

  /**
   * The update counts of a batch that ends with its first statement. JDBC leaves it to the driver:
   * those of the statements before, so none; or as many as there are statements, all of them
   * failed.
   */
  public int[] counts(SQLException failure, Scene scene, int size) {
    return new int[0];
  }

  /** What a batch throws around the failure of its first statement. */
  public SQLException batch(SQLException failure, Scene scene, int[] counts) {
    return new BatchUpdateException(
        failure.getMessage(), failure.getSQLState(), failure.getErrorCode(), counts, failure);
  }

  protected static int[] failed(int size) {
    int[] counts = new int[size];
    Arrays.fill(counts, Statement.EXECUTE_FAILED);
    return counts;
  }

  /** Nanoseconds that an attempt to connect may take; {@code Long.MAX_VALUE} for ever. */
  public long connectPatience(Scene scene) throws SQLException {
    int seconds = DriverManager.getLoginTimeout();
    return seconds == 0 ? Long.MAX_VALUE : TimeUnit.SECONDS.toNanos(seconds);
  }

  // ---- what is left

  /** Brings the connection to where the real failure would have left it. */
  public void settle(SQLException failure, Scene scene) throws SQLException {
    Connection connection = scene.connection();
    if (connection == null) {
      return;
    }
    if (isLost(failure) || scene.operation() == Operation.JDBC_CLOSE) {
      kill(connection);
    } else if (scene.operation() == Operation.JDBC_COMMIT || endsTransaction(failure)) {
      if (!connection.getAutoCommit()) {
        connection.rollback();
      }
    }
  }

  /** Whether the connection is gone after that failure. */
  protected boolean isLost(SQLException failure) {
    String state = failure.getSQLState();
    return state != null && state.startsWith("08");
  }

  /** Whether the server has rolled the transaction back with that failure. */
  protected boolean endsTransaction(SQLException failure) {
    String state = failure.getSQLState();
    return state != null && state.startsWith("40");
  }

  /** Ends the physical connection. */
  protected void kill(Connection connection) throws SQLException {
    try {
      connection.abort(Runnable::run);
    } catch (SQLFeatureNotSupportedException
        | UnsupportedOperationException
        | AbstractMethodError old) {
      connection.close();
    }
  }

  // ---- for adapters

  /** Reads a field of an object, as {@code Object} to {@code Object}. */
  public static MethodHandle field(Access access, Class<?> owner, String name)
      throws ReflectiveOperationException {
    var field = owner.getDeclaredField(name);
    return access
        .in(owner)
        .unreflectGetter(field)
        .asType(MethodType.methodType(Object.class, Object.class));
  }

  public static @Nullable Object read(MethodHandle field, Object from) {
    try {
      return (Object) field.invokeExact(from);
    } catch (Throwable notOfThatClass) {
      return null;
    }
  }

  protected static Collection<?> list(@Nullable MethodHandle field, Object from) {
    return field != null && read(field, from) instanceof Collection<?> all ? all : List.of();
  }

  protected static long millis(long millis) {
    return millis <= 0 ? Long.MAX_VALUE : TimeUnit.MILLISECONDS.toNanos(millis);
  }

  protected static @Nullable String property(@Nullable Properties info, String key) {
    return info == null ? null : info.getProperty(key);
  }
}
