package dev.jinx.agent.point.jdbc;

import dev.jinx.agent.weave.Access;
import java.sql.SQLException;
import java.util.Properties;
import org.jspecify.annotations.Nullable;

/**
 * What a pool knows of itself, and how it says that it has no connection to give: its adapter, for
 * the object whose method an application borrows a connection by.
 */
public abstract class StandardPool {

  /** Called once, before all else; the class is one of the pool's. */
  public void open(Access access, Class<?> library) throws ReflectiveOperationException {}

  /** The URL of the database, or null where the pool is not told it. */
  public abstract @Nullable String url(Object pool);

  /** The driver, or its data source, that the pool has its connections from; null where unknown. */
  public abstract @Nullable Object driver(Object pool);

  /** The settings, such as the user, that it gives the driver. */
  public @Nullable Properties info(Object pool) {
    return null;
  }

  /** Nanoseconds that it lets its callers wait; {@code Long.MAX_VALUE} for ever. */
  public abstract long patience(Object pool, Object[] arguments);

  /**
   * Whether it goes on trying until its callers' patience is over while connections cannot be made;
   * otherwise they fail at once.
   */
  public boolean insists(Object pool) {
    return false;
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

  /** The thread was interrupted while it waited; null where that does not end the wait. */
  public @Nullable SQLException interrupted(Object pool, Object[] arguments) {
    return null;
  }
}
