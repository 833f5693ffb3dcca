package dev.jinx.agent.fault;

import dev.jinx.agent.call.CallReader;
import dev.jinx.agent.call.Field;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.document.Durations;
import dev.jinx.agent.document.InvalidDocument;
import dev.jinx.agent.effect.Latency;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The armed faults. What the calls see is an immutable snapshot that changes by one volatile write;
 * its lock is for those who arm and clear, never taken on the way of a call.
 */
public final class Armory {
  private static final Field[] DESCRIBED = {
    Field.METHOD,
    Field.SCHEME,
    Field.HOST,
    Field.PORT,
    Field.PATH,
    Field.CLIENT,
    Field.URL,
    Field.STATEMENT,
    Field.TABLE,
    Field.SQL
  };

  private final Limits limits;
  private final LongConsumer gate;
  private final InjectionLog log = new InjectionLog();
  private final AtomicLong active = new AtomicLong();
  private final AtomicLongArray kept = new AtomicLongArray(Operation.values().length);

  private final Map<String, ArmedFault> faults = new LinkedHashMap<>();
  private volatile Map<Operation, Index> snapshot = Map.of();
  private volatile long open;
  private final AtomicInteger generation = new AtomicInteger();
  private volatile @Nullable String haltReason;
  private volatile @Nullable LongSupplier hookable;
  private volatile @Nullable Consumer<Fault> check;

  /**
   * @param gate is told the bits of the operations that are to be looked at
   */
  public Armory(Limits limits, LongConsumer gate) {
    this.limits = limits;
    this.gate = gate;
  }

  /**
   * Tells what can be hit at all.
   *
   * @param operations the bits of the operations that some point hooks
   * @param check throws {@link InvalidDocument} for a fault that no point can carry out
   */
  public void hookable(LongSupplier operations, Consumer<Fault> check) {
    this.hookable = operations;
    this.check = check;
  }

  public InjectionLog log() {
    return log;
  }

  // ---- arming

  /**
   * Arms faults beside those that are there, all or none. One that is there already, word for word,
   * stays as it is.
   *
   * @return whether any is new
   * @throws InvalidDocument for one that nothing can hit
   * @throws Refused for an id that is taken by another document, past the limits, and while halted
   */
  public synchronized boolean add(List<Fault> added) {
    Map<String, ArmedFault> next = new LinkedHashMap<>(faults);
    boolean any = false;
    for (Fault fault : added) {
      ArmedFault there = next.get(fault.id());
      if (there == null) {
        next.put(fault.id(), arm(fault));
        any = true;
      } else if (!there.fault().document().equals(fault.document())) {
        throw new Refused(
            "a fault with the id \""
                + fault.id()
                + "\" is armed with another document; PUT /v1/faults/"
                + fault.id()
                + " replaces it");
      }
    }
    if (any) {
      swap(next);
    }
    return any;
  }

  /** Replaces all faults of a source at once; those that stay word for word keep their counters. */
  public synchronized void replaceAll(Source source, List<Fault> all) {
    Map<String, ArmedFault> next = new LinkedHashMap<>(faults);
    next.values().removeIf(armed -> armed.fault().source() == source);
    for (Fault fault : all) {
      ArmedFault there = faults.get(fault.id());
      if (next.containsKey(fault.id())) {
        throw new Refused("the id \"" + fault.id() + "\" is taken by another fault");
      }
      boolean same = there != null && there.fault().document().equals(fault.document());
      next.put(fault.id(), same ? there : arm(fault));
    }
    swap(next);
  }

  /** Arms a fault in place of the one with its id, if there is one; says whether it is new. */
  public synchronized boolean put(Fault fault) {
    Map<String, ArmedFault> next = new LinkedHashMap<>(faults);
    ArmedFault there = next.put(fault.id(), arm(fault));
    swap(next);
    return there == null;
  }

  /** Clears a fault; says what it came to, or null where there is none. */
  public synchronized @Nullable ArmedFault remove(String id) {
    Map<String, ArmedFault> next = new LinkedHashMap<>(faults);
    ArmedFault removed = next.remove(id);
    if (removed != null) {
      swap(next);
    }
    return removed;
  }

  /** Clears all; says how many. */
  public synchronized int clear() {
    int count = faults.size();
    swap(Map.of());
    return count;
  }

  /** Clears all and refuses new ones until {@link #resume}. */
  public synchronized void halt(String reason) {
    haltReason = reason;
    swap(Map.of());
  }

  public synchronized void resume() {
    haltReason = null;
  }

  /** Why everything is halted, or null. */
  public @Nullable String haltReason() {
    return haltReason;
  }

  public synchronized List<ArmedFault> all() {
    return List.copyOf(faults.values());
  }

  public synchronized @Nullable ArmedFault get(String id) {
    return faults.get(id);
  }

  private ArmedFault arm(Fault fault) {
    if (haltReason != null) {
      throw new Refused("halted (" + haltReason + "); POST /v1/resume allows faults again");
    }
    LongSupplier reach = hookable;
    long within = reach == null ? 0 : reach.getAsLong();
    Set<Operation> operations =
        fault.effects().possibleOn(fault.target().operations(), fault.target().named()).stream()
            .filter(operation -> (operation.bit() & within) != 0)
            .collect(Collectors.toSet());
    if (operations.isEmpty()) {
      throw new InvalidDocument(
          "target",
          "nothing in this version can hit "
              + fault.target().kind().json()
              + " "
              + String.join(", ", Operation.names(fault.target().operations())));
    }
    Latency latency = fault.effects().latency();
    if (latency != null && latency.longest() > limits.maxDelay()) {
      throw new InvalidDocument(
          "effect.latency",
          "effect.latency is longer than maxDelay, " + Durations.format(limits.maxDelay()));
    }
    if (check != null) {
      check.accept(fault);
    }
    return new ArmedFault(fault, operations, limits, System.nanoTime(), generation.get() + 1);
  }

