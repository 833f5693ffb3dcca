package dev.jinx.agent.point.jdbc;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Ending;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.point.Adapters;
import dev.jinx.agent.point.BlockingHook;
import dev.jinx.agent.point.Outcome;
import dev.jinx.agent.weave.Access;
import java.sql.SQLException;
import java.util.Properties;
import org.jspecify.annotations.Nullable;

/**
 * An application's call for a connection of a pool. It fails as the pool says it: that none came
 * back in time, or what the driver said when one was to be made.
 */
class Acquire extends BlockingHook {
  private final AnyDriver drivers;
  private final Access access;
  private final Adapters<StandardPool> adapters;
  private volatile @Nullable DataSources sources;

  // kept by the pool's class, so that an undeployed application takes it along
  private final ClassValue<StandardPool> pools =
      new ClassValue<>() {
        @Override
        protected StandardPool computeValue(Class<?> type) {
          return open(type);
        }
      };

  Acquire(Armory armory, Access access, AnyDriver drivers, String adapter) {
    super(armory, Operation.JDBC_ACQUIRE);
    this.access = access;
    this.drivers = drivers;
    this.adapters = new Adapters<>(adapter, StandardPool.class, access);
  }

  private StandardPool open(Class<?> type) {
    StandardPool pool = adapters.of(type);
    try {
      pool.open(access, type);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("another version of the pool", e);
    }
    return pool;
  }

  private StandardPool pool(Object self) {
    return pools.get(self.getClass());
  }

  private DataSources sources() {
    DataSources known = sources;
    if (known == null) {
      known = new DataSources(access);
      sources = known;
    }
    return known;
  }

  /** A pool's method may call another of its own, and a pool may stand upon a pool. */
  @Override
  public boolean nests() {
    return true;
  }

  @Override
  public @Nullable String read(
      Field field, @Nullable String name, Object self, @Nullable Object argument) {
    if (field != Field.URL && field != Field.DRIVER) {
      return null;
    }
    String full = url(self);
    String url = full == null ? null : drivers.drivers().base(full);
    return field == Field.URL ? url : Drivers.name(url);
  }

  private @Nullable String url(Object self) {
    StandardPool pool = pool(self);
    String url = pool.url(self);
    Object driver = url == null ? pool.driver(self) : null;
    return driver == null ? url : sources().url(driver);
  }

  /** What the pool asks of the driver meanwhile are calls of their own. */
  @Override
  protected CallScope scope() {
    return CallScope.enterOnly(operation());
  }

  @Override
  protected long patience(Phase phase, Object self, Object[] arguments) {
    return pool(self).patience(self, arguments);
  }

  @Override
  protected Injection.Waited await(Injection injection, Phase phase, long limit, Object self)
      throws Throwable {
    long start = System.nanoTime();
    Injection.Waited waited = injection.await(phase, limit, interruptible(self));
    if (waited != Injection.Waited.ELAPSED || phase == Phase.AFTER || !isOfTheDriver(injection)) {
      return waited;
    }
    long rest = limit == Long.MAX_VALUE ? limit : limit - (System.nanoTime() - start);
    rest = Math.min(rest, pool(self).persistence(self));
    if (rest <= 0) {
      return waited;
    }
    waited = injection.awaitInVain(phase, rest, interruptible(self));
    return waited == Injection.Waited.TIMED_OUT ? Injection.Waited.ELAPSED : waited;
  }

  /** Whether the failure to come is one to make a connection. */
  private static boolean isOfTheDriver(Injection injection) {
    Ending ending = injection.ending(Phase.BEFORE);
    return ending instanceof Failure.Sql
        || (ending instanceof Failure.Named named && !named.error().isTimeout());
  }

  @Override
  protected Outcome outOfPatience(Phase phase, Object self, Object[] arguments) {
    return Outcome.fail(pool(self).exhausted(self, arguments));
  }

  @Override
  protected boolean interruptible(Object self) {
    return true;
  }

  @Override
  protected Outcome interrupted(Object self, Object[] arguments) {
    return Outcome.fail(pool(self).interrupted(self, arguments));
  }

  @Override
  protected Outcome failed(Failure failure, Phase phase, Object self, Object[] arguments)
      throws Throwable {
    StandardPool pool = pool(self);
    if (failure instanceof Failure.Thrown thrown) {
      return Outcome.fail(drivers.exceptions().make(thrown, self));
    }
    if (failure instanceof Failure.Named named && named.error().isTimeout()) {
      return Outcome.fail(pool.exhausted(self, arguments));
    }
    return Outcome.fail(pool.failed(self, arguments, cause(failure, pool, self, arguments)));
  }

  /** What the driver says while the pool connects. */
  private SQLException cause(Failure failure, StandardPool pool, Object self, Object[] arguments) {
    Object driver = pool.driver(self);
    StandardSql spelling = driver == null ? new StandardSql() : drivers.drivers().spelling(driver);
    Object connecting = driver == null ? self : driver;
    Properties info = pool.info(self, arguments);
    if (info == null && driver != null) {
      info = sources().info(driver);
    }
    Scene scene = new Scene(Operation.JDBC_CONNECT, connecting, null, null, url(self), info);
    if (failure instanceof Failure.Sql sql) {
      String message = sql.message() == null ? "SQLState " + sql.sqlState() : sql.message();
      return spelling.create(sql.sqlState(), sql.vendorCode(), message, scene);
    }
    return spelling.named(((Failure.Named) failure).error(), scene);
  }

  @Override
  protected void discard(@Nullable Object result, Object self) throws Throwable {
    if (result instanceof AutoCloseable connection) {
      connection.close(); // back to the pool
    }
  }
}
