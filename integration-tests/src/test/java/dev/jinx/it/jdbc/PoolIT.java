package dev.jinx.it.jdbc;

import static dev.jinx.Jinx.jdbc;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jinx.FaultInjection;
import dev.jinx.JdbcFault;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import dev.jinx.it.jdbc.PoolKind.Pool;
import dev.jinx.it.jdbc.PoolKind.Settings;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.FutureTask;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Each pool is really exhausted, interrupted or without a database, and made to look so: what its
 * callers see, and what becomes of the pool, is the same.
 */
@Timeout(120)
class PoolIT {
  private static final int PATIENCE = 300;
  private static final Database DATABASE = Postgres.server();
  private static final Settings SETTINGS = Settings.of(DATABASE).patience(PATIENCE);

  static Stream<PoolKind> pools() {
    return Pools.pools();
  }

  private static JdbcFault acquire() {
    return jdbc(DATABASE.target()).operation("acquire");
  }

  /**
   * What a caller sees of a pool that has no connection for it.
   *
   * @param failure as in {@link Observation}
   */
  private record Refusal(List<String> failure, boolean interrupted) {
    static Refusal of(Pool pool, int waits) {
      long start = System.nanoTime();
      List<String> failure;
      try (Connection connection = pool.getConnection()) {
        failure = List.of("nothing failed");
      } catch (Exception e) {
        failure = Observation.describe(e);
      }
      Refusal refusal = new Refusal(failure, Thread.interrupted());
      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .as(failure.toString())
          .isBetween(Duration.ofMillis(waits), Duration.ofSeconds(15));
      return refusal;
    }
  }

  private static void assertWhole(Pool pool) throws Exception {
    Database.until(() -> pool.active().getAsInt() == 0);
    for (int i = 0; i < 2; i++) {
      try (Connection connection = pool.getConnection()) {
        Database.run(connection, "select 1");
      }
    }
  }

  // ---- nobody gives a connection back

