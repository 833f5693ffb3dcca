package dev.jinx.agent.effect;

import dev.jinx.agent.call.Kind;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.document.Doc;
import dev.jinx.agent.document.InvalidDocument;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The effects of one fault: latency comes first, then the one that ends the call.
 *
 * @param latency null for none
 * @param bandwidth null where the answer comes at its own pace
 * @param ending null where the call goes on after the latency
 */
public record Effects(
    @Nullable Latency latency,
    @Nullable Bandwidth bandwidth,
    @Nullable Ending ending,
    Phase phase) {

  /** The registry of the effects that end a call: one line each. */
  private static final Map<String, BiFunction<Doc, Kind, Ending>> ENDINGS = new LinkedHashMap<>();

  static {
    ENDINGS.put("error", Failure::read);
    ENDINGS.put("response", (effect, kind) -> Response.read(effect));
    ENDINGS.put("drop", (effect, kind) -> Drop.read(effect));
    ENDINGS.put("duplicate", (effect, kind) -> Duplicate.read(effect));
    ENDINGS.put("reset", (effect, kind) -> Reset.read(effect));
    ENDINGS.put("limit", (effect, kind) -> Limit.read(effect));
  }

  /** Reads the field {@code effect} of a fault of that kind. */
  public static Effects read(Doc effect, Kind kind) {
    Latency latency = effect.has("latency") ? Latency.read(effect) : null;
    Bandwidth bandwidth = null;
    if (effect.has("bandwidth")) {
      bandwidth = Bandwidth.read(effect);
      requireKind(bandwidth.possibleOn(), kind, effect.path("bandwidth"));
    }
    Ending ending = null;
    for (Map.Entry<String, BiFunction<Doc, Kind, Ending>> known : ENDINGS.entrySet()) {
      if (effect.has(known.getKey())) {
        if (ending != null) {
          throw new InvalidDocument(
              effect.path(known.getKey()),
              effect.path() + " takes one of " + String.join(", ", ENDINGS.keySet()) + ", not two");
        }
        ending = known.getValue().apply(effect, kind);
        requireKind(ending.possibleOn(), kind, effect.path(known.getKey()));
      }
    }
    if (bandwidth != null && (ending instanceof Failure || ending instanceof Drop)) {
      throw new InvalidDocument(
          effect.path("bandwidth"),
          effect.path("bandwidth") + " has nothing to slow down: the call gets no answer");
    }
    Phase phase = Phase.read(effect.text("phase"), effect.path("phase"));
    effect.done();
    if (latency == null && bandwidth == null && ending == null) {
      throw new InvalidDocument(
          effect.path(),
          effect.path()
              + " is empty; give latency, bandwidth, "
              + String.join(", ", ENDINGS.keySet()));
    }
    return new Effects(latency, bandwidth, ending, phase);
  }

  private static void requireKind(Set<Operation> possible, Kind kind, String path) {
    if (possible.stream().noneMatch(operation -> operation.kind() == kind)) {
      Set<String> kinds =
          possible.stream()
              .map(operation -> operation.kind().json())
              .collect(Collectors.toCollection(TreeSet::new));
      throw new InvalidDocument(
          path, path + " is for " + String.join(", ", kinds) + " faults, not for " + kind.json());
    }
  }

  /**
   * Those of the operations that can have these effects.
   *
   * @param named whether the target names them; where it does not, a delay or a drop spares the
   *     writes to a socket, which the kernel takes at once for real: it is the read behind them
   *     that waits; and a delay spares the datagrams that come, as those that go are late
   */
  public Set<Operation> possibleOn(Set<Operation> operations, boolean named) {
    Set<Operation> possible = EnumSet.copyOf(operations);
    if (ending != null) {
      possible.retainAll(ending.possibleOn());
    }
    if (bandwidth != null) {
      possible.retainAll(bandwidth.possibleOn());
    }
    if (!named) { // these are only for those who ask for them: the driver meets them too
      possible.removeAll(EnumSet.of(Operation.JDBC_ACQUIRE, Operation.JDBC_NEXT));
      if (ending == null || ending instanceof Drop) {
        possible.removeAll(EnumSet.of(Operation.SOCKET_WRITE, Operation.SOCKET_CLOSE));
      }
      if (latency != null && !(ending instanceof Drop)) { // a question and its answer are late once
        possible.remove(Operation.DATAGRAM_RECEIVE);
      }
    }
    return possible;
  }

  /** The effects, a named error by its own name, as documents write them. */
  public Set<String> names() {
    Set<String> names = new TreeSet<>();
    if (latency != null) {
      names.add("latency");
    }
    if (bandwidth != null) {
      names.add("bandwidth");
    }
    if (ending != null) {
      names.add(ending.name());
    }
    return names;
  }

  /** In a few words, for the log. */
  public String summary() {
    String words = latency == null ? "" : latency.summary();
    if (bandwidth != null) {
      words += (words.isEmpty() ? "" : ", ") + bandwidth.summary();
    }
    if (ending != null) {
      words += (words.isEmpty() ? "" : ", ") + ending.summary();
    }
    return phase == Phase.AFTER ? words + ", after the call" : words;
  }
}
