package dev.jinx.agent.point.jdbc;

import dev.jinx.agent.call.Operation;
import java.sql.Connection;
import java.util.Locale;
import java.util.Properties;
import org.jspecify.annotations.Nullable;

/**
 * The call that is to fail.
 *
 * @param self the driver, connection or statement that is called
 * @param connection the driver's own connection; null while there is none
 * @param sql the text that is executed or prepared, where there is one
 * @param url while connecting
 * @param info while connecting
 */
public record Scene(
    Operation operation,
    Object self,
    @Nullable Connection connection,
    @Nullable String sql,
    @Nullable String url,
    @Nullable Properties info) {

  /** The first table that the statement names, or {@code otherwise}. */
  public String table(String otherwise) {
    SqlText text = sql == null ? null : SqlText.of(sql);
    return text == null || text.tables().isEmpty() ? otherwise : text.tables().get(0);
  }

  /** What the statement does, in upper case. */
  public String verb() {
    return (sql == null ? "update" : SqlText.of(sql).kinds().get(0)).toUpperCase(Locale.ROOT);
  }

  /** The user who connects, as far as the properties tell. */
  public String user() {
    String user = info == null ? null : info.getProperty("user");
    return user == null ? "unknown" : user;
  }
}
