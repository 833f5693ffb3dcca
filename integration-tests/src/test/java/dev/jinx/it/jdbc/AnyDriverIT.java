package dev.jinx.it.jdbc;

import static dev.jinx.Jinx.jdbc;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import dev.jinx.FaultInjection;
import dev.jinx.JdbcFault;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLInvalidAuthorizationSpecException;
import java.sql.SQLTransactionRollbackException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.relique.jdbc.csv.CsvConnection;

/** A driver that Jinx has no file for: failures come as java.sql's own exceptions. */
class AnyDriverIT {
  @TempDir static Path tables;

  @BeforeAll
  static void create() throws IOException {
    Files.writeString(tables.resolve("account.csv"), "id,balance\n1,100\n2,100\n");
    Files.writeString(tables.resolve("orders.csv"), "id\n1\n");
  }

  private static String url() {
    return "jdbc:relique:csv:" + tables;
  }

  private static Connection connect() throws SQLException {
    return DriverManager.getConnection(url());
  }

  private static JdbcFault on(String... operations) {
    return jdbc("jdbc:relique:csv:**").operation(operations);
  }

  @Test
  void remembersTheTextFromPrepare() throws Exception {
    try (Connection connection = connect();
        FaultInjection fault =
            Jinx.inject(on("execute").table("account").error(NamedError.DEADLOCK).first(1));
        PreparedStatement statement =
            connection.prepareStatement("select balance from account where id = ?")) {
      Database.run(connection, "select * from orders");
      statement.setString(1, "1");
      assertThatThrownBy(statement::executeQuery)
          .isInstanceOf(SQLTransactionRollbackException.class)
          .satisfies(e -> assertThat(((SQLException) e).getSQLState()).isEqualTo("40001"));
      try (ResultSet rows = statement.executeQuery()) {
        assertThat(rows.next()).isTrue();
      }
      assertThat(fault.matches()).isEqualTo(2);
    }
  }

  @Test
  void aPoolEvictsALostConnection() throws Exception {
    try (HikariDataSource pool = new HikariDataSource()) {
      pool.setJdbcUrl(url());
      pool.setMaximumPoolSize(1);
      Object first;
      try (Connection connection = pool.getConnection();
          FaultInjection fault =
              Jinx.inject(on("execute").error(NamedError.CONNECTION_LOST).first(1))) {
        first = connection.unwrap(CsvConnection.class);
        assertThatThrownBy(() -> Database.run(connection, "select * from orders"))
            .isInstanceOf(SQLException.class);
        assertThat(((Connection) first).isClosed()).isTrue();
        assertThat(fault.injections()).isEqualTo(1);
      }
      try (Connection connection = pool.getConnection()) {
        assertThat(connection.unwrap(CsvConnection.class)).isNotSameAs(first);
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
