package dev.jinx.it.jdbc;

import static dev.jinx.Jinx.jdbc;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.sqlserver.jdbc.SQLServerDataSource;
import com.mysql.cj.jdbc.MysqlDataSource;
import dev.jinx.FaultInjection;
import dev.jinx.JdbcFault;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.sql.DataSource;
import oracle.jdbc.datasource.impl.OracleDataSource;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What can be shown of the drivers for Oracle, SQL Server and MySQL without their servers. */
@Timeout(60)
class WithoutServerIT {
  private static final Set<String> OPERATIONS =
      Set.of(
          "prepareStatement",
          "prepareCall",
          "commit",
          "rollback",
          "setSavepoint",
          "releaseSavepoint",
          "isValid",
          "close",
          "execute",
          "executeQuery",
          "executeUpdate",
          "executeLargeUpdate",
          "executeBatch",
          "executeLargeBatch",
          "addBatch",
          "clearBatch",
          "cancel",
          "next");

  // ---- classes

  @ParameterizedTest
  @ValueSource(
      strings = {
        "com.mysql.cj.jdbc.ConnectionImpl",
        "com.mysql.cj.jdbc.StatementImpl",
        "com.mysql.cj.jdbc.ClientPreparedStatement",
        "com.mysql.cj.jdbc.CallableStatement",
        "com.mysql.cj.jdbc.result.ResultSetImpl",
        "com.mysql.cj.jdbc.result.UpdatableResultSet",
        "com.microsoft.sqlserver.jdbc.SQLServerConnection",
        "com.microsoft.sqlserver.jdbc.SQLServerStatement",
        "com.microsoft.sqlserver.jdbc.SQLServerPreparedStatement",
        "com.microsoft.sqlserver.jdbc.SQLServerResultSet",
        "oracle.jdbc.driver.PhysicalConnection",
        "oracle.jdbc.driver.T2CConnection",
        "oracle.jdbc.driver.T4CConnection",
        "oracle.jdbc.driver.OracleStatement",
        "oracle.jdbc.driver.OraclePreparedStatement",
        "oracle.jdbc.driver.OracleCallableStatement",
        "oracle.jdbc.driver.InsensitiveScrollableResultSet",
        "oracle.jdbc.driver.SensitiveScrollableResultSet",
        "oracle.jdbc.driver.UpdatableResultSet"
      })
  void everyOperationThatTheClassDeclaresIsHooked(String name) throws Exception {
    if (name.contains("ResultSet")) { // which are hooked while a fault asks for it
      try (FaultInjection rows =
          Jinx.inject(jdbc("jdbc:nothing").operation("next").error(NamedError.TIMEOUT))) {
        assertThat(rows.matches()).isZero();
        assertHooked(Class.forName(name));
      }
    } else {
      assertHooked(Class.forName(name));
    }
  }

