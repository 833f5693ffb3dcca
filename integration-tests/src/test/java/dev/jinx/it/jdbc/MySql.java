package dev.jinx.it.jdbc;

import java.sql.Connection;
import java.sql.SQLException;

/** MySQL's own driver, at the MariaDB server. */
final class MySql extends MariaDb {
  static final String CANCELLED =
      "com.mysql.cj.jdbc.exceptions.MySQLStatementCancelledException null 0"
          + " Statement cancelled due to client request";

  private static final class Server {
    static final MySql ONE = new MySql();
  }

  private MySql() {
    super(MariaDb.server().url().replace("jdbc:mariadb:", "jdbc:mysql:"));
  }

  static MySql server() {
    return Server.ONE;
  }

  @Override
  public String toString() {
    return "MySQL Connector/J";
  }

  @Override
  Class<?> connectionClass() {
    return com.mysql.cj.jdbc.ConnectionImpl.class;
  }

  @Override
  long number(Connection victim) throws SQLException {
    return victim.unwrap(com.mysql.cj.jdbc.JdbcConnection.class).getId();
  }

  @Override
  int streaming() {
    return Integer.MIN_VALUE;
  }

  @Override
  int[] countsOfAFailedBatch() {
    return new int[0];
  }

  /** What breaks rows off has a state of its own, which the pool does not know. */
  @Override
  boolean isGivenUp(Scenario scenario) {
    return super.isGivenUp(scenario) && !scenario.operation().equals("next");
  }
}
