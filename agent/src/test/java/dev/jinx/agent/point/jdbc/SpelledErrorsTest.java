package dev.jinx.agent.point.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.sqlserver.jdbc.SQLServerException;
import com.microsoft.sqlserver.jdbc.SQLServerStatement;
import com.mysql.cj.jdbc.StatementImpl;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.weave.Access;
import java.lang.instrument.Instrumentation;
import java.net.SocketTimeoutException;
import java.sql.SQLException;
import java.util.Properties;
import oracle.jdbc.OracleDatabaseException;
import oracle.jdbc.driver.OracleSql;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mockito.Mockito;

/**
 * The failures that only a server makes, that no test here can make happen, by class, state and
 * code.
 */
class SpelledErrorsTest {

  private static StandardSql adapter(String driver) throws ReflectiveOperationException {
    Access access = new Access(Mockito.mock(Instrumentation.class));
    StandardSql adapter;
    Class<?> library;
    switch (driver) {
      case "mysql" -> {
        adapter = new MySql.Adapter();
        library = StatementImpl.class;
      }
      case "oracle" -> {
        adapter = new Oracle.Adapter();
        library = OracleSql.class;
      }
      default -> {
        adapter = new SqlServer.Adapter();
        library = SQLServerStatement.class;
      }
    }
    adapter.open(access, library);
    return adapter;
  }

  private static Scene executing(String sql) {
    return new Scene(Operation.JDBC_EXECUTE, new Object(), null, sql, null, null);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          mysql | TIMEOUT | com.mysql.cj.jdbc.exceptions.MySQLTimeoutException | | 0 | Statement cancelled due to timeout or client request
          mysql | DEADLOCK | com.mysql.cj.jdbc.exceptions.MySQLTransactionRollbackException | 40001 | 1213 | Deadlock found when trying to get lock; try restarting transaction
          mysql | LOCK_TIMEOUT | com.mysql.cj.jdbc.exceptions.MySQLTransactionRollbackException | 40001 | 1205 | Lock wait timeout exceeded; try restarting transaction
          mysql | READ_ONLY | java.sql.SQLException | 25006 | 1792 | Cannot execute statement in a READ ONLY transaction.
          mysql | UNIQUE_VIOLATION | java.sql.SQLIntegrityConstraintViolationException | 23000 | 1062 | Duplicate entry '1' for key 'account.PRIMARY'
          mysql | DISK_FULL | java.sql.SQLException | HY000 | 1114 | The table 'account' is full
          sqlserver | TIMEOUT | java.sql.SQLTimeoutException | HY008 | 0 | The query has timed out.
          sqlserver | DEADLOCK | com.microsoft.sqlserver.jdbc.SQLServerException | 40001 | 1205 | Transaction (Process ID 51) was deadlocked on lock resources
          sqlserver | SERIALIZATION_FAILURE | com.microsoft.sqlserver.jdbc.SQLServerException | S0002 | 3960 | Snapshot isolation transaction aborted due to update conflict.
          sqlserver | LOCK_TIMEOUT | com.microsoft.sqlserver.jdbc.SQLServerException | S0045 | 1222 | Lock request time out period exceeded.
          sqlserver | READ_ONLY | com.microsoft.sqlserver.jdbc.SQLServerException | S0001 | 3906 | Failed to update database "master" because the database is read-only.
          sqlserver | UNIQUE_VIOLATION | com.microsoft.sqlserver.jdbc.SQLServerException | 23000 | 2627 | Violation of PRIMARY KEY constraint 'PK_account'. Cannot insert duplicate key in object 'dbo.account'.
          sqlserver | DISK_FULL | com.microsoft.sqlserver.jdbc.SQLServerException | S0002 | 1105 | Could not allocate space for object 'dbo.account' in database 'master'
          oracle | CONNECTION_LOST | java.sql.SQLRecoverableException | 08006 | 17002 | ORA-17002: I/O error: Connection reset
          oracle | TIMEOUT | java.sql.SQLTimeoutException | 72000 | 1013 | ORA-01013: user requested cancel of current operation
          oracle | DEADLOCK | java.sql.SQLException | 61000 | 60 | ORA-00060: deadlock detected while waiting for resource
          oracle | SERIALIZATION_FAILURE | java.sql.SQLException | 72000 | 8177 | ORA-08177: can't serialize access for this transaction
          oracle | LOCK_TIMEOUT | java.sql.SQLException | 99999 | 30006 | ORA-30006: resource busy; acquire with WAIT timeout expired
          oracle | READ_ONLY | java.sql.SQLException | 72000 | 1456 | ORA-01456: may not perform insert, delete, update operation inside a READ ONLY transaction
          oracle | UNIQUE_VIOLATION | java.sql.SQLIntegrityConstraintViolationException | 23000 | 1 | ORA-00001: unique constraint (SYSTEM.ACCOUNT_PK) violated
          oracle | DISK_FULL | java.sql.SQLException | 72000 | 1653 | ORA-01653: unable to extend table SYSTEM.ACCOUNT by 128 in tablespace USERS
          """)
  void as_the_driver_would(
      String driver, NamedError error, String type, String state, int code, String message)
      throws Exception {
    SQLException made =
        adapter(driver).named(error, executing("insert into account values (1, 100)"));

    assertThat(made.getClass().getName()).isEqualTo(type);
    assertThat(made.getSQLState()).isEqualTo(state);
    assertThat(made.getErrorCode()).isEqualTo(code);
    assertThat((Throwable) made).hasMessageStartingWith(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          mysql | AUTH_FAILED | java.sql.SQLException | 28000 | 1045 | Access denied for user 'bob'@'db' (using password: YES)
          mysql | TOO_MANY_CONNECTIONS | java.sql.SQLNonTransientConnectionException | 08004 | 1040 | Connection exception, SQL-server rejected establishment of SQL-connection,  message from server: "Too many connections"
          mysql | CONNECTION_LOST | com.mysql.cj.jdbc.exceptions.CommunicationsException | 08S01 | 0 | Communications link failure
          sqlserver | AUTH_FAILED | com.microsoft.sqlserver.jdbc.SQLServerException | S0001 | 18456 | Login failed for user 'bob'. ClientConnectionId:
          sqlserver | TOO_MANY_CONNECTIONS | com.microsoft.sqlserver.jdbc.SQLServerException | S0001 | 17809 | Could not connect because the maximum number of
          oracle | AUTH_FAILED | java.sql.SQLException | 72000 | 1017 | ORA-01017: invalid username/password; logon denied
          oracle | TOO_MANY_CONNECTIONS | java.sql.SQLRecoverableException | 61000 | 20 | ORA-00020: maximum number of processes (300) exceeded
          """)
  void as_the_driver_would_while_connecting(
      String driver, NamedError error, String type, String state, int code, String message)
      throws Exception {
    Properties info = new Properties();
    info.put("user", "bob");
    info.put("host", "db");
    Scene scene =
        new Scene(Operation.JDBC_CONNECT, new Object(), null, null, "jdbc:" + driver + ":x", info);

    SQLException made = adapter(driver).named(error, scene);

    assertThat(made.getClass().getName()).isEqualTo(type);
    assertThat(made.getSQLState()).isEqualTo(state);
    assertThat(made.getErrorCode()).isEqualTo(code);
    assertThat((Throwable) made).hasMessageStartingWith(message);
  }

