package dev.jinx.it.jdbc;

import static dev.jinx.Jinx.jdbc;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import dev.jinx.FaultInjection;
import dev.jinx.JdbcFault;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.SQLInvalidAuthorizationSpecException;
import java.sql.SQLTransactionRollbackException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A driver that Jinx has no file for: failures come as java.sql's own exceptions. */
class AnyDriverIT {
  private static final String URL = "jdbc:hsqldb:mem:any";

  @BeforeAll
  static void create() throws SQLException {
    try (Connection connection = connect()) {
      Database.run(connection, Database.TABLE);
      Database.run(connection, "insert into account values (1, 100), (2, 100)");
    }
  }

  private static Connection connect() throws SQLException {
    return DriverManager.getConnection(URL, "sa", "");
  }

  private static JdbcFault on(String... operations) {
    return jdbc(URL).operation(operations);
  }

  @Test
  void remembersTheTextFromPrepare() throws Exception {
    try (Connection connection = connect();
        FaultInjection fault =
            Jinx.inject(on("execute").table("account").error(NamedError.DEADLOCK).first(1));
        PreparedStatement statement =
            connection.prepareStatement("update account set balance = ? where id = 1")) {
      connection.setAutoCommit(false);
      Database.run(connection, "values 1");
      statement.setInt(1, 5);
      assertThatThrownBy(statement::executeUpdate)
          .isInstanceOf(SQLTransactionRollbackException.class)
          .satisfies(e -> assertThat(((SQLException) e).getSQLState()).isEqualTo("40001"));
      assertThat(statement.executeUpdate()).isEqualTo(1);
      assertThat(fault.matches()).isEqualTo(2);
      connection.rollback();
    }
  }

  @Test
  void aPoolEvictsALostConnection() throws Exception {
    try (HikariDataSource pool = new HikariDataSource()) {
      pool.setJdbcUrl(URL);
      pool.setUsername("sa");
      pool.setMaximumPoolSize(1);
      Object first;
      try (Connection connection = pool.getConnection();
          FaultInjection fault =
              Jinx.inject(on("execute").error(NamedError.CONNECTION_LOST).first(1))) {
        first = connection.unwrap(org.hsqldb.jdbc.JDBCConnection.class);
        assertThatThrownBy(() -> Database.run(connection, "values 1"))
            .isInstanceOf(SQLException.class);
        assertThat(((Connection) first).isClosed()).isTrue();
        assertThat(fault.injections()).isEqualTo(1);
      }
      try (Connection connection = pool.getConnection()) {
        assertThat(connection.unwrap(org.hsqldb.jdbc.JDBCConnection.class)).isNotSameAs(first);
      }
    }
  }

  @Test
  void refusesToConnect() {
    try (FaultInjection fault = Jinx.inject(on("connect").error(NamedError.AUTH_FAILED))) {
      assertThatThrownBy(AnyDriverIT::connect)
          .isInstanceOf(SQLInvalidAuthorizationSpecException.class);
      assertThat(fault.injections()).isEqualTo(1);
    }
  }
}
