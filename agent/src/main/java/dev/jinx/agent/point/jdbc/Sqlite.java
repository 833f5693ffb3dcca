package dev.jinx.agent.point.jdbc;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.weave.Access;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteConnection;
import org.sqlite.SQLiteDataSource;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.core.CoreStatement;
import org.sqlite.core.DB;

/** SQLite by Xerial's driver. Its failures have no SQLState. */
final class Sqlite {
  static final DriverClasses CLASSES =
      new DriverClasses("sqlite", "org.sqlite.", Sqlite.class)
          .drivers("org/sqlite/JDBC")
          .connect(
              "org/sqlite/SQLiteDataSource",
              "getConnection",
              "(Ljava/lang/String;Ljava/lang/String;)Lorg/sqlite/SQLiteConnection;",
              -1)
          .connections(
              "org/sqlite/SQLiteConnection",
              "org/sqlite/jdbc3/JDBC3Connection",
              "org/sqlite/jdbc4/JDBC4Connection")
          .statements(
              "org/sqlite/core/CorePreparedStatement",
              "org/sqlite/jdbc3/JDBC3Statement",
              "org/sqlite/jdbc3/JDBC3PreparedStatement",
              "org/sqlite/jdbc4/JDBC4Statement",
              "org/sqlite/jdbc4/JDBC4PreparedStatement")
          .results("org/sqlite/jdbc3/JDBC3ResultSet");

  private Sqlite() {}

  static final class Adapter extends StandardSql {
    private static final String CLOSED = "database connection closed";

    private @Nullable MethodHandle text;
    private @Nullable MethodHandle batch;

    @Override
    public void open(Access access, Class<?> library) throws ReflectiveOperationException {
      text = field(access, CoreStatement.class, "sql");
      batch = field(access, CoreStatement.class, "batchPos");
    }

    @Override
    public @Nullable String url(Object from) {
      return from instanceof SQLiteDataSource source
          ? source.getUrl()
          : ((SQLiteConnection) from).getUrl();
    }

    @Override
    public @Nullable String sql(Object statement) {
      return text == null ? null : (String) read(text, statement);
    }

    @Override
    public int batchSize(Object statement) {
      return batch != null && read(batch, statement) instanceof Integer size ? size : 0;
    }

    @Override
    public SQLException named(NamedError error, Scene scene) {
      return switch (error) {
        case CONNECTION_LOST ->
            scene.operation() == Operation.JDBC_CONNECT ? unopened() : new SQLException(CLOSED);
        // a query's timeout is for its locks alone, and one who would wait for ever is told at once
        case TIMEOUT, DEADLOCK, LOCK_TIMEOUT ->
            coded(SQLiteErrorCode.SQLITE_BUSY, "database is locked");
        case SERIALIZATION_FAILURE ->
            coded(SQLiteErrorCode.SQLITE_BUSY_SNAPSHOT, "database is locked");
        case READ_ONLY ->
            coded(SQLiteErrorCode.SQLITE_READONLY, "attempt to write a readonly database");
        case UNIQUE_VIOLATION ->
            coded(
                SQLiteErrorCode.SQLITE_CONSTRAINT_PRIMARYKEY,
                "UNIQUE constraint failed: " + scene.table("unknown") + ".id");
        case DISK_FULL -> coded(SQLiteErrorCode.SQLITE_FULL, "database or disk is full");
        // it has neither users nor a limit: what it says of a denied action, and of a process that
        // has too many files open
        case AUTH_FAILED -> coded(SQLiteErrorCode.SQLITE_AUTH, "not authorized");
        case TOO_MANY_CONNECTIONS -> unopened();
        default -> super.named(error, scene);
      };
    }

    private static SQLException unopened() {
      return coded(SQLiteErrorCode.SQLITE_CANTOPEN, "unable to open database file");
    }

    private static SQLException coded(SQLiteErrorCode code, String message) {
      return DB.newSQLException(code.code, message);
    }

    @Override
    public SQLException lost(IOException cause, Scene scene) {
      return new SQLException(CLOSED);
    }

    @Override
    public SQLException cancelled(Scene scene) {
      return coded(SQLiteErrorCode.SQLITE_INTERRUPT, "interrupted");
    }

    /** A prepared batch fails as its statement does. */
    @Override
    public SQLException batch(SQLException failure, Scene scene, int[] counts) {
      return scene.self() instanceof PreparedStatement
          ? failure
          : new BatchUpdateException(
              "batch entry 0: " + failure.getMessage(), null, 0, counts, failure);
    }

    /** What did not succeed changed no row. */
    @Override
    public int[] counts(SQLException failure, Scene scene, int size) {
      return new int[size];
    }

    @Override
    public long connectPatience(Scene scene) {
      return Long.MAX_VALUE; // it knows no timeout while connecting
    }

    /** A transaction goes on after any failure, also of its commit, which may be tried again. */
    @Override
    public void settle(SQLException failure, Scene scene) throws SQLException {
      if (scene.operation() == Operation.JDBC_BATCH
          && scene.self() instanceof PreparedStatement statement) {
        statement.clearBatch();
      }
      if (isLost(failure) || scene.operation() == Operation.JDBC_CLOSE) {
        super.settle(failure, scene);
      }
    }

    @Override
    protected boolean isLost(SQLException failure) {
      return CLOSED.equals(failure.getMessage()) || super.isLost(failure);
    }

    @Override
    protected void kill(Connection connection) throws SQLException {
      ((SQLiteConnection) connection).getDatabase().close();
    }
  }
}