  private static void assertHooked(Class<?> type) throws Exception {
    Set<String> declared = declared(type);
    assertThat(declared).isNotEmpty();
    assertThat(hooked(type.getName())).containsAll(declared);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "com.mysql.cj.jdbc.NonRegisteringDriver",
        "com.mysql.cj.jdbc.ConnectionWrapper",
        "com.mysql.cj.jdbc.PreparedStatementWrapper",
        "com.mysql.cj.jdbc.CallableStatementWrapper",
        "com.mysql.cj.jdbc.StatementWrapper",
        "com.mysql.cj.jdbc.ha.LoadBalancedMySQLConnection",
        "com.microsoft.sqlserver.jdbc.SQLServerDriver",
        "com.microsoft.sqlserver.jdbc.SQLServerConnectionPoolProxy",
        "oracle.jdbc.OracleConnectionWrapper",
        "oracle.jdbc.driver.LogicalConnection",
        "oracle.jdbc.driver.OracleStatementWrapper",
        "oracle.jdbc.driver.OraclePreparedStatementWrapper",
        "oracle.jdbc.driver.OracleCallableStatementWrapper"
      })
  void whatOnlyPassesCallsOnIsNotHooked(String name) throws Exception {
    Class.forName(name);
    assertThat(hooked(name)).isEmpty();
  }

  private static Set<String> declared(Class<?> type) {
    Set<String> names = new TreeSet<>();
    for (Method method : type.getDeclaredMethods()) {
      if (OPERATIONS.contains(method.getName())
          && Modifier.isPublic(method.getModifiers())
          && !Modifier.isAbstract(method.getModifiers())
          && !isOneMoreOfABatch(method)
          && isJdbc(method)) {
        names.add(method.getName());
      }
    }
    return names;
  }

  /** With parameters that were set: its text is known. */
  private static boolean isOneMoreOfABatch(Method method) {
    return method.getName().equals("addBatch") && method.getParameterCount() == 0;
  }

  /** Whether the standard declares it, and not the driver alone. */
  private static boolean isJdbc(Method method) {
    for (Class<?> type :
        List.of(
            Connection.class,
            java.sql.CallableStatement.class,
            Statement.class,
            java.sql.ResultSet.class)) {
      try {
        type.getMethod(method.getName(), method.getParameterTypes());
        if (type.isAssignableFrom(method.getDeclaringClass())) {
          // the end of a statement or of rows is no operation
          return type == Connection.class || !method.getName().equals("close");
        }
      } catch (NoSuchMethodException e) {
        // another's
      }
    }
    return false;
  }

  private static Set<String> hooked(String className) throws Exception {
    String status =
        String.valueOf(
            Class.forName("java.lang.JinxGate")
                .getMethod("command", String.class, String.class)
                .invoke(null, "GET /v1/status", ""));
    Matcher found =
        Pattern.compile(
                "\"class\":\"" + Pattern.quote(className) + "\"[^{}]*\"methods\":\\[([^]]*)]")
            .matcher(status);
    return found.find()
        ? new TreeSet<>(List.of(found.group(1).replace("\"", "").split(",", -1)))
        : Set.of();
  }

  // ---- connecting

  private interface Connect {
    Connection open(String url) throws SQLException;
  }

  /** Each driver by its URL, of a port, and by its data source. */
  static Stream<Arguments> drivers() {
    String mySql = "jdbc:mysql://127.0.0.1:%d/test?connectTimeout=700";
    String sqlServer = "jdbc:sqlserver://127.0.0.1:%d;databaseName=test;loginTimeout=1";
    String oracle = "jdbc:oracle:thin:@//127.0.0.1:%d/test";
    return Stream.of(
        Arguments.of("mysql", mySql, (Connect) WithoutServerIT::byDriver),
        Arguments.of("mysql data source", mySql, (Connect) WithoutServerIT::mySql),
        Arguments.of("sqlserver", sqlServer, (Connect) WithoutServerIT::byDriver),
        Arguments.of("sqlserver data source", sqlServer, (Connect) WithoutServerIT::sqlServer),
        Arguments.of("oracle", oracle, (Connect) WithoutServerIT::byDriver),
        Arguments.of("oracle data source", oracle, (Connect) WithoutServerIT::oracle));
  }

  private static Connection byDriver(String url) throws SQLException {
    java.util.Properties info = new java.util.Properties();
    info.put("user", "jinx");
    info.put("password", "secret");
    info.put("oracle.net.CONNECT_TIMEOUT", "700");
    return DriverManager.getConnection(url, info);
  }

  private static Connection mySql(String url) throws SQLException {
    MysqlDataSource source = new MysqlDataSource();
    source.setUrl(url);
    return open(source);
  }

  private static Connection sqlServer(String url) throws SQLException {
    SQLServerDataSource source = new SQLServerDataSource();
    source.setURL(url);
    return open(source);
  }

  private static Connection oracle(String url) throws SQLException {
    OracleDataSource source = new OracleDataSource();
    source.setURL(url);
    source.setConnectionProperty("oracle.net.CONNECT_TIMEOUT", "700");
    return open(source);
  }

  private static Connection open(DataSource source) throws SQLException {
    return source.getConnection("jinx", "secret");
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("drivers")
  void isRefusedAlike(String name, String url, Connect connect) throws Exception {
    int closed;
    try (ServerSocket socket = new ServerSocket(0)) {
      closed = socket.getLocalPort();
    }
    String place = String.format(url, closed);
    List<String> real = failure(connect, place);

    try (FaultInjection fault = Jinx.inject(connecting(closed).error(NamedError.CONNECTION_LOST))) {
      assertThat(failure(connect, place)).isEqualTo(real);
      assertThat(fault.injections()).isEqualTo(1);
      assertThat(fault.matches()).isEqualTo(1);
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("drivers")
  void runsOutOfTimeAlike(String name, String url, Connect connect) throws Exception {
    try (ServerSocket full = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"));
        Socket first = new Socket(full.getInetAddress(), full.getLocalPort());
        Socket second = new Socket(full.getInetAddress(), full.getLocalPort())) {
      assertThat(List.of(first, second)).allMatch(Socket::isConnected);
      String place = String.format(url, full.getLocalPort());
      List<String> real = failure(connect, place);

      List<JdbcFault> faults = new ArrayList<>();
      faults.add(connecting(full.getLocalPort()).error(NamedError.TIMEOUT));
      faults.add(connecting(full.getLocalPort()).drop());
      for (JdbcFault each : faults) {
        try (FaultInjection fault = Jinx.inject(each)) {
          long start = System.nanoTime();
          assertThat(failure(connect, place)).isEqualTo(real);
          assertThat(Duration.ofNanos(System.nanoTime() - start))
              .isBetween(Duration.ofMillis(600), Duration.ofSeconds(20));
          assertThat(fault.injections()).isEqualTo(1);
        }
      }
    }
  }

  private static JdbcFault connecting(int port) {
    return jdbc("jdbc:**:" + port + "**").operation("connect");
  }

  private static List<String> failure(Connect connect, String url) {
    try {
      connect.open(url).close();
      return List.of("nothing failed");
    } catch (SQLException e) {
      return Observation.describe(e).stream()
          .map(line -> line.replaceAll("CONNECTION_ID=[^)]*", "CONNECTION_ID=…"))
          .toList();
    }
  }

  // ---- what the server would say

  static Stream<Arguments> logins() {
    return Stream.of(
        Arguments.of(NamedError.AUTH_FAILED, "sqlserver", "S0001", 18456),
        Arguments.of(NamedError.TOO_MANY_CONNECTIONS, "sqlserver", "S0001", 17809),
        Arguments.of(NamedError.AUTH_FAILED, "oracle", "72000", 1017),
        Arguments.of(NamedError.TOO_MANY_CONNECTIONS, "oracle", "61000", 20));
  }

  @ParameterizedTest
  @MethodSource("logins")
  void isTurnedAway(NamedError error, String driver, String sqlState, int code) throws Exception {
    for (Arguments each : drivers().toList()) {
      if (each.get()[0].toString().startsWith(driver)) {
        try (FaultInjection fault = Jinx.inject(connecting(1).error(error))) {
          List<String> seen =
              failure((Connect) each.get()[2], String.format(each.get()[1].toString(), 1));
          assertThat(seen.get(0)).contains(" " + sqlState + " " + code + " ");
          assertThat(fault.injections()).isEqualTo(1);
        }
      }
    }
  }
}
