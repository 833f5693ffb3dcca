package dev.jinx.agent.point.jdbc;

import dev.jinx.agent.call.Kind;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.Point;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.MethodHook;
import dev.jinx.agent.weave.Original;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * JDBC, in the driver's own classes: beneath pools and proxies, so that these see a failure as the
 * driver's. Classes are known by name, or found by the interfaces that they implement themselves.
 */
public final class AnyDriver implements Point {
  private static final String STRING = "Ljava/lang/String;";

  /** Other drivers whose classes do not all name the interfaces of JDBC themselves. */
  private static final String[] OTHER_CONNECTIONS = {
    "com/mysql/cj/jdbc/ConnectionImpl",
    "oracle/jdbc/driver/PhysicalConnection",
    "com/microsoft/sqlserver/jdbc/SQLServerConnection",
    "org/hsqldb/jdbc/JDBCConnection",
    "org/apache/derby/impl/jdbc/EmbedConnection",
    "org/sqlite/SQLiteConnection",
    "org/sqlite/jdbc3/JDBC3Connection",
    "org/sqlite/jdbc4/JDBC4Connection"
  };

  private static final String[] OTHER_STATEMENTS = {
    "com/mysql/cj/jdbc/StatementImpl",
    "com/mysql/cj/jdbc/ClientPreparedStatement",
    "com/mysql/cj/jdbc/ServerPreparedStatement",
    "com/mysql/cj/jdbc/CallableStatement",
    "oracle/jdbc/driver/OracleStatement",
    "oracle/jdbc/driver/OraclePreparedStatement",
    "oracle/jdbc/driver/OracleCallableStatement",
    "com/microsoft/sqlserver/jdbc/SQLServerStatement",
    "com/microsoft/sqlserver/jdbc/SQLServerPreparedStatement",
    "com/microsoft/sqlserver/jdbc/SQLServerCallableStatement",
    "org/hsqldb/jdbc/JDBCStatement",
    "org/hsqldb/jdbc/JDBCPreparedStatement",
    "org/hsqldb/jdbc/JDBCCallableStatement",
    "org/apache/derby/impl/jdbc/EmbedStatement",
    "org/apache/derby/impl/jdbc/EmbedPreparedStatement",
    "org/apache/derby/impl/jdbc/EmbedCallableStatement",
    "org/sqlite/jdbc3/JDBC3Statement",
    "org/sqlite/jdbc3/JDBC3PreparedStatement",
    "org/sqlite/jdbc4/JDBC4Statement",
    "org/sqlite/jdbc4/JDBC4PreparedStatement"
  };

  private static final String[] OTHER_DRIVERS = {
    "com/mysql/cj/jdbc/NonRegisteringDriver",
    "oracle/jdbc/driver/OracleDriver",
    "com/microsoft/sqlserver/jdbc/SQLServerDriver",
    "org/hsqldb/jdbc/JDBCDriver",
    "org/sqlite/JDBC"
  };

  private final Exceptions exceptions;
  private final Access access;
  private final Waiting waiting = new Waiting();
  private final List<MethodHook> driverHooks = new ArrayList<>();
  private final List<MethodHook> connectionHooks = new ArrayList<>();
  private final List<MethodHook> statementHooks = new ArrayList<>();
  private volatile @Nullable Drivers drivers;

  public AnyDriver(Armory armory, Access access, Exceptions exceptions) {
    this.exceptions = exceptions;
    this.access = access;
    hookDrivers(new JdbcHook(armory, Operation.JDBC_CONNECT, this));
    hookConnections(armory);
    hookStatements(armory);
  }

  Exceptions exceptions() {
    return exceptions;
  }

  Waiting waiting() {
    return waiting;
  }

  Drivers drivers() {
    Drivers known = drivers;
    if (known == null) {
      synchronized (this) {
        known = drivers;
        if (known == null) {
          known = new Drivers(access);
          drivers = known;
        }
      }
    }
    return known;
  }

  // ---- methods

  private static MethodHook hook(JdbcHook hook, String name, String descriptor, int argument) {
    return hook(name, descriptor, argument, hook.operation().bit(), hook);
  }

