package dev.jinx.agent.point.jdbc;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.weave.Access;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;
import java.net.ConnectException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Base64;
import java.util.Locale;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import oracle.jdbc.OracleDatabaseException;
import oracle.jdbc.driver.DatabaseError;
import oracle.jdbc.internal.OracleConnection;
import oracle.jdbc.internal.OracleStatement;
import oracle.net.ns.NetException;
import org.jspecify.annotations.Nullable;

/** Oracle's driver. */
final class Oracle {
  // its data sources pass the second connect; the wrappers that it hands out are no leaf classes
  static final DriverClasses CLASSES =
      new DriverClasses("oracle", "oracle.jdbc.", Oracle.class)
          .drivers("oracle/jdbc/driver/OracleDriver")
          .connect(
              "oracle/jdbc/driver/OracleDriver",
              "connect",
              "(Ljava/lang/String;Ljava/util/Properties;Loracle/jdbc/internal/AbstractConnectionBuilder;)Ljava/sql/Connection;",
              0)
          .connections(
              "oracle/jdbc/driver/PhysicalConnection",
              "oracle/jdbc/driver/T4CConnection",
              "oracle/jdbc/driver/T2CConnection")
          .statements(
              "oracle/jdbc/driver/OracleStatement",
              "oracle/jdbc/driver/OraclePreparedStatement",
              "oracle/jdbc/driver/OracleCallableStatement",
              "oracle/jdbc/driver/T4CDirectPathPreparedStatement")
          .results(
              "oracle/jdbc/driver/InsensitiveScrollableResultSet",
              "oracle/jdbc/driver/SensitiveScrollableResultSet",
              "oracle/jdbc/driver/UpdatableResultSet",
              "oracle/jdbc/driver/OldUpdatableResultSet",
              "oracle/jdbc/driver/ArrayDataResultSet",
              "oracle/jdbc/driver/ArrayLocatorResultSet")
          .wrappers("oracle/jdbc/proxy/", "oracle/jdbc/replay/");

  private Oracle() {}

  static final class Adapter extends StandardSql {
    private static final Pattern HOST =
        Pattern.compile("(?i)\\(\\s*host\\s*=\\s*([^)\\s]+)|@(?:tcps?:)?(?://)?([^:/?,(]+)");
    private static final Pattern PORT =
        Pattern.compile("(?i)\\(\\s*port\\s*=\\s*(\\d+)|@(?:tcps?:)?(?://)?[^:/?,(]+:(\\d+)");

    private @Nullable MethodHandle texts;
    private @Nullable MethodHandle rows;
    private @Nullable MethodHandle tooSlow;

    @Override
    public void open(Access access, Class<?> library) throws ReflectiveOperationException {
      ClassLoader loader = library.getClassLoader();
      Class<?> statement = named(loader, "oracle.jdbc.driver.OracleStatement");
      texts = field(access, statement, "m_batchItems");
      rows = field(access, statement, "currentRank");
      Class<?> slow = named(loader, "oracle.net.nt.TimeoutInterruptHandler$IOReadTimeoutException");
      tooSlow =
          access
              .in(slow)
              .findConstructor(slow, MethodType.methodType(void.class, String.class))
              .asType(MethodType.methodType(IOException.class, String.class));
    }

    private static Class<?> named(ClassLoader loader, String name) throws ClassNotFoundException {
      return Class.forName(name, false, loader);
    }

    @Override
    public @Nullable String url(Object from) {
      try {
        return from instanceof OracleConnection connection ? connection.getURL() : null;
      } catch (SQLException e) {
        return null;
      }
    }

    @Override
    public @Nullable String sql(Object statement) {
      try {
        return statement instanceof PreparedStatement && statement instanceof OracleStatement it
            ? it.getOriginalSql()
            : null;
      } catch (SQLException e) {
        return null;
      }
    }

    @Override
    public int batchSize(Object statement) {
      if (texts == null || rows == null) {
        return 0;
      }
      return statement instanceof PreparedStatement
          ? (read(rows, statement) instanceof Integer many ? many : 0)
          : list(texts, statement).size();
    }

    /** Of a prepared batch it does not tell which one failed; one of texts ends with it. */
    @Override
    public int[] counts(SQLException failure, Scene scene, int size) {
      return scene.self() instanceof PreparedStatement ? failed(size) : new int[0];
    }

