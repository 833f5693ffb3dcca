package dev.jinx.agent.point.jdbc;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.weave.Access;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.sql.SQLException;
import java.util.Locale;
import org.apache.derby.iapi.jdbc.InternalDriver;
import org.apache.derby.iapi.sql.PreparedStatement;
import org.apache.derby.impl.jdbc.EmbedPreparedStatement;
import org.apache.derby.impl.jdbc.TransactionResourceImpl;
import org.apache.derby.impl.jdbc.Util;
import org.apache.derby.shared.common.error.ExceptionSeverity;
import org.apache.derby.shared.common.error.StandardException;
import org.jspecify.annotations.Nullable;

/** Derby's embedded driver, 10.15 and later. Its vendor codes are severities. */
final class Derby {
  private static final String DISK_FULL = "XSDG1";

  // all its data sources pass the internal driver
  static final DriverClasses CLASSES =
      new DriverClasses("derby", "org.apache.derby.", Derby.class)
          .except("org.apache.derby.client.") // the network client, which fails in other ways
          .drivers(
              "org/apache/derby/iapi/jdbc/AutoloadedDriver",
              "org/apache/derby/jdbc/EmbeddedDriver",
              "org/apache/derby/iapi/jdbc/InternalDriver")
          .connect(
              "org/apache/derby/iapi/jdbc/InternalDriver",
              "connect",
              "(Ljava/lang/String;Ljava/util/Properties;I)Ljava/sql/Connection;",
              0)
          .connections("org/apache/derby/impl/jdbc/EmbedConnection")
          .statements(
              "org/apache/derby/impl/jdbc/EmbedStatement",
              "org/apache/derby/impl/jdbc/EmbedPreparedStatement",
              "org/apache/derby/impl/jdbc/EmbedCallableStatement")
          .results("org/apache/derby/impl/jdbc/EmbedResultSet");

  private Derby() {}

  static final class Adapter extends StandardSql {
    private @Nullable MethodHandle prepared;

    @Override
    public void open(Access access, Class<?> library) throws ReflectiveOperationException {
      prepared = field(access, EmbedPreparedStatement.class, "preparedStatement");
    }

    @Override
    public @Nullable String sql(Object statement) {
      // not the text that the statement itself knows: generated keys are another query by it
      return prepared != null && read(prepared, statement) instanceof PreparedStatement plan
          ? plan.getSource()
          : null;
    }

    @Override
    public SQLException named(NamedError error, Scene scene) {
      if (scene.operation() == Operation.JDBC_CONNECT) {
        return connecting(error, scene);
      }
      return switch (error) {
        case CONNECTION_LOST -> failure(scene, "08003");
        case TIMEOUT -> failure(scene, "XCL52.S");
        case DEADLOCK, SERIALIZATION_FAILURE -> // Derby locks what it reads: it knows the one only
            failure(scene, "40001", cycle(scene), "1001");
        case LOCK_TIMEOUT -> failure(scene, "40XL1");
        case READ_ONLY -> failure(scene, "25502");
        case UNIQUE_VIOLATION ->
            failure(scene, "23505", "SQL0000000001-00000000-0000-0000", table(scene));
        case DISK_FULL ->
            TransactionResourceImpl.wrapInSQLException(
                StandardException.newException(
                    DISK_FULL + ".D",
                    new IOException("No space left on device"),
                    "Page(7,Container(0, 1168))"));
        default -> super.named(error, scene);
      };
    }

    private static String table(Scene scene) {
      return scene.table("unknown").toUpperCase(Locale.ROOT);
    }

    private static String cycle(Scene scene) {
      String lock = "Lock : ROW, " + table(scene) + ", (1,";
      return lock
          + "7)\n  Waiting XID : {1001, X} , APP, "
          + scene.sql()
          + "\n  Granted XID : {1000, X} \n"
          + lock
          + "8)\n  Waiting XID : {1000, X} , APP, "
          + scene.sql()
          + "\n  Granted XID : {1001, X} \n";
    }

    private SQLException connecting(NamedError error, Scene scene) {
      return switch (error) {
        // an embedded database cannot be unreachable, but it may not be there
        case CONNECTION_LOST ->
            failure(scene, "XJ004.C", InternalDriver.getDatabaseName(scene.url(), scene.info()));
        case TIMEOUT -> failure(scene, "XBDA0.C.1");
        case AUTH_FAILED -> failure(scene, "08004.C.1", "Invalid authentication.");
        default -> super.named(error, scene);
      };
    }

    /** By the engine's own message; in auto-commit a failed statement is a failed transaction. */
    private static SQLException failure(Scene scene, String message, Object... parameters) {
      StandardException failure = StandardException.newException(message, parameters);
      try {
        if (scene.connection() != null
            && scene.connection().getAutoCommit()
            && failure.getSeverity() <= ExceptionSeverity.STATEMENT_SEVERITY) {
          failure.setSeverity(ExceptionSeverity.TRANSACTION_SEVERITY);
        }
      } catch (SQLException closed) {
        // no transaction, then
      }
      return Util.generateCsSQLException(failure);
    }

    @Override
    public SQLException create(String sqlState, int vendorCode, String message, Scene scene) {
      int severity =
          vendorCode == 0 ? StandardException.getSeverityFromIdentifier(sqlState) : vendorCode;
      return super.create(sqlState, severity, message, scene);
    }

    @Override
    protected boolean isLost(SQLException failure) {
      return super.isLost(failure) || DISK_FULL.equals(failure.getSQLState());
    }
  }
}
