package dev.jinx.it.jdbc;

import static dev.jinx.Jinx.jdbc;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import dev.jinx.FaultInjection;
import dev.jinx.JdbcFault;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.retry.RetryPolicy;
import org.springframework.core.retry.RetryTemplate;
import org.springframework.dao.CannotAcquireLockException;
import org.springframework.dao.DataAccessResourceFailureException;
import org.springframework.dao.DuplicateKeyException;
import org.springframework.dao.PessimisticLockingFailureException;
import org.springframework.dao.QueryTimeoutException;
import org.springframework.jdbc.CannotGetJdbcConnectionException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionException;
import org.springframework.transaction.TransactionSystemException;
import org.springframework.transaction.annotation.EnableTransactionManagement;
import org.springframework.transaction.annotation.Transactional;

/** What Spring makes of the failures, and what its declared transactions and retries do then. */
@Timeout(60)
class SpringJdbcIT {

  static Stream<Database> servers() {
    return Stream.of(Postgres.server(), MariaDb.server());
  }

  @BeforeEach
  void reset() throws SQLException {
    Postgres.server().reset();
    MariaDb.server().reset();
  }

  private static JdbcFault on(Database database, String operation, NamedError error) {
    return jdbc(database.target()).operation(operation).error(error);
  }

  // ---- names

  static Stream<Arguments> names() {
    return servers()
        .flatMap(
            database ->
                Stream.of(
                    Arguments.of(
                        database, NamedError.DEADLOCK, PessimisticLockingFailureException.class),
                    Arguments.of(
                        database,
                        NamedError.SERIALIZATION_FAILURE,
                        CannotAcquireLockException.class),
                    Arguments.of(
                        database,
                        NamedError.CONNECTION_LOST,
                        DataAccessResourceFailureException.class),
                    Arguments.of(
                        database, NamedError.UNIQUE_VIOLATION, DuplicateKeyException.class),
                    Arguments.of(database, NamedError.TIMEOUT, QueryTimeoutException.class)));
  }

  @ParameterizedTest
  @MethodSource("names")
  void theTemplateGivesTheFailureItsName(
      Database database, NamedError error, Class<? extends Throwable> name) {
    try (HikariDataSource pool = JdbcTwinIT.pool(database);
        FaultInjection fault =
            Jinx.inject(on(database, "execute", error).table("account").first(2))) {
      JdbcTemplate template = new JdbcTemplate(pool);
      assertThatThrownBy(() -> template.update("insert into account values (?, ?)", 3, 1))
          .isInstanceOf(name);
      assertThatThrownBy(
              () -> template.queryForList("select id from account where id = ?", Integer.class, 1))
          .isInstanceOf(name);
      assertThat(template.queryForList("select id from account", Integer.class)).hasSize(2);
      assertThat(fault.injections()).isEqualTo(2);
    }
  }

  @ParameterizedTest
  @MethodSource("servers")
  void aBatchFailsByItsName(Database database) throws Exception {
    try (HikariDataSource pool = JdbcTwinIT.pool(database);
        FaultInjection fault = Jinx.inject(on(database, "batch", NamedError.DEADLOCK))) {
      assertThatThrownBy(
              () ->
                  new JdbcTemplate(pool)
                      .batchUpdate(
                          "insert into account values (?, 1)",
                          List.of(new Object[] {3}, new Object[] {4})))
          .isInstanceOf(PessimisticLockingFailureException.class);
      assertThat(fault.injections()).isEqualTo(1);
    }
    assertThat(database.balances()).containsExactly(100, 100);
  }

  @ParameterizedTest
  @MethodSource("servers")
  void thePoolThatGetsNoConnectionIsToldApart(Database database) {
    for (NamedError error : List.of(NamedError.TOO_MANY_CONNECTIONS, NamedError.CONNECTION_LOST)) {
      try (FaultInjection fault = Jinx.inject(on(database, "connect", error));
          HikariDataSource pool = JdbcFrameworksIT.impatient(database, database.url())) {
        JdbcTemplate template = new JdbcTemplate(pool);
        assertThatThrownBy(() -> template.queryForList("select 1"))
            .isInstanceOf(CannotGetJdbcConnectionException.class);
        fault.close();
        pool.setConnectionTimeout(Duration.ofSeconds(20).toMillis());
        assertThat(template.queryForList("select 1")).hasSize(1);
      }
    }
  }

  // ---- transactions

  /** Moves money, all or nothing. */
  static class Transfers {
    private final JdbcTemplate template;
    private int attempts;

    Transfers(DataSource source) {
      template = new JdbcTemplate(source);
    }

    @Transactional
    public void transfer(int amount) {
      attempts++;
      template.update("update account set balance = balance - ? where id = 1", amount);
      template.update("update account set balance = balance + ? where id = 2", amount);
    }

    public int attempts() {
      return attempts;
    }
  }