    @Override
    public SQLException named(NamedError error, Scene scene) {
      if (scene.operation() == Operation.JDBC_CONNECT) {
        return connecting(error, scene);
      }
      String table = scene.table("unknown").toUpperCase(Locale.ROOT);
      return switch (error) {
        case CONNECTION_LOST -> lost(new SocketException("Connection reset"), scene);
        case TIMEOUT -> server(1013, "user requested cancel of current operation", scene);
        case DEADLOCK -> server(60, "deadlock detected while waiting for resource", scene);
        case SERIALIZATION_FAILURE ->
            server(8177, "can't serialize access for this transaction", scene);
        case LOCK_TIMEOUT ->
            server(30006, "resource busy; acquire with WAIT timeout expired", scene);
        case READ_ONLY ->
            server(
                1456,
                "may not perform insert, delete, update operation inside a READ ONLY transaction",
                scene);
        case UNIQUE_VIOLATION ->
            server(
                1,
                "unique constraint ("
                    + user(scene)
                    + "."
                    + table.substring(table.lastIndexOf('.') + 1)
                    + "_PK) violated",
                scene);
        case DISK_FULL ->
            server(
                1653,
                "unable to extend table "
                    + (table.indexOf('.') < 0 ? user(scene) + "." + table : table)
                    + " by 128 in tablespace USERS",
                scene);
        default -> super.named(error, scene);
      };
    }

    private static String user(Scene scene) {
      try {
        String user =
            scene.connection() == null ? null : scene.connection().getMetaData().getUserName();
        return user == null ? "SYSTEM" : user;
      } catch (SQLException e) {
        return "SYSTEM";
      }
    }

    private SQLException connecting(NamedError error, Scene scene) {
      String place = "host " + host(scene) + " port " + port(scene);
      return switch (error) {
        case CONNECTION_LOST -> net(12541, new ConnectException("Connection refused"), place);
        case TIMEOUT -> net(12170, slow(), "TCP connect", Math.max(millis(scene), 0) + "ms", place);
        case TOO_MANY_CONNECTIONS ->
            server(20, "maximum number of processes (300) exceeded", scene);
        case AUTH_FAILED -> server(1017, "invalid username/password; logon denied", scene);
        default -> super.named(error, scene);
      };
    }

    private static String host(Scene scene) {
      String host = first(HOST, scene);
      return host == null ? "localhost" : host;
    }

    private static String port(Scene scene) {
      String port = first(PORT, scene);
      return port == null ? "1521" : port;
    }

    private static @Nullable String first(Pattern pattern, Scene scene) {
      Matcher found = pattern.matcher(scene.url() == null ? "" : scene.url());
      return !found.find() ? null : found.group(1) == null ? found.group(2) : found.group(1);
    }

    private IOException slow() {
      IOException cause = new SocketTimeoutException("Connect timed out");
      try {
        IOException slow =
            tooSlow == null ? cause : (IOException) tooSlow.invokeExact("Socket read timed out");
        if (slow != cause) {
          slow.initCause(cause);
        }
        return slow;
      } catch (Throwable e) {
        return cause;
      }
    }

    /** What the network layer finds before it reaches a database. */
    private static SQLException net(int code, IOException cause, Object... parameters) {
      NetException beneath = new NetException(code, null, false, parameters);
      beneath.setNetConnectionId(connectionId());
      beneath.initCause(cause);
      return DatabaseError.createSqlException((OracleConnection) null, beneath);
    }

    private static String connectionId() {
      UUID any = UUID.randomUUID();
      byte[] bytes =
          ByteBuffer.allocate(16)
              .putLong(any.getMostSignificantBits())
              .putLong(any.getLeastSignificantBits())
              .array();
      return Base64.getEncoder().encodeToString(bytes);
    }

    /** What the database says: class and state are the driver's choice. */
    private static SQLException server(int code, String text, Scene scene) {
      return raised(code, String.format(Locale.ROOT, "ORA-%05d: %s\n", code, text), scene);
    }

    private static SQLException raised(int code, String message, Scene scene) {
      SQLException failure =
          DatabaseError.createSqlException((OracleConnection) null, message, code);
      if (scene.sql() != null && failure.getCause() == null) {
        failure.initCause(new OracleDatabaseException(0, code, message, scene.sql(), scene.sql()));
      }
      return failure;
    }

    @Override
    public SQLException create(String sqlState, int vendorCode, String message, Scene scene) {
      SQLException known = raised(vendorCode, message, scene);
      return sqlState.equals(known.getSQLState())
          ? known
          : super.create(sqlState, vendorCode, message, scene);
    }

    @Override
    public SQLException lost(IOException cause, Scene scene) {
      return DatabaseError.createSqlException((OracleConnection) null, cause);
    }

    private static long millis(Scene scene) {
      String timeout = property(scene.info(), "oracle.net.CONNECT_TIMEOUT");
      return timeout == null || !timeout.matches("[0-9]+") ? 0 : Long.parseLong(timeout);
    }

    @Override
    public long connectPatience(Scene scene) throws SQLException {
      return Math.min(millis(millis(scene)), super.connectPatience(scene));
    }

    @Override
    protected boolean endsTransaction(SQLException failure) {
      return false; // Oracle takes the statement back, and leaves the transaction to its owner
    }

    @Override
    protected void kill(Connection connection) throws SQLException {
      ((OracleConnection) connection).getPhysicalConnection().abort(Runnable::run);
    }
  }
}
