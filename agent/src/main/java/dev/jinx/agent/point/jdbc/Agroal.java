package dev.jinx.agent.point.jdbc;

import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.weave.Access;
import io.agroal.api.AgroalDataSource;
import io.agroal.api.configuration.AgroalConnectionFactoryConfiguration;
import io.agroal.api.configuration.AgroalConnectionPoolConfiguration;
import java.security.Principal;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Agroal, with a pool or without. A caller connects by itself, as often as {@code
 * establishmentRetryAttempts} say, while there is room, and waits for a connection of others', as
 * long as {@code acquisitionTimeout}, where there is none.
 */
public final class Agroal extends Pool {

  public Agroal(Armory armory, Access access, AnyDriver drivers) {
    super(armory, access, drivers, "agroal");
    borrow(
        "io/agroal/pool/DataSource",
        "getConnection()Ljava/sql/Connection;",
        "getReadOnlyConnection()Ljava/sql/Connection;");
  }

  static final class Adapter extends StandardPool {
    /** What the last try is left with. */
    private static final long LAST = TimeUnit.MILLISECONDS.toNanos(100);

    private static AgroalConnectionPoolConfiguration settings(Object pool) {
      return ((AgroalDataSource) pool).getConfiguration().connectionPoolConfiguration();
    }

    private static AgroalConnectionFactoryConfiguration connections(Object pool) {
      return settings(pool).connectionFactoryConfiguration();
    }

    @Override
    public @Nullable String url(Object pool) {
      return connections(pool).jdbcUrl();
    }

    @Override
    public @Nullable Object driver(Object pool) {
      Class<?> provider = connections(pool).connectionProviderClass();
      try {
        return provider == null ? DriverManager.getDriver(url(pool)) : provider;
      } catch (SQLException notRegistered) {
        return null;
      }
    }

    @Override
    public @Nullable Properties info(Object pool, Object[] arguments) {
      Principal principal = connections(pool).principal();
      return principal == null ? connections(pool).jdbcProperties() : user(principal.getName());
    }

    @Override
    public long patience(Object pool, Object[] arguments) {
      return patience(pool);
    }

    private static long patience(Object pool) {
      return millis(settings(pool).acquisitionTimeout().toMillis());
    }

    @Override
    public long persistence(Object pool) {
      long most = Math.max(0, patience(pool) - LAST);
      long interval = settings(pool).establishmentRetryInterval().toNanos();
      long attempts = settings(pool).establishmentRetryAttempts();
      return interval <= 0 ? 0 : attempts > most / interval ? most : attempts * interval;
    }

    @Override
    public SQLException exhausted(Object pool, Object[] arguments) {
      return new SQLException("Sorry, acquisition timeout!");
    }

    @Override
    public SQLException interrupted(Object pool, Object[] arguments) {
      return new SQLException("Interrupted while acquiring");
    }
  }
}
