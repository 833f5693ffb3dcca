package dev.jinx.agent.point.jdbc;

import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.weave.Access;
import java.lang.invoke.MethodHandle;
import java.sql.Driver;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.NoSuchElementException;
import java.util.Properties;
import org.apache.commons.dbcp2.BasicDataSource;
import org.apache.commons.dbcp2.ConnectionFactory;
import org.apache.commons.dbcp2.DataSourceConnectionFactory;
import org.apache.commons.dbcp2.DriverConnectionFactory;
import org.apache.commons.dbcp2.DriverManagerConnectionFactory;
import org.apache.commons.dbcp2.PoolableConnectionFactory;
import org.apache.commons.dbcp2.PoolingDataSource;
import org.apache.commons.pool2.impl.GenericObjectPool;
import org.jspecify.annotations.Nullable;

/**
 * Apache Commons DBCP 2. A caller connects by itself while there is room, and waits for a
 * connection of others', as long as {@code maxWait}, where there is none.
 */
public final class Dbcp2 extends Pool {
  private static final String GET = "getConnection()Ljava/sql/Connection;";

  public Dbcp2(Armory armory, Access access, AnyDriver drivers) {
    super(armory, access, drivers, "dbcp2");
    borrow("org/apache/commons/dbcp2/BasicDataSource", GET);
    borrow("org/apache/commons/dbcp2/PoolingDataSource", GET);
  }

  /**
   * Of a {@code BasicDataSource}, which makes itself a {@code PoolingDataSource}, or of another.
   */
  static final class Adapter extends StandardPool {
    private @Nullable MethodHandle made;
    private @Nullable MethodHandle pool;
    private @Nullable MethodHandle uri;

    @Override
    public void open(Access access, Class<?> library) throws ReflectiveOperationException {
      made = StandardSql.field(access, BasicDataSource.class, "dataSource");
      pool = StandardSql.field(access, PoolingDataSource.class, "pool");
      uri = StandardSql.field(access, DriverManagerConnectionFactory.class, "connectionUri");
    }

    private @Nullable GenericObjectPool<?> objects(Object self) {
      Object objects = pool == null ? null : StandardSql.read(pool, self);
      return objects instanceof GenericObjectPool<?> it ? it : null;
    }

    private @Nullable ConnectionFactory connections(Object self) {
      GenericObjectPool<?> objects = objects(self);
      return objects != null && objects.getFactory() instanceof PoolableConnectionFactory factory
          ? factory.getConnectionFactory()
          : null;
    }

    @Override
    public @Nullable String url(Object self) {
      if (self instanceof BasicDataSource basic) {
        return basic.getUrl();
      }
      ConnectionFactory connections = connections(self);
      if (connections instanceof DriverConnectionFactory byDriver) {
        return byDriver.getConnectionString();
      }
      return connections instanceof DriverManagerConnectionFactory && uri != null
          ? (String) StandardSql.read(uri, connections)
          : null;
    }

    @Override
    public @Nullable Object driver(Object self) {
      Driver driver = self instanceof BasicDataSource basic ? basic.getDriver() : null;
      ConnectionFactory connections = connections(self);
      if (connections instanceof DriverConnectionFactory byDriver) {
        driver = byDriver.getDriver();
      } else if (connections instanceof DataSourceConnectionFactory bySource) {
        return bySource.getDataSource();
      }
      String url = driver == null ? url(self) : null;
      try {
        return url == null ? driver : DriverManager.getDriver(url);
      } catch (SQLException notRegistered) {
        return null;
      }
    }

    @Override
    @SuppressWarnings("deprecation") // getUserName is young
    public @Nullable Properties info(Object self, Object[] arguments) {
      if (self instanceof BasicDataSource basic) {
        return user(basic.getUsername());
      }
      ConnectionFactory connections = connections(self);
      return connections instanceof DriverConnectionFactory byDriver
          ? byDriver.getProperties()
          : connections instanceof DriverManagerConnectionFactory byManager
              ? byManager.getProperties()
              : connections instanceof DataSourceConnectionFactory bySource
                  ? user(bySource.getUserName())
                  : null;
    }

    @Override
    @SuppressWarnings("deprecation") // getMaxWaitDuration is young
    public long patience(Object self, Object[] arguments) {
      if (self instanceof BasicDataSource basic) {
        return waiting(basic.getMaxWaitMillis());
      }
      GenericObjectPool<?> objects = objects(self);
      if (objects == null) {
        return Long.MAX_VALUE;
      }
      return objects.getBlockWhenExhausted() ? waiting(objects.getMaxWaitMillis()) : 0;
    }

    private static long waiting(long millis) {
      return millis == 0 ? 0 : millis(millis);
    }

    @Override
    public SQLException exhausted(Object self, Object[] arguments) {
      GenericObjectPool<?> objects = objects(self);
      String why =
          objects == null || objects.getBlockWhenExhausted()
              ? "Timeout waiting for idle object, maxWaitDuration="
                  + Duration.ofNanos(patience(self, arguments))
              : "Pool exhausted";
      return new SQLException(
          "Cannot get a connection, pool error " + why, new NoSuchElementException(why));
    }

    @Override
    public SQLException failed(Object self, Object[] arguments, SQLException cause) {
      boolean first =
          self instanceof BasicDataSource && made != null && StandardSql.read(made, self) == null;
      return first
          ? new SQLException(
              "Cannot create PoolableConnectionFactory (" + cause.getMessage() + ")", cause)
          : cause;
    }

    @Override
    public SQLException interrupted(Object self, Object[] arguments) {
      return new SQLException("Cannot get a connection, general error", new InterruptedException());
    }
  }
}
