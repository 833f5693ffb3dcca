package dev.jinx.agent.point.jdbc;

import dev.jinx.agent.weave.Access;
import java.sql.SQLException;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What a pool knows of itself, and how it says that it has no connection to give: its adapter, for
 * the object whose method an application borrows a connection by.
 */
public abstract class StandardPool {

  /** Called once, before all else; the class is one of the pool's. */
  public void open(Access access, Class<?> library) throws ReflectiveOperationException {}

  /**
   * The URL of the database; null where the pool is not told it. That of its data source, if any,
   * is asked for otherwise.
   */
  public abstract @Nullable String url(Object pool);

  /**
   * The driver or a class of it, or the data source, that the pool has its connections from; null
   * where unknown.
   */
  public abstract @Nullable Object driver(Object pool);

  /** The settings, such as the user, that it gives the driver. */
  public @Nullable Properties info(Object pool, Object[] arguments) {
    return null;
  }

  /** Nanoseconds that it lets its callers wait; {@code Long.MAX_VALUE} for ever. */
  public abstract long patience(Object pool, Object[] arguments);

  /**
   * Nanoseconds that it goes on trying, while its caller waits, where connections cannot be made; 0
   * where the first failure is the caller's.
   */
  public long persistence(Object pool) {
    return 0;
  }

  /** Nobody gave a connection back in time. */
  public abstract SQLException exhausted(Object pool, Object[] arguments);

  /**
   * A connection could not be made.
   *
   * @param cause as the driver said it
   */
  public SQLException failed(Object pool, Object[] arguments, SQLException cause) {
    return cause;
  }

  /** The thread was interrupted while it waited. Its flag is set: some pools clear it. */
  public abstract SQLException interrupted(Object pool, Object[] arguments);

  // ---- for adapters

  /** The settings that name a user. */
  protected static @Nullable Properties user(@Nullable String user) {
    if (user == null) {
      return null;
    }
    Properties info = new Properties();
    info.put("user", user);
    return info;
  }

  protected static long millis(long millis) {
    return millis <= 0 ? Long.MAX_VALUE : TimeUnit.MILLISECONDS.toNanos(millis);
  }
}