  private static MethodHook hook(
      String name, String descriptor, int argument, long bits, Handler handler) {
    return new MethodHook(name, descriptor, argument, bits, handler, false);
  }

  private void hookDrivers(JdbcHook connect) {
    String descriptor = "(Ljava/lang/String;Ljava/util/Properties;)Ljava/sql/Connection;";
    driverHooks.add(hook(connect, "connect", descriptor, 0));
    driverHooks.add(hook(connect, "connect", MariaDb.CONFIGURED, 0));
  }

  private void hookConnections(Armory armory) {
    Prepare prepare = new Prepare(armory, this);
    long bits = prepare.operation().bit() | executions();
    for (String more : new String[] {"", "I", "[I", "[Ljava/lang/String;", "II", "III"}) {
      String parameters = "(" + STRING + more + ")";
      String prepared = parameters + "Ljava/sql/PreparedStatement;";
      connectionHooks.add(hook("prepareStatement", prepared, 0, bits, prepare));
      connectionHooks.add(
          hook("prepareCall", parameters + "Ljava/sql/CallableStatement;", 0, bits, prepare));
    }
    JdbcHook commit = new JdbcHook(armory, Operation.JDBC_COMMIT, this);
    JdbcHook rollback = new JdbcHook(armory, Operation.JDBC_ROLLBACK, this);
    JdbcHook isValid = new JdbcHook(armory, Operation.JDBC_IS_VALID, this);
    connectionHooks.add(hook(commit, "commit", "()V", -1));
    connectionHooks.add(hook(rollback, "rollback", "()V", -1));
    connectionHooks.add(hook(rollback, "rollback", "(Ljava/sql/Savepoint;)V", -1));
    connectionHooks.add(hook(isValid, "isValid", "(I)Z", -1));
    Close close = new Close(armory, this);
    long any = Operation.bits(Operation.of(Kind.JDBC));
    connectionHooks.add(hook("close", "()V", -1, any, close));
    connectionHooks.add(hook("abort", "(Ljava/util/concurrent/Executor;)V", -1, any, waiting));
  }

  private void hookStatements(Armory armory) {
    JdbcHook execute = new JdbcHook(armory, Operation.JDBC_EXECUTE, this);
    for (String[] method :
        new String[][] {{"execute", "Z"}, {"executeUpdate", "I"}, {"executeLargeUpdate", "J"}}) {
      statementHooks.add(hook(execute, method[0], "()" + method[1], -1));
      for (String more : new String[] {"", "I", "[I", "[Ljava/lang/String;"}) {
        statementHooks.add(hook(execute, method[0], "(" + STRING + more + ")" + method[1], 0));
      }
    }
    statementHooks.add(hook(execute, "executeQuery", "()Ljava/sql/ResultSet;", -1));
    statementHooks.add(hook(execute, "executeQuery", "(" + STRING + ")Ljava/sql/ResultSet;", 0));
    JdbcHook batch = new Batch(armory, this);
    statementHooks.add(hook(batch, "executeBatch", "()[I", -1));
    statementHooks.add(hook(batch, "executeLargeBatch", "()[J", -1));
    BatchText texts = new BatchText(this);
    long bit = batch.operation().bit();
    statementHooks.add(hook("addBatch", "(" + STRING + ")V", 0, bit, texts));
    statementHooks.add(hook("clearBatch", "()V", -1, bit, texts));
    statementHooks.add(hook("cancel", "()V", -1, executions(), waiting));
  }

  private static long executions() {
    return Operation.JDBC_EXECUTE.bit() | Operation.JDBC_BATCH.bit();
  }

