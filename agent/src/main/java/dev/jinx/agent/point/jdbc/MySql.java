package dev.jinx.agent.point.jdbc;

import com.mysql.cj.AbstractQuery;
import com.mysql.cj.Messages;
import com.mysql.cj.NativeSession;
import com.mysql.cj.PreparedQuery;
import com.mysql.cj.conf.HostInfo;
import com.mysql.cj.conf.PropertyKey;
import com.mysql.cj.exceptions.CJCommunicationsException;
import com.mysql.cj.exceptions.ExceptionFactory;
import com.mysql.cj.exceptions.ExceptionInterceptor;
import com.mysql.cj.exceptions.MysqlErrorNumbers;
import com.mysql.cj.jdbc.JdbcConnection;
import com.mysql.cj.jdbc.JdbcPropertySetImpl;
import com.mysql.cj.jdbc.StatementImpl;
import com.mysql.cj.jdbc.exceptions.MySQLStatementCancelledException;
import com.mysql.cj.jdbc.exceptions.MySQLTimeoutException;
import com.mysql.cj.jdbc.exceptions.SQLError;
import com.mysql.cj.jdbc.exceptions.SQLExceptionsMapping;
import com.mysql.cj.protocol.PacketSentTimeHolder;
import com.mysql.cj.protocol.a.NativeProtocol;
import com.mysql.cj.util.Util;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.weave.Access;
import java.io.EOFException;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Collection;
import java.util.Properties;
import org.jspecify.annotations.Nullable;

/** MySQL Connector/J, since 8.0. */
final class MySql {
  // one physical connection at a time, beneath failover and load balancing
  static final DriverClasses CLASSES =
      new DriverClasses("mysql", "com.mysql.cj.", MySql.class)
          .connect(
              "com/mysql/cj/jdbc/ConnectionImpl",
              "getInstance",
              "(Lcom/mysql/cj/conf/HostInfo;)Lcom/mysql/cj/jdbc/JdbcConnection;",
              0)
          .connections("com/mysql/cj/jdbc/ConnectionImpl")
          .statements(
              "com/mysql/cj/jdbc/StatementImpl",
              "com/mysql/cj/jdbc/ClientPreparedStatement",
              "com/mysql/cj/jdbc/ServerPreparedStatement",
              "com/mysql/cj/jdbc/CallableStatement")
          .results(
              "com/mysql/cj/jdbc/result/ResultSetImpl",
              "com/mysql/cj/jdbc/result/UpdatableResultSet")
          .wrappers(
              "com/mysql/cj/jdbc/NonRegisteringDriver",
              "com/mysql/cj/jdbc/ConnectionWrapper",
              "com/mysql/cj/jdbc/StatementWrapper",
              "com/mysql/cj/jdbc/PreparedStatementWrapper",
              "com/mysql/cj/jdbc/CallableStatementWrapper",
              "com/mysql/cj/jdbc/ha/");

  private MySql() {}

  static final class Adapter extends StandardSql {
    private @Nullable MethodHandle batch;

    @Override
    public void open(Access access, Class<?> library) throws ReflectiveOperationException {
      batch = field(access, AbstractQuery.class, "batchedArgs");
    }

    @Override
    public @Nullable String url(Object from) {
      if (from instanceof HostInfo host) {
        return host.getDatabaseUrl();
      }
      return from instanceof JdbcConnection connection ? connection.getURL() : null;
    }

    @Override
    public @Nullable Properties info(Object self, Object[] arguments) {
      return arguments[0] instanceof HostInfo host ? host.exposeAsProperties() : null;
    }

    @Override
    public @Nullable String sql(Object statement) {
      return ((StatementImpl) statement).getQuery() instanceof PreparedQuery prepared
          ? prepared.getOriginalSql()
          : null;
    }

    @Override
    protected Collection<?> batched(Object statement) {
      return list(batch, ((StatementImpl) statement).getQuery());
    }

