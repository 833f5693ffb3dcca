package dev.jinx.agent.point.jdbc;

import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.weave.Access;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import org.apache.tomcat.jdbc.pool.ConnectionPool;
import org.apache.tomcat.jdbc.pool.PoolConfiguration;
import org.apache.tomcat.jdbc.pool.PoolExhaustedException;
import org.jspecify.annotations.Nullable;

/**
 * Tomcat's own pool. A caller connects by itself while there is room, and waits for a connection of
 * others', as long as {@code maxWait}, where there is none.
 */
public final class TomcatJdbc extends Pool {

  public TomcatJdbc(Armory armory, Access access, AnyDriver drivers) {
    super(armory, access, drivers, "tomcat-jdbc");
    borrow(
        "org/apache/tomcat/jdbc/pool/ConnectionPool",
        "getConnection()Ljava/sql/Connection;",
        "getConnection(Ljava/lang/String;Ljava/lang/String;)Ljava/sql/Connection;");
  }

  static final class Adapter extends StandardPool {

    private static PoolConfiguration settings(Object pool) {
      return ((ConnectionPool) pool).getPoolProperties();
    }

    @Override
    public @Nullable String url(Object pool) {
      return settings(pool).getDataSource() == null ? settings(pool).getUrl() : null;
    }

    @Override
    public @Nullable Object driver(Object pool) {
      PoolConfiguration settings = settings(pool);
      try {
        return settings.getDataSource() == null && settings.getUrl() != null
            ? DriverManager.getDriver(settings.getUrl())
            : settings.getDataSource();
      } catch (SQLException notRegistered) {
        return null;
      }
    }

    @Override
    public @Nullable Properties info(Object pool, Object[] arguments) {
      boolean alternate = arguments.length > 0 && settings(pool).isAlternateUsernameAllowed();
      return user(alternate ? (String) arguments[0] : settings(pool).getUsername());
    }

    @Override
    public long patience(Object pool, Object[] arguments) {
      return millis(settings(pool).getMaxWait());
    }

    @Override
    public SQLException exhausted(Object pool, Object[] arguments) {
      long waited = TimeUnit.NANOSECONDS.toMillis(patience(pool, arguments));
      int size = ((ConnectionPool) pool).getSize();
      return new PoolExhaustedException(
          "["
              + Thread.currentThread().getName()
              + "] Timeout: Pool empty. Unable to fetch a connection in "
              + waited / 1000
              + " seconds, none available[size:"
              + size
              + "; busy:"
              + size
              + "; idle:0; lastwait:"
              + waited
              + "].");
    }

    @Override
    public SQLException interrupted(Object pool, Object[] arguments) {
      if (!settings(pool).getPropagateInterruptState()) {
        Thread.interrupted(); // as the pool does
      }
      SQLException interrupted = new SQLException("Pool wait interrupted.");
      interrupted.initCause(new InterruptedException());
      return interrupted;
    }
  }
}