  /** Remembers what was prepared, for the driver that does not tell. */
  private static final class Prepare extends JdbcHook {
    Prepare(Armory armory, AnyDriver point) {
      super(armory, Operation.JDBC_PREPARE, point);
    }

    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object self, @Nullable Object sql) {
      BiFunction<Object, Object[], @Nullable Object> ticket = super.enter(original, self, sql);
      if (!(sql instanceof String text)
          || point.drivers().tellsTexts(self)
          || CallScope.isInside(Kind.JDBC)) {
        return ticket;
      }
      return new BiFunction<>() {
        @Override
        public @Nullable Object apply(Object it, Object[] arguments) {
          Object prepared =
              ticket == null
                  ? Prepare.<RuntimeException>call(original, it, arguments)
                  : ticket.apply(it, arguments);
          if (prepared != null) {
            point.drivers().prepared(prepared, text);
          }
          return prepared;
        }
      };
    }

    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
    private static <E extends Throwable> @Nullable Object call(
        Original original, Object self, Object[] arguments) throws E {
      try (CallScope scope = CallScope.enter(Kind.JDBC)) {
        return original.call(self, arguments);
      } catch (Throwable e) {
        throw (E) e;
      }
    }
  }

  /** Closing is an operation of its own, and ends what waits on the connection. */
  private static final class Close extends JdbcHook {
    Close(Armory armory, AnyDriver point) {
      super(armory, Operation.JDBC_CLOSE, point);
    }

    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object self, @Nullable Object argument) {
      point.waiting().close(self);
      return super.enter(original, self, argument);
    }
  }

  /** Forgets the texts of a batch once it has been executed. */
  private static final class Batch extends JdbcHook {
    Batch(Armory armory, AnyDriver point) {
      super(armory, Operation.JDBC_BATCH, point);
    }

    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object self, @Nullable Object argument) {
      BiFunction<Object, Object[], @Nullable Object> ticket = super.enter(original, self, argument);
      if (ticket == null) {
        point.drivers().batchOver(self);
        return null;
      }
      return new BiFunction<>() {
        @Override
        public @Nullable Object apply(Object it, Object[] arguments) {
          try {
            return ticket.apply(it, arguments);
          } finally {
            point.drivers().batchOver(it);
          }
        }
      };
    }
  }

  /** Puts together what a batch of texts is about. */
  private record BatchText(AnyDriver point) implements Handler {
    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object self, @Nullable Object sql) {
      if (sql instanceof String text) {
        point.drivers().batched(self, text);
      } else {
        point.drivers().batchOver(self);
      }
      return null;
    }
  }

  // ---- classes

  @Override
  public List<ClassHooks> classes() {
    List<ClassHooks> all = new ArrayList<>();
    add(all, "h2", H2.DRIVERS, driverHooks);
    add(all, "h2", H2.CONNECTIONS, connectionHooks);
    add(all, "h2", H2.STATEMENTS, statementHooks);
    add(all, "mariadb", MariaDb.DRIVERS, driverHooks);
    add(all, "mariadb", MariaDb.CONNECTIONS, connectionHooks);
    add(all, "mariadb", MariaDb.STATEMENTS, statementHooks);
    add(all, "postgresql", PostgreSql.DRIVERS, driverHooks);
    add(all, "postgresql", PostgreSql.CONNECTIONS, connectionHooks);
    add(all, "postgresql", PostgreSql.STATEMENTS, statementHooks);
    add(all, "jdbc", OTHER_DRIVERS, driverHooks);
    add(all, "jdbc", OTHER_CONNECTIONS, connectionHooks);
    add(all, "jdbc", OTHER_STATEMENTS, statementHooks);
    return all;
  }

  private static void add(
      List<ClassHooks> all, String library, String[] names, List<MethodHook> methods) {
    for (String name : names) {
      all.add(new ClassHooks(library, name, methods));
    }
  }

  /** The hooks of a class of a driver that nobody knows, by the interfaces that it names. */
  public @Nullable ClassHooks find(String className, String[] interfaces) {
    for (String each : interfaces) {
      List<MethodHook> methods =
          switch (each) {
            case "java/sql/Driver" -> driverHooks;
            case "java/sql/Connection" -> connectionHooks;
            case "java/sql/Statement", "java/sql/PreparedStatement", "java/sql/CallableStatement" ->
                statementHooks;
            default -> null;
          };
      if (methods != null) {
        return new ClassHooks("jdbc", className, methods);
      }
    }
    return null;
  }
}