    /** As {@code StatementImpl.handleExceptionForBatch} decides. */
    @Override
    public boolean goesOn(SQLException failure, Scene scene) {
      boolean over =
          failure instanceof MySQLTimeoutException
              || failure instanceof MySQLStatementCancelledException
              || failure.getErrorCode() == MysqlErrorNumbers.ER_LOCK_DEADLOCK
              || failure.getErrorCode() == MysqlErrorNumbers.ER_LOCK_WAIT_TIMEOUT;
      return !over
          && scene.connection() instanceof JdbcConnection connection
          && connection
              .getPropertySet()
              .getBooleanProperty(PropertyKey.continueBatchOnError)
              .getValue();
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
                    "Can not read response from server. Expected to read 4 bytes, read 0 bytes before connection was unexpectedly lost."),
                scene);
        case TIMEOUT -> new MySQLTimeoutException();
        case DEADLOCK, SERIALIZATION_FAILURE -> // InnoDB knows the one only
            create(
                "40001",
                MysqlErrorNumbers.ER_LOCK_DEADLOCK,
                "Deadlock found when trying to get lock; try restarting transaction",
                scene);
        case LOCK_TIMEOUT -> // the state is the driver's, the server says HY000
            create(
                "40001",
                MysqlErrorNumbers.ER_LOCK_WAIT_TIMEOUT,
                "Lock wait timeout exceeded; try restarting transaction",
                scene);
        case READ_ONLY ->
            create("25006", 1792, "Cannot execute statement in a READ ONLY transaction.", scene);
        case UNIQUE_VIOLATION -> {
          String table = scene.table("unknown");
          String key = table.substring(table.lastIndexOf('.') + 1) + ".PRIMARY";
          yield create(
              "23000",
              MysqlErrorNumbers.ER_DUP_ENTRY,
              "Duplicate entry '1' for key '" + key + "'",
              scene);
        }
        case DISK_FULL ->
            create(
                "HY000",
                MysqlErrorNumbers.ER_RECORD_FILE_FULL,
                "The table '" + scene.table("unknown") + "' is full",
                scene);
        default -> super.named(error, scene);
      };
    }

    private SQLException connecting(NamedError error, Scene scene) {
      return switch (error) {
        case CONNECTION_LOST -> lost(new ConnectException("Connection refused"), scene);
        case TIMEOUT -> lost(new SocketTimeoutException("Connect timed out"), scene);
        case TOO_MANY_CONNECTIONS ->
            create(
                "08004",
                1040,
                MysqlErrorNumbers.get("08004")
                    + ", "
                    + Messages.getString("Protocol.0")
                    + "Too many connections\"",
                scene);
        case AUTH_FAILED ->
            create(
                "28000",
                1045,
                "Access denied for user '"
                    + scene.user()
                    + "'@'"
                    + (scene.info() == null ? "%" : scene.info().getProperty("host", "%"))
                    + "' (using password: YES)",
                scene);
        default -> super.named(error, scene);
      };
    }

    @Override
    public SQLException create(String sqlState, int vendorCode, String message, Scene scene) {
      return SQLError.createSQLException(message, sqlState, vendorCode, interceptor(scene));
    }

    @Override
    public SQLException lost(IOException cause, Scene scene) {
      if (scene.operation() == Operation.JDBC_ROLLBACK) {
        return create("08007", 0, Messages.getString("Connection.21"), scene);
      }
      if (scene.operation() == Operation.JDBC_NEXT) { // as ResultsetRowsStreaming wraps it
        Object[] told = {
          cause.getClass().getName(), cause.getMessage(), Util.stackTraceToString(cause)
        };
        SQLException broken =
            create("S1000", 0, Messages.getString("RowDataDynamic.2", told), scene);
        broken.initCause(cause);
        return broken;
      }
      NativeSession session = session(scene.connection());
      NativeProtocol protocol = session == null ? null : session.getProtocol();
      CJCommunicationsException beneath;
      if (session == null || protocol == null) {
        JdbcPropertySetImpl settings = new JdbcPropertySetImpl();
        settings.initializeProperties(scene.info());
        beneath =
            ExceptionFactory.createCommunicationsException(
                settings, null, new PacketSentTimeHolder() {}, null, cause, null);
      } else {
        beneath =
            ExceptionFactory.createCommunicationsException(
                session.getPropertySet(),
                session.getServerSession(),
                protocol.getPacketSentTimeHolder(),
                protocol.getPacketReceivedTimeHolder(),
                cause,
                interceptor(scene));
      }
      return SQLExceptionsMapping.translateException(beneath, interceptor(scene));
    }

    @Override
    public SQLException cancelled(Scene scene) {
      return new MySQLStatementCancelledException();
    }

    /** The driver throws what broke its connection as it is. */
    @Override
    public SQLException batch(SQLException failure, Scene scene, int[] counts) {
      return isLost(failure) ? failure : super.batch(failure, scene, counts);
    }

    private static @Nullable ExceptionInterceptor interceptor(Scene scene) {
      return scene.connection() instanceof JdbcConnection connection
          ? connection.getExceptionInterceptor()
          : null;
    }

    private static @Nullable NativeSession session(@Nullable Connection connection) {
      return connection instanceof JdbcConnection it
              && it.getActiveMySQLConnection().getSession() instanceof NativeSession session
          ? session
          : null;
    }

    @Override
    public long connectPatience(Scene scene) throws SQLException {
      String timeout = property(scene.info(), "connectTimeout");
      long connect = timeout == null || timeout.isEmpty() ? 0 : Long.parseLong(timeout);
      return Math.min(millis(connect), super.connectPatience(scene));
    }

    @Override
    protected boolean endsTransaction(SQLException failure) {
      return super.endsTransaction(failure)
          && failure.getErrorCode() != MysqlErrorNumbers.ER_LOCK_WAIT_TIMEOUT;
    }

    @Override
    public void settle(SQLException failure, Scene scene) throws SQLException {
      NativeSession session = session(scene.connection());
      if (scene.operation() == Operation.JDBC_NEXT
          && failure.getCause() instanceof IOException
          && session != null) {
        try { // the next statement finds the connection broken
          session.getProtocol().getSocketConnection().getMysqlSocket().shutdownInput();
        } catch (IOException | RuntimeException e) {
          OwnFailures.note(e);
        }
        return;
      }
      if (session == null
          || session.getProtocol() == null
          || !isLost(failure)
          || scene.operation() == Operation.JDBC_IS_VALID
          || scene.operation() == Operation.JDBC_CLOSE) {
        super.settle(failure, scene);
        return;
      }
      session.getProtocol().getSocketConnection().forceClose();
      if (!isNoticedBefore(scene)) {
        // of a rollback the failure does not say why
        session.invokeCleanupListeners(
            failure.getCause() == null ? new CJCommunicationsException() : failure.getCause());
      }
    }

    /**
     * Whether the driver finds the broken connection by a query of its own, whether the session is
     * read only: then it does not count as closed until its next use.
     */
    private static boolean isNoticedBefore(Scene scene) throws SQLException {
      boolean asks =
          scene.operation() == Operation.JDBC_BATCH
              || (scene.operation() == Operation.JDBC_EXECUTE
                  && scene.self() instanceof StatementImpl
                  && !(scene.self() instanceof PreparedStatement)
                  && !scene.verb().equals("SELECT"));
      if (!asks || scene.connection() == null) {
        return false;
      }
      try {
        scene.connection().isReadOnly();
        return false; // known without asking
      } catch (SQLException broken) {
        return true;
      }
    }

    @Override
    protected void kill(Connection connection) throws SQLException {
      ((JdbcConnection) connection).getActiveMySQLConnection().abortInternal();
    }
  }
}
