package dev.jinx.agent.fault;

import dev.jinx.agent.call.CallReader;
import dev.jinx.agent.call.Field;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.effect.SlowClose;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A connection as a line with two lanes, on which faults stand: those that are decided once for the
 * whole of it ({@link dev.jinx.agent.effect.Effects#stand}). Knows nothing of sockets, blocks only
 * who asks to wait.
 */
public final class Line {
  private static final Operation[] STREAM = {
    Operation.SOCKET_READ, Operation.SOCKET_WRITE, Operation.SOCKET_CLOSE
  };

  private final Lane inbound = new Lane(this, true);
  private final Lane outbound = new Lane(this, false);
  private final AtomicInteger seen = new AtomicInteger();
  private final List<Injection> standing = new CopyOnWriteArrayList<>();
  private volatile boolean closed;

  /** What comes from the peer. */
  public Lane inbound() {
    return inbound;
  }

  /** What goes to the peer. */
  public Lane outbound() {
    return outbound;
  }

  /**
   * Looks for faults that were armed since it was last called; cheap where there are none.
   *
   * @param reader reads the connection's fields from {@code self} and {@code argument}
   * @param choice of the faults that may stand here
   * @param over called, from a thread of the timer, when a fault that stood here has ended
   */
  public void look(
      Armory armory,
      CallReader reader,
      Armory.Choice choice,
      Object self,
      @Nullable Object argument,
      Runnable over) {
    int before = seen.get();
    int now = armory.generation();
    if (before == now || closed || !seen.compareAndSet(before, now)) {
      return;
    }
    for (Operation operation : STREAM) {
      if (armory.isArmed(operation)) {
        Fresh fresh = new Fresh(operation, before, choice);
        Injection injection = armory.match(operation, new EveryCall(reader), fresh, self, argument);
        if (injection != null) {
          stand(injection, over);
        }
        if (fresh.isEarly) { // it is to be asked again once it is live
          seen.compareAndSet(now, before);
        }
      }
    }
  }

  /** Faults that a connection has not met, each at the first operation that it can hit. */
  private static final class Fresh implements Armory.Choice {
    final Operation operation;
    final int before;
    final Armory.Choice among;
    boolean isEarly;

    Fresh(Operation operation, int before, Armory.Choice among) {
      this.operation = operation;
      this.before = before;
      this.among = among;
    }

    @Override
    public boolean carries(Fault fault, Object self, @Nullable Object argument) {
      return fault.effects().stand() && among.carries(fault, self, argument);
    }

    @Override
    public boolean carries(ArmedFault armed, Object self, @Nullable Object argument) {
      if (!carries(armed.fault(), self, argument) || first(armed) != operation) {
        return false;
      }
      if (armed.pending()) {
        isEarly = true;
        return false;
      }
      return armed.generation() > before;
    }

    private static @Nullable Operation first(ArmedFault armed) {
      for (Operation each : STREAM) {
        if (armed.operations().contains(each)) {
          return each;
        }
      }
      return null;
    }
  }

  /** A connection counts, whoever's turn it is. */
  private record EveryCall(CallReader reader) implements CallReader {
    @Override
    public @Nullable String read(
        Field field, @Nullable String name, Object self, @Nullable Object argument) {
      return reader.read(field, name, self, argument);
    }

    @Override
    public boolean matches(
        Field field,
        @Nullable String name,
        TextMatcher pattern,
        Object self,
        @Nullable Object argument) {
      return reader.matches(field, name, pattern, self, argument);
    }
  }

  private void stand(Injection injection, Runnable over) {
    for (Injection.Hit hit : injection.hits()) {
      if (hit.fault().operations().contains(Operation.SOCKET_READ)) {
        inbound.add(hit);
      }
      if (hit.fault().operations().contains(Operation.SOCKET_WRITE)) {
        outbound.add(hit);
      }
    }
    standing.add(injection);
    injection.later(
        since -> stands(injection) ? Long.MAX_VALUE : 0,
        Long.MAX_VALUE,
        waited -> {
          standing.remove(injection);
          inbound.clean();
          outbound.clean();
          injection.finish();
          wake();
          if (waited != Injection.Waited.CLOSED) {
            over.run();
          }
        });
  }

  private static boolean stands(Injection injection) {
    for (Injection.Hit hit : injection.hits()) {
      if (hit.fault().isLive()) {
        return true;
      }
    }
    return false;
  }

  private void wake() {
    inbound.wake();
    outbound.wake();
  }

  /** Nanoseconds by which the connection's end comes late; 0 for none, and once it is closed. */
  public long slowClose() {
    long delay = 0;
    if (closed) {
      return delay;
    }
    for (Injection injection : standing) {
      for (Injection.Hit hit : injection.hits()) {
        SlowClose slow = hit.effects().shaping(SlowClose.class);
        if (slow != null && hit.fault().isLive() && hit.effects().phase() == Phase.BEFORE) {
          delay = Math.max(delay, slow.delay());
        }
      }
    }
    return delay;
  }

  /** Whether no fault stands on it. */
  public boolean isIdle() {
    return standing.isEmpty();
  }

  /** Whether the connection is closed, or about to be. */
  public boolean isClosed() {
    return closed;
  }

  /** The connection is closed: ends whatever waits, and what stood here. */
  public void close() {
    closed = true;
    standing.forEach(Injection::close);
    wake();
  }
}