  @Configuration
  @EnableTransactionManagement
  static class Application {
    @Bean
    PlatformTransactionManager transactions(DataSource source) {
      return new DataSourceTransactionManager(source);
    }

    @Bean
    Transfers transfers(DataSource source) {
      return new Transfers(source);
    }
  }

  private interface Use {
    void of(Transfers transfers, HikariDataSource pool) throws Exception;
  }

  private static void inApplication(Database database, Use use) throws Exception {
    try (AnnotationConfigApplicationContext context = new AnnotationConfigApplicationContext()) {
      context.registerBean(HikariDataSource.class, () -> JdbcTwinIT.pool(database));
      context.register(Application.class);
      context.refresh();
      use.of(context.getBean(Transfers.class), context.getBean(HikariDataSource.class));
    }
  }

  @ParameterizedTest
  @MethodSource("servers")
  void aRetryAfterADeadlockMovesTheMoneyOnce(Database database) throws Exception {
    inApplication(
        database,
        (transfers, pool) -> {
          Object physical = physical(database, pool);
          RetryTemplate retry =
              new RetryTemplate(
                  RetryPolicy.builder()
                      .includes(PessimisticLockingFailureException.class)
                      .maxRetries(2)
                      .delay(Duration.ofMillis(10))
                      .build());
          // the second statement fails, so that there is something to roll back
          try (FaultInjection fault =
              Jinx.inject(
                  on(database, "execute", NamedError.DEADLOCK)
                      .statement("update")
                      .skip(1)
                      .first(1))) {
            retry.execute(
                () -> {
                  transfers.transfer(10);
                  return true;
                });
            assertThat(fault.injections()).isEqualTo(1);
          }
          assertThat(transfers.attempts()).isEqualTo(2);
          assertThat(database.balances()).containsExactly(90, 110);
          assertThat(physical(database, pool)).isSameAs(physical);
        });
  }

  @ParameterizedTest
  @MethodSource("servers")
  void aDeadlockWithoutARetryRollsBack(Database database) throws Exception {
    inApplication(
        database,
        (transfers, pool) -> {
          try (FaultInjection fault =
              Jinx.inject(
                  on(database, "execute", NamedError.DEADLOCK).statement("update").skip(1))) {
            assertThatThrownBy(() -> transfers.transfer(10))
                .isInstanceOf(PessimisticLockingFailureException.class);
            assertThat(fault.injections()).isEqualTo(1);
          }
          assertThat(database.balances()).containsExactly(100, 100);
        });
  }

  @ParameterizedTest
  @MethodSource("servers")
  void aCommitThatLosesItsConnectionStoresNothing(Database database) throws Exception {
    inApplication(
        database,
        (transfers, pool) -> {
          Object physical = physical(database, pool);
          try (FaultInjection fault =
              Jinx.inject(on(database, "commit", NamedError.CONNECTION_LOST).first(1))) {
            assertThatThrownBy(() -> transfers.transfer(10))
                .isInstanceOf(TransactionSystemException.class);
            assertThat(fault.injections()).isEqualTo(1);
          }
          assertThat(database.balances()).containsExactly(100, 100);
          assertThat(physical(database, pool)).isNotSameAs(physical);
          transfers.transfer(10);
          assertThat(database.balances()).containsExactly(90, 110);
        });
  }

  @ParameterizedTest
  @MethodSource("servers")
  void aStatementThatLosesItsConnectionStoresNothing(Database database) throws Exception {
    inApplication(
        database,
        (transfers, pool) -> {
          Object physical = physical(database, pool);
          try (FaultInjection fault =
              Jinx.inject(
                  on(database, "execute", NamedError.CONNECTION_LOST)
                      .statement("update")
                      .skip(1)
                      .first(1))) {
            // the roll back fails on the dead connection, which hides what made it needed
            assertThatThrownBy(() -> transfers.transfer(10))
                .isInstanceOfSatisfying(
                    TransactionSystemException.class,
                    e ->
                        assertThat(e.getOriginalException())
                            .isInstanceOf(DataAccessResourceFailureException.class));
            assertThat(fault.injections()).isEqualTo(1);
          }
          assertThat(database.balances()).containsExactly(100, 100);
          assertThat(physical(database, pool)).isNotSameAs(physical);
        });
  }

  @Test
  void aTransactionThatGetsNoConnectionDoesNotBegin() throws Exception {
    Database database = Postgres.server();
    try (HikariDataSource pool = JdbcFrameworksIT.impatient(database, database.url());
        FaultInjection fault =
            Jinx.inject(on(database, "connect", NamedError.TOO_MANY_CONNECTIONS))) {
      assertThatThrownBy(() -> Framework.SPRING.transact(pool, connection -> {}))
          .isInstanceOf(TransactionException.class);
      assertThat(fault.injections()).isPositive();
    }
  }

  private static Object physical(Database database, DataSource pool) throws SQLException {
    try (Connection connection = pool.getConnection()) {
      return connection.unwrap(database.connectionClass());
    }
  }
}
