package dev.jinx.agent.point.jdbc;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.weave.Access;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.hsqldb.HsqlException;
import org.hsqldb.error.Error;
import org.hsqldb.error.ErrorCode;
import org.hsqldb.jdbc.JDBCCommonDataSource;
import org.hsqldb.jdbc.JDBCConnection;
import org.hsqldb.jdbc.JDBCPreparedStatement;
import org.hsqldb.jdbc.JDBCUtil;
import org.jspecify.annotations.Nullable;

/** HSQLDB, in process and as a client of its server. */
final class HsqlDb {
  private static final String POOLED = "Ljavax/sql/PooledConnection;";
  private static final String XA = "Ljavax/sql/XAConnection;";

  // its data sources pass a static method that the driver asks for any URL too: they are named
  static final DriverClasses CLASSES =
      new DriverClasses("hsqldb", "org.hsqldb.", HsqlDb.class)
          .drivers("org/hsqldb/jdbc/JDBCDriver")
          .connect(
              "org/hsqldb/jdbc/JDBCDataSource",
              "getConnection",
              "(Ljava/lang/String;Ljava/util/Properties;)Ljava/sql/Connection;",
              -1)
          .dataSource("org/hsqldb/jdbc/pool/JDBCPooledDataSource", "getPooledConnection", POOLED)
          .dataSource("org/hsqldb/jdbc/pool/JDBCXADataSource", "getXAConnection", XA)
          .connections("org/hsqldb/jdbc/JDBCConnection")
          .statements(
              "org/hsqldb/jdbc/JDBCStatement",
              "org/hsqldb/jdbc/JDBCPreparedStatement",
              "org/hsqldb/jdbc/JDBCCallableStatement")
          .results("org/hsqldb/jdbc/JDBCResultSet");

  private HsqlDb() {}

  static final class Adapter extends StandardSql {
    private @Nullable MethodHandle text;

    @Override
    public void open(Access access, Class<?> library) throws ReflectiveOperationException {
      text = field(access, JDBCPreparedStatement.class, "sql");
    }

    @Override
    public @Nullable String url(Object from) {
      return from instanceof JDBCCommonDataSource source ? source.getUrl() : null;
    }

    @Override
    public @Nullable String sql(Object statement) {
      return text == null ? null : (String) read(text, statement);
    }

    @Override
    public SQLException named(NamedError error, Scene scene) {
      if (scene.operation() == Operation.JDBC_CONNECT) {
        return connecting(error, scene);
      }
      return switch (error) {
        case CONNECTION_LOST -> JDBCUtil.sqlException(ErrorCode.X_08503);
        // its only timeout is that of the query, whatever the query waits for
        case TIMEOUT, LOCK_TIMEOUT -> JDBCUtil.sqlException(ErrorCode.X_40502);
        case DEADLOCK, SERIALIZATION_FAILURE -> // HSQLDB spells both alike
            JDBCUtil.sqlException(ErrorCode.X_40001);
        case READ_ONLY -> JDBCUtil.sqlException(ErrorCode.X_25006);
        case UNIQUE_VIOLATION ->
            JDBCUtil.sqlException(
                Error.error(
                    null,
                    ErrorCode.X_23505,
                    ErrorCode.CONSTRAINT,
                    new String[] {
                      "SYS_PK_10091", scene.table("unknown").toUpperCase(Locale.ROOT)
                    }));
        case DISK_FULL -> JDBCUtil.sqlException(ErrorCode.DATA_FILE_IS_FULL);
        default -> super.named(error, scene);
      };
    }

    private SQLException connecting(NamedError error, Scene scene) {
      return switch (error) {
        case CONNECTION_LOST -> lost(new ConnectException("Connection refused"), scene);
        case TIMEOUT -> JDBCUtil.sqlException(ErrorCode.X_08501);
        case AUTH_FAILED -> {
          String user = scene.user();
          yield JDBCUtil.sqlException(ErrorCode.X_28000, user.equalsIgnoreCase("SA") ? "SA" : user);
        }
        default -> super.named(error, scene);
      };
    }

    @Override
    public SQLException create(String sqlState, int vendorCode, String message, Scene scene) {
      return JDBCUtil.sqlException(message, sqlState, vendorCode, null);
    }

    @Override
    public SQLException lost(IOException cause, Scene scene) {
      return cause instanceof SocketTimeoutException
          ? JDBCUtil.sqlException(ErrorCode.X_08501)
          : JDBCUtil.sqlException(
              new HsqlException(
                  cause, Error.getStateString(ErrorCode.X_08001), -ErrorCode.X_08001));
    }

    @Override
    public SQLException batch(SQLException failure, Scene scene, int[] counts) {
      return new BatchUpdateException(
          failure.getMessage(), failure.getSQLState(), failure.getErrorCode(), counts);
    }

    @Override
    public long connectPatience(Scene scene) throws SQLException {
      String url = scene.url();
      if (url == null || !url.matches("(?i)jdbc:hsqldb:(hsqls?|https?):.*")) {
        return Long.MAX_VALUE;
      }
      String seconds = property(scene.info(), "loginTimeout");
      return seconds == null || !seconds.matches("[1-9][0-9]{0,8}")
          ? super.connectPatience(scene)
          : TimeUnit.SECONDS.toNanos(Integer.parseInt(seconds));
    }

    @Override
    protected boolean endsTransaction(SQLException failure) {
      return !"40502".equals(failure.getSQLState()) && super.endsTransaction(failure);
    }

    /** Ends the session; the connection itself does not notice, for real too. */
    @Override
    protected void kill(Connection connection) {
      ((JDBCConnection) connection).getSession().close();
    }
  }
}
