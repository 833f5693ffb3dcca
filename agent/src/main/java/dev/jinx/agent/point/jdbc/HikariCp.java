package dev.jinx.agent.point.jdbc;

import com.zaxxer.hikari.HikariConfig;
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
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * HikariCP. Its own threads connect; a caller waits until its {@code connectionTimeout} is over.
 */
public final class HikariCp extends Pool {

  public HikariCp(Armory armory, Access access, AnyDriver drivers) {
    super(armory, access, drivers, "hikaricp");
    borrow("com/zaxxer/hikari/pool/HikariPool", "getConnection", "(J)Ljava/sql/Connection;");
  }

  static final class Adapter extends StandardPool {
    private @Nullable MethodHandle timedOut;
    private @Nullable MethodHandle driver;
    private @Nullable MethodHandle info;

    @Override
    public void open(Access access, Class<?> library) throws ReflectiveOperationException {
      driver = StandardSql.field(access, DriverDataSource.class, "driver");
      info = StandardSql.field(access, DriverDataSource.class, "driverProperties");
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
      HikariConfig config = ((HikariPool) pool).config;
      String url = config.getJdbcUrl();
      return url == null ? config.getDataSourceProperties().getProperty("url") : url;
    }

    @Override
    public @Nullable Object driver(Object pool) {
      DataSource source = ((HikariPool) pool).getUnwrappedDataSource();
      return source instanceof DriverDataSource && driver != null
          ? StandardSql.read(driver, source)
          : source;
    }

    @Override
    public @Nullable Properties info(Object pool) {
      DataSource source = ((HikariPool) pool).getUnwrappedDataSource();
      return source instanceof DriverDataSource && info != null
          ? (Properties) StandardSql.read(info, source)
          : null;
    }

    @Override
    public long patience(Object pool, Object[] arguments) {
      return TimeUnit.MILLISECONDS.toNanos((Long) arguments[0]);
    }

    @Override
    public boolean insists(Object pool) {
      return true;
    }

    @Override
    public SQLException exhausted(Object pool, Object[] arguments) {
      SQLException own = timedOut(pool, arguments);
      return new SQLTransientConnectionException(full(own), own.getSQLState(), own.getCause());
    }

    @Override
    public SQLException failed(Object pool, Object[] arguments, SQLException cause) {
      SQLException failed =
          new SQLTransientConnectionException(
              full(timedOut(pool, arguments)), cause.getSQLState(), cause.getErrorCode(), cause);
      failed.setNextException(cause);
      return failed;
    }

    /** The pool's own, which counts it in its metrics. */
    private SQLException timedOut(Object pool, Object[] arguments) {
      try {
        long start = System.nanoTime() - patience(pool, arguments);
        if (timedOut != null) {
          return (SQLException) timedOut.invoke(pool, start);
        }
      } catch (Throwable e) {
        OwnFailures.note(e);
      }
      return new SQLTransientConnectionException("Connection is not available");
    }

    /** What it says of a pool none of whose connections is to be had. */
    private static @Nullable String full(SQLException own) {
      String message = own.getMessage();
      return message == null
          ? null
          : message.replaceAll(
              "total=(\\d+), active=\\d+, idle=\\d+", "total=$1, active=$1, idle=0");
    }

    @Override
    public SQLException interrupted(Object pool, Object[] arguments) {
      return new SQLException(
          ((HikariPool) pool).config.getPoolName() + " - Interrupted during connection acquisition",
          new InterruptedException());
    }
  }
}
