package dev.jinx.agent.point.jdbc;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.point.Adapters;
import dev.jinx.agent.point.BlockingHook;
import dev.jinx.agent.point.Outcome;
import dev.jinx.agent.weave.Access;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * An application's call for a connection of a pool. It fails as the pool says it: that none came
 * back in time, or what the driver said when one was to be made.
 */
class Acquire extends BlockingHook {
  private final AnyDriver drivers;
  private final Access access;
  private final Adapters<StandardPool> adapters;

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

  @Override
  public @Nullable String read(
      Field field, @Nullable String name, Object self, @Nullable Object argument) {
    if (field != Field.URL && field != Field.DRIVER) {
      return null;
    }
    String full = pool(self).url(self);
    String url = full == null ? null : drivers.drivers().base(full);
    return field == Field.URL ? url : Drivers.name(url);
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
    Injection.Waited waited = super.await(injection, phase, limit, self);
    boolean fails = injection.ending(phase) instanceof Failure;
    if (waited != Injection.Waited.ELAPSED || !fails || !pool(self).insists(self)) {
      return waited;
    }
    waited = injection.awaitInVain(phase, limit, interruptible(self));
    return waited == Injection.Waited.TIMED_OUT ? Injection.Waited.ELAPSED : waited;
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
    SQLException interrupted = pool(self).interrupted(self, arguments);
    return interrupted == null ? Outcome.GO_ON : Outcome.fail(interrupted);
  }

  @Override
  protected Outcome failed(Failure failure, Phase phase, Object self, Object[] arguments)
      throws Throwable {
    StandardPool pool = pool(self);
    if (failure instanceof Failure.Thrown thrown) {
      return Outcome.fail(drivers.exceptions().make(thrown, self));
    }
    if (failure instanceof Failure.Named named && named.error() == NamedError.TIMEOUT) {
      return Outcome.fail(pool.exhausted(self, arguments));
    }
    return Outcome.fail(pool.failed(self, arguments, cause(failure, pool, self)));
  }

  /** What the driver says while the pool connects. */
  private SQLException cause(Failure failure, StandardPool pool, Object self) {
    Object driver = pool.driver(self);
    StandardSql spelling = driver == null ? new StandardSql() : drivers.drivers().spelling(driver);
    Object connecting = driver == null ? self : driver;
    Scene scene =
        new Scene(Operation.JDBC_CONNECT, connecting, null, null, pool.url(self), pool.info(self));
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
