package dev.jinx.it.jdbc;

import static dev.jinx.Jinx.jdbc;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.mchange.v2.c3p0.DataSources;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.jinx.FaultInjection;
import dev.jinx.JdbcFault;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import io.agroal.api.AgroalDataSource;
import io.agroal.api.configuration.supplier.AgroalDataSourceConfigurationSupplier;
import io.agroal.api.security.NamePrincipal;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.apache.commons.dbcp2.DataSourceConnectionFactory;
import org.apache.commons.dbcp2.DriverConnectionFactory;
import org.apache.commons.dbcp2.PoolableConnectionFactory;
import org.apache.commons.dbcp2.PoolingDataSource;
import org.apache.commons.pool2.impl.GenericObjectPool;
import org.apache.tomcat.jdbc.pool.PoolProperties;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.postgresql.Driver;
import org.postgresql.ds.PGSimpleDataSource;

/** A pool that was not given a URL but a data source, or parts of one, is known by its database. */
@Timeout(120)
class PoolOfDataSourceIT {
  private static final Database DATABASE = Postgres.server();

  /** A pool without a URL, as frameworks set it up. */
  private record Given(String name, DataSource pool, AutoCloseable end) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Given> pools() throws Exception {
    HikariConfig config = new HikariConfig();
    config.setDataSource(source());
    config.setMaximumPoolSize(1);
    config.setConnectionTimeout(300);
    HikariDataSource hikari = new HikariDataSource(config);

    HikariConfig named = new HikariConfig();
    named.setDataSourceClassName(PGSimpleDataSource.class.getName());
    named.addDataSourceProperty("url", DATABASE.url());
    named.setUsername(DATABASE.user());
    named.setMaximumPoolSize(1);
    named.setConnectionTimeout(300);
    HikariDataSource hikariByName = new HikariDataSource(named);

    PoolingDataSource<?> dbcp = dbcp(new PoolableConnectionFactory(bySource(), null));
    PoolingDataSource<?> dbcpByDriver = dbcp(new PoolableConnectionFactory(byDriver(), null));

    PoolProperties properties = new PoolProperties();
    properties.setDataSource(source());
    properties.setInitialSize(0);
    var tomcat = new org.apache.tomcat.jdbc.pool.DataSource(properties);

    DataSource c3p0 =
        DataSources.pooledDataSource(
            source(), Map.of("acquireRetryAttempts", 1, "acquireRetryDelay", 1));

    AgroalDataSource agroal =
        AgroalDataSource.from(
            new AgroalDataSourceConfigurationSupplier()
                .connectionPoolConfiguration(
                    pool ->
                        pool.maxSize(1)
                            .establishmentRetryAttempts(0)
                            .connectionFactoryConfiguration(
                                factory ->
                                    factory
                                        .connectionProviderClass(PGSimpleDataSource.class)
                                        .jdbcUrl(DATABASE.url())
                                        .principal(new NamePrincipal(DATABASE.user())))));
    return Stream.of(
        new Given("HikariCP", hikari, hikari),
        new Given("HikariCP by name", hikariByName, hikariByName),
        new Given("DBCP2", dbcp, dbcp),
        new Given("DBCP2 by driver", dbcpByDriver, dbcpByDriver),
        new Given("Tomcat JDBC", tomcat, tomcat::close),
        new Given("c3p0", c3p0, () -> DataSources.destroy(c3p0)),
        new Given("Agroal", agroal, agroal));
  }

  private static PGSimpleDataSource source() {
    PGSimpleDataSource source = new PGSimpleDataSource();
    source.setUrl(DATABASE.url());
    return source;
  }

  private static DataSourceConnectionFactory bySource() {
    return new DataSourceConnectionFactory(source());
  }

  private static DriverConnectionFactory byDriver() {
    return new DriverConnectionFactory(new Driver(), DATABASE.url(), new java.util.Properties());
  }

  private static PoolingDataSource<?> dbcp(PoolableConnectionFactory factory) {
    var objects = new GenericObjectPool<>(factory);
    factory.setPool(objects);
    return new PoolingDataSource<>(objects);
  }

  @ParameterizedTest
  @MethodSource("pools")
  void isMatchedByTheDatabase(Given given) throws Exception {
    try (AutoCloseable pool = given.end()) {
      for (JdbcFault other :
          List.of(jdbc("jdbc:postgresql://elsewhere/**"), jdbc("jdbc:**").driver("oracle"))) {
        try (FaultInjection fault =
            Jinx.inject(other.operation("acquire").latency(Duration.ofMillis(1)))) {
          given.pool().getConnection().close();
          assertThat(fault.matches()).isZero();
        }
      }
      for (JdbcFault same :
          List.of(jdbc(DATABASE.target()), jdbc("jdbc:**").driver("postgresql"))) {
        try (FaultInjection fault =
            Jinx.inject(same.operation("acquire").error(NamedError.AUTH_FAILED))) {
          assertThatThrownBy(given.pool()::getConnection)
              .isInstanceOf(SQLException.class)
              .satisfies(
                  e ->
                      assertThat(last(e))
                          .hasMessage(
                              "FATAL: password authentication failed for user \"postgres\""));
          assertThat(fault.matches()).isEqualTo(1);
        }
      }
    }
  }

  private static Throwable last(Throwable thrown) {
    Throwable last = thrown;
    while (last.getCause() != null) {
      last = last.getCause();
    }
    return last;
  }
}
