package dev.jinx;

import java.util.List;
import java.util.Map;

/** A fault of a JDBC driver's call, raised beneath any pool. */
public final class JdbcFault extends Fault<JdbcFault> {

  JdbcFault(String... urls) {
    super(target("jdbc", "url", urls));
  }

  private JdbcFault(Map<String, Object> document) {
    super(document);
  }

  @Override
  JdbcFault copy(Map<String, Object> document) {
    return new JdbcFault(document);
  }

  /** {@code target.driver}. */
  public JdbcFault driver(String... drivers) {
    return target("driver", List.of(drivers));
  }

  /**
   * {@code target.operation}: {@code connect}, {@code acquire}, {@code prepare}, {@code execute},
   * {@code batch}, {@code next}, {@code commit}, {@code rollback}, {@code isValid}, {@code close}.
   */
  public JdbcFault operation(String... operations) {
    return target("operation", List.of(operations));
  }

  /**
   * {@code target.statement}: {@code select}, {@code insert}, {@code update}, {@code delete},
   * {@code ddl}, {@code call}, {@code other}.
   */
  public JdbcFault statement(String... statements) {
    return target("statement", List.of(statements));
  }

  /** {@code target.table}: a table that the statement names. */
  public JdbcFault table(String... tables) {
    return target("table", List.of(tables));
  }

  /** {@code target.sql}: the text of the statement. */
  public JdbcFault sql(String... patterns) {
    return target("sql", List.of(patterns));
  }

  /**
   * {@code effect.error}: a {@link java.sql.SQLException} with this state and code, of the class
   * that the driver would choose.
   */
  public JdbcFault error(String sqlState, int vendorCode, String message) {
    return with(
        "effect.error",
        Json.fields("sqlState", sqlState, "vendorCode", vendorCode, "message", message));
  }
}
