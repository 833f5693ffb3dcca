package dev.jinx.agent.point.jdbc;

import com.zaxxer.hikari.pool.HikariPool;
import com.zaxxer.hikari.util.DriverDataSource;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.weave.Access;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * HikariCP. Its own threads connect; a caller waits until its {@code connectionTimeout} is over.
 */
public final class HikariCp extends Pool {

  public HikariCp(Armory armory, Access access, AnyDriver drivers) {
    super(armory, access, drivers, "hikaricp");
    borrow("com/zaxxer/hikari/pool/HikariPool", "getConnection(J)Ljava/sql/Connection;");
  }

  static final class Adapter extends StandardPool {
    private @Nullable MethodHandle timedOut;
    private @Nullable MethodHandle driver;
    private @Nullable MethodHandle info;
    private @Nullable MethodHandle lastFailure;

    @Override
    public void open(Access access, Class<?> library) throws ReflectiveOperationException {
      driver = StandardSql.field(access, DriverDataSource.class, "driver");
      info = StandardSql.field(access, DriverDataSource.class, "driverProperties");
      lastFailure =
          StandardSql.field(access, HikariPool.class.getSuperclass(), "lastConnectionFailure");
      timedOut =
          access
              .in(HikariPool.class)
              .findVirtual(
                  HikariPool.class,
                  "createTimeoutException",
                  MethodType.methodType(SQLException.class, long.class));
    }

    @Override
    public @Nullable String url(Object pool) {
      return ((HikariPool) pool).config.getJdbcUrl();
    }

    @Override
    public @Nullable Object driver(Object pool) {
      DataSource source = ((HikariPool) pool).getUnwrappedDataSource();
      return source instanceof DriverDataSource && driver != null
          ? StandardSql.read(driver, source)
          : source;
    }

    @Override
    public @Nullable Properties info(Object pool, Object[] arguments) {
      DataSource source = ((HikariPool) pool).getUnwrappedDataSource();
      return source instanceof DriverDataSource && info != null
          ? (Properties) StandardSql.read(info, source)
          : user(((HikariPool) pool).config.getUsername());
    }

    @Override
    public long patience(Object pool, Object[] arguments) {
      return TimeUnit.MILLISECONDS.toNanos((Long) arguments[0]);
    }

    @Override
    public long persistence(Object pool) {
      return Long.MAX_VALUE;
    }

    @Override
    public SQLException exhausted(Object pool, Object[] arguments) {
      return timedOut(pool, arguments);
    }

    @Override
    public SQLException failed(Object pool, Object[] arguments, SQLException cause) {
      AtomicReference<Throwable> last = lastFailure(pool);
      Throwable before = last.getAndSet(cause);
      try {
        return timedOut(pool, arguments);
      } finally {
        last.compareAndSet(cause, before);
      }
    }

    @SuppressWarnings("unchecked")
    private AtomicReference<Throwable> lastFailure(Object pool) {
      Object last = lastFailure == null ? null : StandardSql.read(lastFailure, pool);
      return last == null ? new AtomicReference<>() : (AtomicReference<Throwable>) last;
    }

    /** The pool's own, which counts it in its metrics, of a pool that has none to give. */
    private SQLException timedOut(Object pool, Object[] arguments) {
      try {
        long start = System.nanoTime() - patience(pool, arguments);
        if (timedOut != null) {
          return full((SQLException) timedOut.invoke(pool, start));
        }
      } catch (Throwable e) {
        OwnFailures.note(e);
      }
      return new SQLTransientConnectionException("Connection is not available");
    }

    private static SQLException full(SQLException own) {
      String message = own.getMessage();
      SQLException full =
          new SQLTransientConnectionException(
              message == null
                  ? null
                  : message.replaceAll(
                      "total=(\\d+), active=\\d+, idle=\\d+", "total=$1, active=$1, idle=0"),
              own.getSQLState(),
              own.getErrorCode(),
              own.getCause());
      if (own.getNextException() != null) {
        full.setNextException(own.getNextException());
      }
      return full;
    }

    @Override
    public SQLException interrupted(Object pool, Object[] arguments) {
      return new SQLException(
          ((HikariPool) pool).config.getPoolName() + " - Interrupted during connection acquisition",
          new InterruptedException());
    }
  }
}
