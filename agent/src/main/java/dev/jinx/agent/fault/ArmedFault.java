package dev.jinx.agent.fault;

import dev.jinx.agent.call.CallReader;
import dev.jinx.agent.call.Field;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Latency;
import dev.jinx.agent.fault.Selection.Skip;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import org.jspecify.annotations.Nullable;

/** A fault while it is armed: its counters, its clock and the calls that it holds. */
public final class ArmedFault {
  /** The first stream of draws for the turns of a connection. */
  private static final int TURNS = 1 << 20;

  private final Fault fault;
  private final Set<Operation> operations;
  private final Limits limits;
  private final long liveAt;
  private final long endsAt;
  private final int generation;

  private final AtomicLong matched = new AtomicLong();
  private final AtomicLong injected = new AtomicLong();
  private final AtomicInteger active = new AtomicInteger();
  private final AtomicLongArray skipped = new AtomicLongArray(Skip.values().length);
  private final NearMisses nearMisses;
  private final Set<Injection> held = ConcurrentHashMap.newKeySet();
  private volatile boolean ended;
  private @Nullable Future<?> expiry;

  ArmedFault(Fault fault, Set<Operation> operations, Limits limits, long now, int generation) {
    this.fault = fault;
    this.operations = operations;
    this.limits = limits;
    this.generation = generation;
    this.liveAt = now + fault.selection().startIn();
    this.endsAt =
        fault.ttl() == null ? Long.MAX_VALUE : now + fault.selection().startIn() + fault.ttl();
    this.nearMisses = new NearMisses(fault.target().conditions());
  }

  public Fault fault() {
    return fault;
  }

  /** The operations that it can hit. */
  public Set<Operation> operations() {
    return operations;
  }

  /** The {@link Armory#generation} since which it is armed. */
  int generation() {
    return generation;
  }

  /** Calls that the target matched. */
  public long matched() {
    return matched.get();
  }

  /** Calls that were hit. */
  public long injected() {
    return injected.get();
  }

  /** Calls that are held or being failed right now. */
  public int active() {
    return active.get();
  }

  /** Matching calls that were not hit, by the reason; only reasons that occurred. */
  public Map<Skip, Long> skipped() {
    Map<Skip, Long> all = new EnumMap<>(Skip.class);
    for (Skip skip : Skip.values()) {
      if (skipped.get(skip.ordinal()) > 0) {
        all.put(skip, skipped.get(skip.ordinal()));
      }
    }
    return all;
  }

  /** Conditions that kept calls of the same kind from being matched. */
  public List<NearMisses.Miss> nearMisses() {
    return nearMisses.seen();
  }

  NearMisses misses() {
    return nearMisses;
  }

  /** Nanoseconds until it ends by itself, or null where it has no end. */
  public @Nullable Long remaining() {
    return endsAt == Long.MAX_VALUE ? null : (Long) Math.max(0, endsAt - System.nanoTime());
  }

  /** Whether it is armed but not live yet. */
  public boolean pending() {
    return !ended && System.nanoTime() - liveAt < 0;
  }

  /** Whether calls may be hit; false from the moment that it is cleared or has expired. */
  public boolean isLive() {
    return !ended;
  }

  /** Has something done when its time is over, unless it ends before. */
  void onExpiry(Runnable work) {
    if (endsAt != Long.MAX_VALUE) {
      expiry = Timer.schedule(work, endsAt - System.nanoTime());
    }
  }

  /** Whether all conditions but those that the index has answered already hold. */
  boolean matches(Set<Field> answered, CallReader reader, Object self, @Nullable Object argument) {
    List<Target.Condition> conditions = fault.target().conditions();
    for (int i = 0; i < conditions.size(); i++) {
      Target.Condition condition = conditions.get(i);
      if (!answered.contains(condition.field()) && !condition.holds(reader, self, argument)) {
        nearMisses.note(i, reader, self, argument);
        return false;
      }
    }
    return true;
  }

  /** Takes the next decision; null where the call is not hit. */
  Injection.@Nullable Hit decide(long now, boolean roomForMore) {
    if (ended || (endsAt != Long.MAX_VALUE && now - endsAt >= 0)) {
      return null;
    }
    if (now - liveAt < 0) {
      skip(Skip.START_IN);
      return null;
    }
    Selection selection = fault.selection();
    long n = matched.getAndIncrement();
    Skip skip = selection.decide(n);
    if (skip == null && !(roomForMore && takePlace(selection.maxActive()))) {
      skip = Skip.MAX_ACTIVE;
    }
    if (skip == null && !takeInjection(selection.maxInjections())) {
      active.decrementAndGet();
      skip = Skip.MAX_INJECTIONS;
    }
    if (skip != null) {
      skip(skip);
      return null;
    }
    Latency latency = fault.effects().latency();
    long delay =
        latency == null ? 0 : Math.min(latency.sample(selection.draw(n, 1)), limits.maxDelay());
    return new Injection.Hit(this, n, selection.draw(n, 0), delay);
  }

  private boolean takePlace(long max) {
    if (active.incrementAndGet() <= max) {
      return true;
    }
    active.decrementAndGet();
    return false;
  }

  private boolean takeInjection(long max) {
    if (max == Long.MAX_VALUE) {
      injected.incrementAndGet();
      return true;
    }
    return injected.getAndUpdate(count -> count < max ? count + 1 : count) < max;
  }

  private void skip(Skip reason) {
    skipped.incrementAndGet(reason.ordinal());
  }

  /**
   * A further delay of the hit with that decision.
   *
   * @param turn 0 for the first of them
   */
  long delay(long n, int turn) {
    Latency latency = fault.effects().latency();
    return latency == null ? 0 : Math.min(latency.sample(draw(n, TURNS + turn)), limits.maxDelay());
  }

  /** What else is drawn for a decision; each stream by itself. */
  double draw(long n, int stream) {
    return fault.selection().draw(n, stream);
  }

  void hold(Injection injection) {
    held.add(injection);
  }

  void release(Injection injection) {
    held.remove(injection);
  }

  void deactivate() {
    active.decrementAndGet();
  }

  /** Ends it, and wakes every call that it holds. */
  void end() {
    ended = true;
    if (expiry != null) {
      expiry.cancel(false);
    }
    Injection.wake(new ArrayList<>(held));
  }
}
