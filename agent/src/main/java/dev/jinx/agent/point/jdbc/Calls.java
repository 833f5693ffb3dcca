package dev.jinx.agent.point.jdbc;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.point.Outcome;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.Driver;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One call that an injection is carried out on: how long it would wait, and how it ends. */
record Calls(AnyDriver point, Phase phase, Scene scene, StandardSql spelling, Object[] arguments) {

  static Calls of(
      AnyDriver point,
      Operation operation,
      Phase phase,
      Object self,
      Object[] arguments,
      @Nullable String sql) {
    Drivers drivers = point.drivers();
    boolean connecting = operation == Operation.JDBC_CONNECT;
    Scene scene =
        new Scene(
            operation,
            self,
            connecting ? null : drivers.connection(self), // one that comes to be has no state yet
            sql,
            connecting ? drivers.fullUrl(self, arguments.length == 0 ? null : arguments[0]) : null,
            connecting ? drivers.spelling(self).info(self, arguments) : null);
    return new Calls(point, phase, scene, drivers.spelling(self), arguments);
  }

  /** Whether a driver is asked for a connection of its own; {@code DriverManager} asks them all. */
  static boolean accepts(Object driver, @Nullable Object url) {
    try (CallScope scope = CallScope.enter(null)) {
      return !(driver instanceof Driver it) || (url instanceof String u && it.acceptsURL(u));
    } catch (SQLException e) {
      return false;
    }
  }

  long patience() throws SQLException {
    try (CallScope scope = CallScope.enter(null)) {
      return switch (scene.operation()) {
        case JDBC_CONNECT -> spelling.connectPatience(scene);
        case JDBC_IS_VALID -> Math.min(seconds((Integer) arguments[0]), networkTimeout());
        default -> Math.min(queryTimeout(), networkTimeout());
      };
    }
  }

  private long queryTimeout() throws SQLException {
    return scene.self() instanceof Statement statement
        ? seconds(statement.getQueryTimeout())
        : Long.MAX_VALUE;
  }

  private long networkTimeout() {
    Connection connection = scene.connection();
    try {
      return connection == null
          ? Long.MAX_VALUE
          : StandardSql.millis(connection.getNetworkTimeout());
    } catch (SQLException | RuntimeException | LinkageError notThere) {
      return Long.MAX_VALUE;
    }
  }

  private static long seconds(int seconds) {
    return seconds <= 0 ? Long.MAX_VALUE : TimeUnit.SECONDS.toNanos(seconds);
  }

  Outcome outOfPatience() throws SQLException {
    boolean network = scene.operation() != Operation.JDBC_CONNECT;
    try (CallScope scope = CallScope.enter(null)) {
      network = network && networkTimeout() < queryTimeout();
    }
    return end(
        network || scene.operation() == Operation.JDBC_IS_VALID
            ? spelling.lost(new SocketTimeoutException("Read timed out"), scene)
            : spelling.named(NamedError.TIMEOUT, scene));
  }

  Outcome failed(Failure failure) throws ReflectiveOperationException {
    if (failure instanceof Failure.Thrown thrown) {
      return Outcome.fail(point.exceptions().make(thrown, scene.self()));
    }
    if (failure instanceof Failure.Sql sql) {
      String message = sql.message() == null ? "SQLState " + sql.sqlState() : sql.message();
      return end(spelling.create(sql.sqlState(), sql.vendorCode(), message, scene));
    }
    return end(spelling.named(((Failure.Named) failure).error(), scene));
  }

  /** The statement was cancelled meanwhile, or its connection closed. */
  Outcome closed() {
    return end(
        point.drivers().isOpen(scene.self()) && !point.waiting().isGone(scene.connection())
            ? spelling.cancelled(scene)
            : spelling.lost(new SocketException("Socket closed"), scene));
  }

  private Outcome end(SQLException failure) {
    SQLException thrown = failure;
    try (CallScope scope = CallScope.enter(null)) {
      if (scene.operation() == Operation.JDBC_BATCH) {
        thrown = batch(failure);
      } else {
        spelling.settle(failure, scene);
      }
    } catch (SQLException | RuntimeException e) {
      OwnFailures.note(e);
    }
    // a driver says no, and not why
    return scene.operation() == Operation.JDBC_IS_VALID
        ? Outcome.give(false)
        : Outcome.fail(thrown);
  }

  /** The first statement of a batch fails; the others are executed where the driver does so. */
  private SQLException batch(SQLException failure) throws SQLException {
    Statement statement = (Statement) scene.self();
    Collection<?> batched = phase == Phase.BEFORE ? spelling.batched(statement) : List.of();
    boolean goesOn = !batched.isEmpty() && spelling.goesOn(failure, scene);
    if (!goesOn || spelling.isLost(failure)) {
      int size = point.drivers().batchSize(statement);
      SQLException thrown = spelling.batch(failure, scene, spelling.counts(failure, scene, size));
      statement.clearBatch(); // as drivers do with a batch that failed
      spelling.settle(failure, scene);
      return thrown;
    }
    batched.remove(batched.iterator().next());
    spelling.settle(failure, scene);
    int[] others;
    try {
      others = statement.executeBatch();
    } catch (BatchUpdateException alsoFailed) {
      others = alsoFailed.getUpdateCounts();
    }
    int[] counts = new int[others.length + 1];
    counts[0] = Statement.EXECUTE_FAILED;
    System.arraycopy(others, 0, counts, 1, others.length);
    return spelling.batch(failure, scene, counts);
  }
}
