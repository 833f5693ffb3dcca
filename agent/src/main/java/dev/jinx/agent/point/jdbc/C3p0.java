package dev.jinx.agent.point.jdbc;

import com.mchange.v2.c3p0.DriverManagerDataSource;
import com.mchange.v2.c3p0.WrapperConnectionPoolDataSource;
import com.mchange.v2.c3p0.impl.AbstractPoolBackedDataSource;
import com.mchange.v2.resourcepool.CannotAcquireResourceException;
import com.mchange.v2.resourcepool.TimeoutException;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.weave.Access;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Properties;
import org.jspecify.annotations.Nullable;

/**
 * c3p0. Its own threads connect, {@code acquireRetryAttempts} times more; a caller waits until they
 * have given up, or its {@code checkoutTimeout} is over.
 */
public final class C3p0 extends Pool {

  public C3p0(Armory armory, Access access, AnyDriver drivers) {
    super(armory, access, drivers, "c3p0");
    borrow(
        "com/mchange/v2/c3p0/impl/AbstractPoolBackedDataSource",
        "getConnection()Ljava/sql/Connection;",
        "getConnection(Ljava/lang/String;Ljava/lang/String;)Ljava/sql/Connection;");
  }

  static final class Adapter extends StandardPool {

    private static @Nullable WrapperConnectionPoolDataSource settings(Object pool) {
      return ((AbstractPoolBackedDataSource) pool).getConnectionPoolDataSource()
              instanceof WrapperConnectionPoolDataSource settings
          ? settings
          : null;
    }

    private static @Nullable Object source(Object pool) {
      WrapperConnectionPoolDataSource settings = settings(pool);
      return settings == null
          ? ((AbstractPoolBackedDataSource) pool).getConnectionPoolDataSource()
          : settings.getNestedDataSource();
    }

    @Override
    public @Nullable String url(Object pool) {
      return source(pool) instanceof DriverManagerDataSource source ? source.getJdbcUrl() : null;
    }

    @Override
    public @Nullable Object driver(Object pool) {
      Object source = source(pool);
      String url = url(pool);
      try {
        return url == null ? source : DriverManager.getDriver(url);
      } catch (SQLException notRegistered) {
        return null;
      }
    }

    @Override
    public @Nullable Properties info(Object pool, Object[] arguments) {
      if (arguments.length > 0) {
        return user((String) arguments[0]);
      }
      return source(pool) instanceof DriverManagerDataSource source ? source.getProperties() : null;
    }

    @Override
    public long patience(Object pool, Object[] arguments) {
      WrapperConnectionPoolDataSource settings = settings(pool);
      return settings == null ? Long.MAX_VALUE : millis(settings.getCheckoutTimeout());
    }

    @Override
    public long persistence(Object pool) {
      WrapperConnectionPoolDataSource settings = settings(pool);
      if (settings == null || settings.getAcquireRetryAttempts() <= 0) {
        return Long.MAX_VALUE;
      }
      long delay = settings.getAcquireRetryDelay();
      return delay <= 0 ? 0 : millis(settings.getAcquireRetryAttempts() * delay);
    }

    @Override
    public SQLException exhausted(Object pool, Object[] arguments) {
      return new SQLException(
          "An attempt by a client to checkout a Connection has timed out.",
          null,
          new TimeoutException(
              "A client timed out while waiting to acquire a resource from com.mchange.v2.resourcepool.BasicResourcePool@"
                  + Integer.toHexString(System.identityHashCode(pool))
                  + " -- timeout at awaitAvailable()"));
    }

    @Override
    public SQLException failed(Object pool, Object[] arguments, SQLException cause) {
      if (patience(pool, arguments) <= persistence(pool)) {
        return exhausted(pool, arguments); // it does not say why
      }
      return new SQLException(
          "Connections could not be acquired from the underlying database!",
          "08001",
          new CannotAcquireResourceException(
              "A ResourcePool could not acquire a resource from its primary factory or source.",
              cause));
    }

    @Override
    public SQLException interrupted(Object pool, Object[] arguments) {
      Thread.interrupted(); // as the pool does
      InterruptedException cause = new InterruptedException();
      return new SQLException(
          "An SQLException was provoked by the following failure: " + cause, null, cause);
    }
  }
}
