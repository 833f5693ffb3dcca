package dev.jinx.agent.point.jdbc;

import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.point.WeakIdentityMap;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.Original;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * The calls that are held right now; {@code Statement.cancel()}, {@code Connection.close()} and
 * {@code abort()} end them, as they end a call that waits for its database.
 */
final class Waiting implements Handler {
  private record Held(Object self, @Nullable Object connection) {}

  private final Map<Injection, Held> all = new ConcurrentHashMap<>();

  private final WeakIdentityMap<Object, Boolean> gone = new WeakIdentityMap<>();

  void add(Injection injection, Object self, @Nullable Object connection) {
    all.put(injection, new Held(self, connection));
  }

  void remove(Injection injection) {
    all.remove(injection);
  }

  @Override
  public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
      Original original, Object self, @Nullable Object argument) {
    close(self);
    return null;
  }

  /** Ends the waits on a connection that is closed now, and those that begin before it is. */
  void closing(Object connection) {
    gone.put(connection, true);
    close(connection);
  }

  boolean isGone(@Nullable Object connection) {
    return connection != null && gone.get(connection) != null;
  }

  /** Ends the waits on a statement, or on a connection. */
  void close(Object self) {
    for (Map.Entry<Injection, Held> each : all.entrySet()) {
      Held held = each.getValue();
      if (held.self == self || held.connection == self) {
        each.getKey().close();
      }
    }
  }
}