  private void swap(Map<String, ArmedFault> next) {
    if (next.size() > limits.maxFaults()) {
      throw new Refused(
          "more than " + limits.maxFaults() + " faults (maxFaults); clear some first");
    }
    Set<ArmedFault> gone = new LinkedHashSet<>(faults.values());
    next.values().forEach(gone::remove);
    Set<ArmedFault> fresh = new LinkedHashSet<>(next.values());
    faults.values().forEach(fresh::remove);
    Map<String, ArmedFault> copy = new LinkedHashMap<>(next);
    faults.clear();
    faults.putAll(copy);
    snapshot = compile(copy.values());
    generation.incrementAndGet();
    openGate();
    gone.forEach(ArmedFault::end);
    for (ArmedFault armed : fresh) {
      armed.onExpiry(() -> expire(armed));
    }
  }

  /** Changes whenever faults are armed or end. */
  public int generation() {
    return generation.get();
  }

  private synchronized void expire(ArmedFault armed) {
    if (faults.get(armed.fault().id()) == armed) {
      remove(armed.fault().id());
    }
  }

  private static Map<Operation, Index> compile(Iterable<ArmedFault> faults) {
    Map<Operation, List<ArmedFault>> byOperation = new EnumMap<>(Operation.class);
    for (ArmedFault armed : faults) {
      for (Operation operation : armed.operations()) {
        byOperation.computeIfAbsent(operation, o -> new ArrayList<>()).add(armed);
      }
    }
    Map<Operation, Index> indexes = new EnumMap<>(Operation.class);
    byOperation.forEach((operation, list) -> indexes.put(operation, new Index(operation, list)));
    return indexes;
  }

  // ---- the gate

  /**
   * Keeps the gate open for an operation, whatever is armed, until {@link #letShut}: for calls that
   * are under way and need their later hooks.
   */
  public void keepOpen(Operation operation) {
    if (kept.incrementAndGet(operation.ordinal()) == 1) {
      openGate();
    }
  }

  public void letShut(Operation operation) {
    if (kept.decrementAndGet(operation.ordinal()) == 0) {
      openGate();
    }
  }

  private synchronized void openGate() {
    long open = Operation.bits(snapshot.keySet());
    for (Operation operation : Operation.values()) {
      open |= kept.get(operation.ordinal()) > 0 ? operation.bit() : 0;
    }
    this.open = open;
    gate.accept(open);
  }

  /** Whether calls of that operation are to be looked at, for a hook that several open. */
  public boolean isOpen(Operation operation) {
    return (open & operation.bit()) != 0;
  }

  // ---- the way of a call

  /**
   * What is to happen to a call; null for nothing, which is most of the time and costs one look-up.
   */
  public @Nullable Injection match(
      Operation operation, CallReader reader, Object self, @Nullable Object argument) {
    return match(operation, reader, Choice.ALL, self, argument);
  }

  /** Which faults a hook carries out, where a library has one hook for some and one for others. */
  public interface Choice {
    Choice ALL =
        new Choice() {
          @Override
          public boolean carries(Fault fault, Object self, @Nullable Object argument) {
            return true;
          }
        };

    boolean carries(Fault fault, Object self, @Nullable Object argument);

    /** Why no hook can do that to that call; null where this one carries it out, or another may. */
    default @Nullable String never(Fault fault, Object self, @Nullable Object argument) {
      return null;
    }

    /** The same, of a fault of which more must be known than its document. */
    default boolean carries(ArmedFault armed, Object self, @Nullable Object argument) {
      return carries(armed.fault(), self, argument);
    }
  }

  /** The same, of some faults only: the others are left to another hook. */
  public @Nullable Injection match(
      Operation operation,
      CallReader reader,
      Choice choice,
      Object self,
      @Nullable Object argument) {
    Index index = snapshot.get(operation);
    if (index == null) {
      return null;
    }
    List<Injection.Hit> hits = index.match(this, reader, choice, self, argument);
    if (hits == null) {
      return null;
    }
    active.incrementAndGet();
    Injection injection = new Injection(this, hits);
    if (hits.isEmpty()) {
      return injection;
    }
    Map<String, String> call = describe(reader, self, argument);
    hits.forEach(hit -> log.add(hit, operation.kind().json() + " " + operation.json(), call));
    return injection;
  }

  private static Map<String, String> describe(
      CallReader reader, Object self, @Nullable Object argument) {
    Map<String, String> call = new LinkedHashMap<>();
    for (Field field : DESCRIBED) {
      String value = reader.read(field, null, self, argument);
      if (value != null) {
        call.put(field.json(), value);
      }
    }
    return call;
  }

  /** Whether any fault is armed for that operation. */
  public boolean isArmed(Operation operation) {
    return snapshot.containsKey(operation);
  }

  boolean hasRoom() {
    return active.get() < limits.maxActive();
  }

  void finished() {
    active.decrementAndGet();
  }

  /** Calls that are held or being failed right now. */
  public long active() {
    return active.get();
  }
}
