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

  private final Exceptions exceptions;
  private final Access access;
  private final Waiting waiting = new Waiting();
  private final JdbcHook connect;
  private final List<MethodHook> driverHooks = new ArrayList<>();
  private final List<MethodHook> connectionHooks = new ArrayList<>();
  private final List<MethodHook> statementHooks = new ArrayList<>();
  private final List<MethodHook> resultHooks = new ArrayList<>();
  private volatile @Nullable List<ClassHooks> classes;
  private volatile @Nullable Drivers drivers;

  public AnyDriver(Armory armory, Access access, Exceptions exceptions) {
    this.exceptions = exceptions;
    this.access = access;
    connect = new JdbcHook(armory, Operation.JDBC_CONNECT, this);
    String descriptor = "(Ljava/lang/String;Ljava/util/Properties;)Ljava/sql/Connection;";
    driverHooks.add(hook(connect, "connect", descriptor, 0));
    hookConnections(armory);
    hookStatements(armory);
    JdbcHook next = new JdbcHook(armory, Operation.JDBC_NEXT, this);
    resultHooks.add(hook(next, "next", "()Z", -1));
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

  private void hookConnections(Armory armory) {
    Prepare prepare = new Prepare(armory, this);
    long bits = prepare.operation().bit() | executions() | Operation.JDBC_NEXT.bit();
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
    JdbcHook savepoint = new Savepoint(armory, this);
    connectionHooks.add(hook(savepoint, "setSavepoint", "()Ljava/sql/Savepoint;", -1));
    connectionHooks.add(hook(savepoint, "setSavepoint", "(" + STRING + ")Ljava/sql/Savepoint;", 0));
    connectionHooks.add(hook(savepoint, "releaseSavepoint", "(Ljava/sql/Savepoint;)V", -1));
    connectionHooks.add(hook(isValid, "isValid", "(I)Z", -1));
    Close close = new Close(armory, this);
    long any = Operation.bits(Operation.of(Kind.JDBC));
    connectionHooks.add(hook("close", "()V", -1, any, close));
    connectionHooks.add(
        hook("abort", "(Ljava/util/concurrent/Executor;)V", -1, any, new Abort(this)));
  }

  private void hookStatements(Armory armory) {
    JdbcHook execute = new Execute(armory, this);
    long bits = execute.operation().bit() | Operation.JDBC_NEXT.bit();
    for (String[] method :
        new String[][] {{"execute", "Z"}, {"executeUpdate", "I"}, {"executeLargeUpdate", "J"}}) {
      statementHooks.add(hook(execute, method[0], "()" + method[1], -1));
      for (String more : new String[] {"", "I", "[I", "[Ljava/lang/String;"}) {
        String parameters = "(" + STRING + more + ")";
        statementHooks.add(hook(method[0], parameters + method[1], 0, bits, execute));
      }
    }
    statementHooks.add(hook(execute, "executeQuery", "()Ljava/sql/ResultSet;", -1));
    String query = "(" + STRING + ")Ljava/sql/ResultSet;";
    statementHooks.add(hook("executeQuery", query, 0, bits, execute));
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

  /** Remembers what was executed, for those who then ask of the rows. */
  private static final class Execute extends JdbcHook {
    Execute(Armory armory, AnyDriver point) {
      super(armory, Operation.JDBC_EXECUTE, point);
    }

    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object self, @Nullable Object sql) {
      if (sql instanceof String text && armory().isArmed(Operation.JDBC_NEXT)) {
        point.drivers().prepared(self, text);
      }
      return super.enter(original, self, sql);
    }
  }

  /** A savepoint is a statement of its own to the database. */
  private static final class Savepoint extends JdbcHook {
    Savepoint(Armory armory, AnyDriver point) {
      super(armory, Operation.JDBC_EXECUTE, point);
    }

    @Override
    protected @Nullable String sql(Object self, @Nullable Object argument) {
      return "savepoint";
    }
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
          || CallScope.isInside(operation())) {
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
      point.waiting().closing(self);
      return super.enter(original, self, argument);
    }
  }

  /** Aborting is no operation, but ends what waits on the connection. */
  private record Abort(AnyDriver point) implements Handler {
    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object self, @Nullable Object argument) {
      point.waiting().closing(self);
      return null;
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
            point.drivers().batchBegins(it);
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
    List<ClassHooks> known = classes;
    if (known == null) { // asked for each class of a driver that is loaded
      known = make();
      classes = known;
    }
    return known;
  }

  private List<ClassHooks> make() {
    List<ClassHooks> all = new ArrayList<>();
    for (DriverClasses driver : KnownDrivers.ALL) {
      for (DriverClasses.Connect each : driver.connects) {
        add(all, driver.library, each.className(), connects(driver, each.className()));
      }
      add(all, driver.library, driver.drivers, driverHooks);
      add(all, driver.library, driver.connections, connectionHooks);
      add(all, driver.library, driver.statements, statementHooks);
      for (String name : driver.results) {
        all.add(results(driver.library, name));
      }
    }
    return all;
  }

  /** All methods of a class by which a connection is made, which may be the connection's own. */
  private List<MethodHook> connects(DriverClasses driver, String className) {
    List<MethodHook> hooks = new ArrayList<>();
    for (String name : driver.connections) {
      if (name.equals(className)) {
        hooks.addAll(connectionHooks);
      }
    }
    for (String name : driver.drivers) {
      if (name.equals(className)) {
        hooks.addAll(driverHooks);
      }
    }
    for (DriverClasses.Connect each : driver.connects) {
      if (each.className().equals(className)) {
        hooks.add(hook(connect, each.method(), each.descriptor(), each.argument()));
      }
    }
    return hooks;
  }

  private static void add(
      List<ClassHooks> all, String library, String[] names, List<MethodHook> methods) {
    for (String name : names) {
      add(all, library, name, methods);
    }
  }

  private static void add(
      List<ClassHooks> all, String library, String name, List<MethodHook> methods) {
    for (ClassHooks each : all) {
      if (each.className().equals(name)) {
        return;
      }
    }
    all.add(new ClassHooks(library, name, methods));
  }

  private ClassHooks results(String library, String name) {
    return new ClassHooks(library, name, resultHooks, Operation.JDBC_NEXT.bit());
  }

  /** The hooks of a class of a driver that nobody knows, by the interfaces that it names. */
  public @Nullable ClassHooks find(String className, String[] interfaces) {
    if (isWrapper(className)) {
      return null;
    }
    for (String each : interfaces) {
      if (each.equals("java/sql/ResultSet")) {
        return results("jdbc", className);
      }
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

  private static boolean isWrapper(String className) {
    for (DriverClasses driver : KnownDrivers.ALL) {
      for (String name : driver.wrappers) {
        if (className.startsWith(name)) {
          return true;
        }
      }
    }
    return false;
  }
}
