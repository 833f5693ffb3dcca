package dev.jinx.agent.fault;

import dev.jinx.agent.call.CallReader;
import dev.jinx.agent.call.Field;
import dev.jinx.agent.call.Kind;
import dev.jinx.agent.call.Operation;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The armed faults of one operation. Which of them a host (or a database) concerns is worked out
 * once for each distinct host and remembered, so that a call that matches nothing costs one
 * look-up, with one fault as with ten thousand.
 */
final class Index {
  /**
   * Distinct values remembered; past that the memory starts anew, so that it cannot grow with the
   * traffic.
   */
  private static final int BOUND = 1024;

  /** So many faults are looked at one by one. */
  private static final int FEW = 4;

  private static final Candidates NONE = new Candidates(new ArmedFault[0]);

  private final Operation operation;
  private final Kind kind;
  private final ArmedFault[] faults;
  private final Set<Field> first;
  private final Set<Field> both;
  private final Map<String, Candidates> byFirst = new ConcurrentHashMap<>();

  private record Candidates(ArmedFault[] faults, @Nullable Map<String, ArmedFault[]> bySecond) {
    Candidates(ArmedFault[] faults) {
      this(faults, faults.length > FEW ? new ConcurrentHashMap<>() : null);
    }
  }

  Index(Operation operation, List<ArmedFault> faults) {
    this.operation = operation;
    this.kind = operation.kind();
    this.faults = faults.toArray(new ArmedFault[0]);
    this.first = EnumSet.of(kind.first());
    this.both = EnumSet.copyOf(kind.decidedBySecond());
    this.both.add(kind.first());
  }

  /** The hits; null for a call that is nobody's business, empty for one that matches only. */
  @Nullable List<Injection.Hit> match(
      Armory armory,
      CallReader reader,
      Armory.Choice choice,
      Object self,
      @Nullable Object argument) {
    Candidates candidates = candidates(reader, self, argument);
    ArmedFault[] list = candidates.faults;
    if (list.length == 0) {
      return null;
    }
    Set<Field> answered = first;
    if (candidates.bySecond != null) {
      list = narrowed(candidates, candidates.bySecond, reader, self, argument);
      answered = both;
    }
    List<Injection.Hit> hits = null;
    boolean counts = false;
    for (ArmedFault fault : list) {
      if (!choice.carries(fault, self, argument)) {
        String never = choice.never(fault.fault(), self, argument);
        if (never != null && fault.matches(answered, reader, self, argument)) {
          fault.misses().never(fault.fault(), never);
        }
      } else if (fault.matches(answered, reader, self, argument)) {
        // asked once for all faults: the answer may be noted
        counts = counts || (!CallScope.isInside(operation) && reader.counts(self, argument));
        if (!counts) {
          return null;
        }
        Injection.Hit hit = fault.decide(System.nanoTime(), armory.hasRoom());
        if (hit != null) {
          hits = hits == null ? new ArrayList<>(1) : hits;
          hits.add(hit);
        }
      }
    }
    return hits == null && counts && reader.nests() ? List.of() : hits;
  }

  private Candidates candidates(CallReader reader, Object self, @Nullable Object argument) {
    String text = reader.read(kind.first(), null, self, argument);
    String key = text == null ? "" : text;
    Candidates known = byFirst.get(key);
    if (known != null) {
      return known;
    }
    ArmedFault[] matching = those(faults, first, reader, self, argument);
    Set<ArmedFault> missed = new HashSet<>(List.of(faults));
    missed.removeAll(Set.of(matching));
    missed.forEach(fault -> fault.misses().note(kind.first(), key));
    Candidates fresh = matching.length == 0 ? NONE : new Candidates(matching);
    remember(byFirst, key, fresh);
    return fresh;
  }

  private ArmedFault[] narrowed(
      Candidates candidates,
      Map<String, ArmedFault[]> bySecond,
      CallReader reader,
      Object self,
      @Nullable Object argument) {
    String text = reader.read(kind.second(), null, self, argument);
    String key = text == null ? "" : text;
    ArmedFault[] known = bySecond.get(key);
    if (known == null) {
      known = those(candidates.faults, kind.decidedBySecond(), reader, self, argument);
      remember(bySecond, key, known);
    }
    return known;
  }

  private static <V> void remember(Map<String, V> memory, String key, V value) {
    if (memory.size() >= BOUND) {
      memory.clear();
    }
    memory.put(key, value);
  }

  private static ArmedFault[] those(
      ArmedFault[] faults,
      Set<Field> fields,
      CallReader reader,
      Object self,
      @Nullable Object argument) {
    List<ArmedFault> matching = new ArrayList<>();
    for (ArmedFault fault : faults) {
      boolean holds = true;
      for (Field field : fields) {
        holds = holds && fault.fault().target().holdsFor(field, reader, self, argument);
      }
      if (holds) {
        matching.add(fault);
      }
    }
    return matching.toArray(new ArmedFault[0]);
  }
}
