package dev.jinx.it.jdbc;

import com.mchange.v2.c3p0.ComboPooledDataSource;
import com.p6spy.engine.spy.P6DataSource;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.jinx.it.jdbc.PoolKind.Pool;
import dev.jinx.it.jdbc.PoolKind.Settings;
import io.agroal.api.AgroalDataSource;
import io.agroal.api.configuration.AgroalConnectionPoolConfiguration.ConnectionValidator;
import io.agroal.api.configuration.supplier.AgroalDataSourceConfigurationSupplier;
import io.agroal.api.security.NamePrincipal;
import io.agroal.api.security.SimplePassword;
import java.sql.SQLException;
import java.time.Duration;
import java.util.stream.Stream;
import net.ttddyy.dsproxy.support.ProxyDataSourceBuilder;
import org.apache.commons.dbcp2.BasicDataSource;
import org.apache.commons.dbcp2.DriverManagerConnectionFactory;
import org.apache.commons.dbcp2.PoolableConnection;
import org.apache.commons.dbcp2.PoolableConnectionFactory;
import org.apache.commons.dbcp2.PoolingDataSource;
import org.apache.commons.pool2.impl.GenericObjectPool;

/** The registry of the pools and of the wrappers around them: one line each. */
final class Pools {
  static {
    // it would write a file of all statements
    System.setProperty("p6spy.config.modulelist", "com.p6spy.engine.spy.P6SpyFactory");
  }

  private Pools() {}

  /** It tries for longer than its callers wait here. */
  static final PoolKind STUBBORN_C3P0 =
      new PoolKind("c3p0 as it comes", settings -> c3p0(settings, 30, 1000), patience -> patience);

  /** Those that have connections of their own. */
  static Stream<PoolKind> pools() {
    return Stream.of(
        new PoolKind("HikariCP", Pools::hikari, patience -> patience),
        new PoolKind("DBCP2", Pools::dbcp),
        new PoolKind("DBCP2 PoolingDataSource", Pools::poolingDbcp),
        new PoolKind("Tomcat JDBC", Pools::tomcat),
        new PoolKind("c3p0", settings -> c3p0(settings, 2, 20), patience -> 40),
        new PoolKind("Agroal", Pools::agroal, patience -> patience - 100));
  }

  /** Those, and what wraps one. */
  static Stream<PoolKind> all() {
    return Stream.concat(
        pools(),
        Stream.of(
            new PoolKind("p6spy", Pools::p6spy, patience -> patience),
            new PoolKind("datasource-proxy", Pools::datasourceProxy, patience -> patience)));
  }

  private static Pool hikari(Settings settings) {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(settings.url());
    config.setUsername(settings.user());
    config.setPassword(settings.password());
    config.setMaximumPoolSize(settings.size());
    config.setMinimumIdle(0);
    config.setConnectionTimeout(settings.patience());
    config.setInitializationFailTimeout(-1);
    if (settings.validates()) { // and does not trust a connection for half a second
      System.setProperty("com.zaxxer.hikari.aliveBypassWindowMs", "0");
    }
    HikariDataSource source = new HikariDataSource(config);
    System.clearProperty("com.zaxxer.hikari.aliveBypassWindowMs");
    return new Pool(source, () -> source.getHikariPoolMXBean().getActiveConnections(), source);
  }

  private static Pool dbcp(Settings settings) {
    BasicDataSource source = new BasicDataSource();
    source.setUrl(settings.url());
    source.setUsername(settings.user());
    source.setPassword(settings.password());
    source.setMaxTotal(settings.size());
    source.setMaxWait(Duration.ofMillis(settings.patience()));
    source.setTestOnBorrow(settings.validates());
    return new Pool(source, source::getNumActive, source);
  }

  private static Pool poolingDbcp(Settings settings) {
    PoolableConnectionFactory factory =
        new PoolableConnectionFactory(
            new DriverManagerConnectionFactory(
                settings.url(), settings.user(), settings.password()),
            null);
    GenericObjectPool<PoolableConnection> pool = new GenericObjectPool<>(factory);
    factory.setPool(pool);
    pool.setMaxTotal(settings.size());
    pool.setMaxWait(Duration.ofMillis(settings.patience()));
    pool.setTestOnBorrow(settings.validates());
    PoolingDataSource<PoolableConnection> source = new PoolingDataSource<>(pool);
    source.setAccessToUnderlyingConnectionAllowed(true);
    return new Pool(source, pool::getNumActive, source);
  }

  private static Pool tomcat(Settings settings) {
    var source = new org.apache.tomcat.jdbc.pool.DataSource();
    source.setUrl(settings.url());
    source.setUsername(settings.user());
    source.setPassword(settings.password());
    source.setMaxActive(settings.size());
    source.setInitialSize(0);
    source.setMinIdle(0);
    source.setMaxIdle(settings.size());
    source.setMaxWait(settings.patience());
    source.setTestOnBorrow(settings.validates());
    source.setValidationInterval(0);
    return new Pool(source, source::getActive, source::close);
  }

  private static Pool c3p0(Settings settings, int attempts, int delay) {
    ComboPooledDataSource source = new ComboPooledDataSource();
    source.setJdbcUrl(settings.url());
    source.setUser(settings.user());
    source.setPassword(settings.password());
    source.setMinPoolSize(1);
    source.setInitialPoolSize(1);
    source.setAcquireIncrement(1);
    source.setMaxPoolSize(settings.size());
    source.setCheckoutTimeout(settings.patience());
    source.setAcquireRetryAttempts(attempts);
    source.setAcquireRetryDelay(delay);
    source.setTestConnectionOnCheckout(settings.validates());
    return new Pool(source, () -> busy(source), source);
  }

  private static int busy(ComboPooledDataSource source) {
    try {
      return source.getNumBusyConnections();
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Pool agroal(Settings settings) throws SQLException {
    var configuration =
        new AgroalDataSourceConfigurationSupplier()
            .metricsEnabled()
            .connectionPoolConfiguration(
                pool ->
                    pool.maxSize(settings.size())
                        .acquisitionTimeout(Duration.ofMillis(settings.patience()))
                        .validateOnBorrow(settings.validates())
                        .connectionValidator(ConnectionValidator.defaultValidator())
                        .connectionFactoryConfiguration(
                            factory ->
                                factory
                                    .jdbcUrl(settings.url())
                                    .principal(new NamePrincipal(settings.user()))
                                    .credential(new SimplePassword(settings.password()))));
    AgroalDataSource source = AgroalDataSource.from(configuration);
    return new Pool(source, () -> (int) source.getMetrics().activeCount(), source);
  }

  private static Pool p6spy(Settings settings) {
    Pool pool = hikari(settings);
    return new Pool(new P6DataSource(pool.source()), pool.active(), pool);
  }

  private static Pool datasourceProxy(Settings settings) {
    Pool pool = hikari(settings);
    return new Pool(ProxyDataSourceBuilder.create(pool.source()).build(), pool.active(), pool);
  }
}