  @Test
  void sql_servers_error_tells_its_severity_and_state() throws Exception {
    SQLServerException made =
        (SQLServerException)
            adapter("sqlserver").named(NamedError.DEADLOCK, executing("delete from account"));
    assertThat(made.getSQLServerError().getErrorSeverity()).isEqualTo(13);
    assertThat(made.getSQLServerError().getErrorState()).isEqualTo(51);
  }

  @Test
  void oracles_error_tells_its_statement() throws Exception {
    SQLException made =
        adapter("oracle").named(NamedError.DEADLOCK, executing("delete from account"));
    assertThat((Throwable) made)
        .cause()
        .isInstanceOfSatisfying(
            OracleDatabaseException.class,
            it -> {
              assertThat(it.getOracleErrorNumber()).isEqualTo(60);
              assertThat(it.getSql()).isEqualTo("delete from account");
            });
  }

  @Test
  void a_statement_that_is_cancelled() throws Exception {
    Scene scene = executing("select 1");
    SQLException mySql = adapter("mysql").cancelled(scene);
    assertThat(mySql.getClass().getSimpleName()).isEqualTo("MySQLStatementCancelledException");
    assertThat((Throwable) mySql).hasMessage("Statement cancelled due to client request");
    SQLException sqlServer = adapter("sqlserver").cancelled(scene);
    assertThat(sqlServer.getSQLState()).isEqualTo("HY008");
    assertThat((Throwable) sqlServer).hasMessage("The query was canceled.");
    assertThat(adapter("oracle").cancelled(scene).getErrorCode()).isEqualTo(1013);
  }

  @Test
  void a_network_that_is_silent() throws Exception {
    SQLException oracle =
        adapter("oracle").lost(new SocketTimeoutException("Read timed out"), executing("select 1"));
    assertThat(oracle.getErrorCode()).isEqualTo(18730);
    assertThat(oracle.getSQLState()).isEqualTo("08006");
  }

  @ParameterizedTest
  @CsvSource({
    "mysql, DEADLOCK, true",
    "mysql, LOCK_TIMEOUT, false",
    "sqlserver, DEADLOCK, true",
    "sqlserver, SERIALIZATION_FAILURE, true",
    "sqlserver, LOCK_TIMEOUT, false",
    "oracle, DEADLOCK, false",
    "oracle, SERIALIZATION_FAILURE, false"
  })
  void what_takes_the_transaction_with_it(String driver, NamedError error, boolean ends)
      throws Exception {
    StandardSql adapter = adapter(driver);
    assertThat(adapter.endsTransaction(adapter.named(error, executing("delete from account"))))
        .isEqualTo(ends);
  }
}