  @ParameterizedTest
  @MethodSource("pools")
  void exhausted_asForReal(PoolKind kind) throws Exception {
    try (Pool pool = kind.open(SETTINGS)) {
      Refusal real;
      try (Connection held = pool.getConnection()) {
        real = Refusal.of(pool, PATIENCE);
      }
      for (JdbcFault fault :
          List.of(
              acquire().error(NamedError.TIMEOUT),
              acquire().drop(),
              acquire().latency(Duration.ofSeconds(20)))) {
        Refusal injected;
        try (FaultInjection armed = Jinx.inject(fault)) {
          injected = Refusal.of(pool, PATIENCE);
          assertThat(armed.matches()).isEqualTo(1);
        }
        assertThat(injected).isEqualTo(real);
        assertWhole(pool);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("pools")
  void interrupted_asForReal(PoolKind kind) throws Exception {
    try (Pool pool = kind.open(SETTINGS.patience(10_000))) {
      Refusal real;
      try (Connection held = pool.getConnection()) {
        real = interrupted(pool);
      }
      Refusal injected;
      try (FaultInjection fault = Jinx.inject(acquire().drop())) {
        injected = interrupted(pool);
      }
      assertThat(injected).isEqualTo(real);
      assertWhole(pool);
    }
  }

  private static Refusal interrupted(Pool pool) throws Exception {
    FutureTask<Refusal> held = new FutureTask<>(() -> Refusal.of(pool, 0));
    Thread thread = new Thread(held, "held");
    thread.start();
    Database.until(() -> thread.getState() == Thread.State.TIMED_WAITING || isParked(thread));
    thread.interrupt();
    return held.get(10, SECONDS);
  }

  private static boolean isParked(Thread thread) {
    return thread.getState() == Thread.State.WAITING;
  }

  @ParameterizedTest
  @MethodSource("pools")
  void aLatencyWithinItsPatienceOnlyDelays(PoolKind kind) throws Exception {
    try (Pool pool = kind.open(SETTINGS.patience(10_000));
        FaultInjection fault = Jinx.inject(acquire().latency(Duration.ofMillis(100)))) {
      long start = System.nanoTime();
      pool.getConnection().close();
      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .isGreaterThanOrEqualTo(Duration.ofMillis(100));
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @MethodSource("pools")
  void clearingADropLetsAHeldCallerGoOn(PoolKind kind) throws Exception {
    goesOnOnceCleared(kind, acquire().drop());
  }

  static Stream<PoolKind> poolsThatTryOn() {
    return pools().filter(kind -> kind.persistence().applyAsInt(60_000) > 30_000);
  }

  @ParameterizedTest
  @MethodSource("poolsThatTryOn")
  void clearingAFailureLetsAHeldCallerGoOn(PoolKind kind) throws Exception {
    goesOnOnceCleared(kind, acquire().error(NamedError.TOO_MANY_CONNECTIONS));
  }

  private static void goesOnOnceCleared(PoolKind kind, JdbcFault holding) throws Exception {
    try (Pool pool = kind.open(SETTINGS.patience(60_000));
        FaultInjection fault = Jinx.inject(holding)) {
      CompletableFuture<Integer> held =
          CompletableFuture.supplyAsync(
              () -> {
                try (Connection connection = pool.getConnection()) {
                  return Database.number(connection, "select 7");
                } catch (SQLException e) {
                  throw new IllegalStateException(e);
                }
              });
      Database.until(() -> fault.injections() == 1);
      assertThat(held).isNotDone();
      fault.close();
      assertThat(held.get(20, SECONDS)).isEqualTo(7);
      assertWhole(pool);
    }
  }

  // ---- the database gives no connection

  static Stream<Arguments> poolsWithoutDatabase() {
    Settings refused = SETTINGS.url("jdbc:postgresql://localhost:1/postgres");
    Settings wrong = SETTINGS.url(DATABASE.target()).user("guest", "wrong");
    return Stream.concat(pools(), Stream.of(Pools.STUBBORN_C3P0))
        .flatMap(
            kind ->
                Stream.of(
                    Arguments.of(kind, NamedError.CONNECTION_LOST, refused),
                    Arguments.of(kind, NamedError.AUTH_FAILED, wrong),
                    Arguments.of(kind, NamedError.TOO_MANY_CONNECTIONS, SETTINGS)));
  }

  @ParameterizedTest
  @MethodSource("poolsWithoutDatabase")
  void cannotConnect_asForReal(PoolKind kind, NamedError error, Settings without) throws Exception {
    // what does not wait until its callers' patience is over may well have much of it
    int patience = kind.persistence().applyAsInt(PATIENCE) < 100 ? 10_000 : PATIENCE;
    int waits = kind.persistence().applyAsInt(patience);
    Refusal real;
    try (AutoCloseable trap = trap(error);
        Pool pool = kind.open(without.patience(patience))) {
      real = reasoned(pool, waits);
    }
    for (String operation : List.of("acquire", "connect")) {
      Refusal injected;
      JdbcFault fault = jdbc(DATABASE.target()).operation(operation).error(error);
      try (Pool pool = kind.open(SETTINGS.patience(patience))) {
        try (FaultInjection armed = Jinx.inject(fault)) {
          injected = operation.equals("acquire") ? Refusal.of(pool, waits) : reasoned(pool, waits);
          assertThat(armed.injections()).isPositive();
        }
        assertThat(injected).as(operation).isEqualTo(real);
        if (!kind.name().startsWith("c3p0")) { // which goes on refusing for real, too
          assertWhole(pool);
        }
      }
    }
  }

  /** HikariCP's own threads connect: it cannot say why before they have failed. */
  private static Refusal reasoned(Pool pool, int waits) {
    Refusal refusal = Refusal.of(pool, waits);
    for (int i = 0;
        i < 20 && refusal.failure().get(0).contains("TransientConnectionException null");
        i++) {
      refusal = Refusal.of(pool, waits);
    }
    return refusal;
  }

  private static AutoCloseable trap(NamedError error) throws Exception {
    for (Scenario each : DATABASE.connectScenarios()) {
      if (each.error().equals(error.json())) {
        Connection victim = DATABASE.connect();
        AutoCloseable trap = each.trap().set(victim);
        return () -> {
          trap.close();
          victim.close();
        };
      }
    }
    throw new IllegalArgumentException();
  }

  @ParameterizedTest
  @MethodSource("pools")
  void aPoolThatStoodSaysWhatTheDriverSays(PoolKind kind) throws Exception {
    try (Pool pool = kind.open(SETTINGS)) {
      pool.getConnection().close();
      try (FaultInjection fault = Jinx.inject(acquire().error("28000", 7, "gone away").first(1))) {
        assertThatThrownBy(pool::getConnection)
            .satisfies(e -> assertThat(Observation.describe(e).toString()).contains("28000 "));
      }
      assertWhole(pool);
    }
  }

  // ---- what is hit

  @ParameterizedTest
  @MethodSource("pools")
  void afterTheCall_givesTheConnectionBack(PoolKind kind) throws Exception {
    try (Pool pool = kind.open(SETTINGS);
        FaultInjection fault =
            Jinx.inject(acquire().error(NamedError.CONNECTION_LOST).afterCall().first(2))) {
      for (int i = 0; i < 2; i++) {
        assertThatThrownBy(pool::getConnection).isInstanceOf(SQLException.class);
      }
      assertThat(fault.injections()).isEqualTo(2);
      assertWhole(pool);
    }
  }

  private static FaultInjection count(String operation) {
    return Jinx.inject(
        jdbc(DATABASE.target()).operation(operation).latency(Duration.ofMillis(1)).skip(1000));
  }

  @ParameterizedTest
  @MethodSource("pools")
  void aBorrowIsOneCall_andWhatItAsksTheDriverAreOthers(PoolKind kind) throws Exception {
    try (Pool pool = kind.open(SETTINGS.validating());
        FaultInjection acquire = count("acquire");
        FaultInjection connect = count("connect")) {
      for (int i = 0; i < 3; i++) {
        pool.getConnection().close();
      }
      assertThat(acquire.matches()).isEqualTo(3);
      assertThat(connect.matches()).isPositive();
    }
  }

  @ParameterizedTest
  @MethodSource("pools")
  void aBorrowThatIsNotHitIsNotDecidedOnAgain(PoolKind kind) throws Exception {
    try (Pool pool = kind.open(SETTINGS);
        FaultInjection second = Jinx.inject(acquire().error(NamedError.TIMEOUT).skip(1))) {
      pool.getConnection().close();
      assertThat(second.injections()).isZero();
    }
  }
}
