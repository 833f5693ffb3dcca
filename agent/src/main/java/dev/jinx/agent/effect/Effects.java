package dev.jinx.agent.effect;

import dev.jinx.agent.call.Kind;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.document.Doc;
import dev.jinx.agent.document.InvalidDocument;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The effects of one fault: latency comes first, then the one that ends the call.
 *
 * @param latency null for none
 * @param shapings how bytes come and go; empty where they do so at their own pace
 * @param ending null where the call goes on after the latency
 */
public record Effects(
    @Nullable Latency latency, List<Shaping> shapings, @Nullable Ending ending, Phase phase) {

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

  /** The registry of the effects that shape a stream: one line each. */
  private static final Map<String, Function<Doc, Shaping>> SHAPINGS = new LinkedHashMap<>();

  static {
    SHAPINGS.put("bandwidth", Bandwidth::read);
    SHAPINGS.put("slice", Slice::read);
    SHAPINGS.put("loss", Loss::read);
    SHAPINGS.put("corrupt", Corrupt::read);
    SHAPINGS.put("slowClose", SlowClose::read);
  }

  /** Reads the field {@code effect} of a fault of that kind. */
  public static Effects read(Doc effect, Kind kind) {
    Latency latency = effect.has("latency") ? Latency.read(effect) : null;
    List<Shaping> shapings = new ArrayList<>();
    for (Map.Entry<String, Function<Doc, Shaping>> known : SHAPINGS.entrySet()) {
      if (effect.has(known.getKey())) {
        Shaping shaping = known.getValue().apply(effect);
        requireKind(shaping.possibleOn(), kind, effect.path(known.getKey()));
        shapings.add(shaping);
      }
    }
    Ending ending = ending(effect, kind);
    if (!shapings.isEmpty() && (ending instanceof Failure || ending instanceof Drop)) {
      String path = effect.path(shapings.get(0).name());
      throw new InvalidDocument(path, path + " has nothing to slow down: the call gets no answer");
    }
    if (effect.has("profile")) {
      Profile profile = Profile.read(effect);
      if (latency != null || !shapings.isEmpty() || ending != null) {
        throw new InvalidDocument(
            effect.path("profile"),
            effect.path("profile") + " stands alone: it is latency, bandwidth and loss itself");
      }
      latency = profile.latency();
      ending = profile.ending();
      for (Shaping shaping : profile.shapings()) {
        if (isOf(kind, shaping.possibleOn())) { // an exchange has no segments to lose
          shapings.add(shaping);
        }
      }
      if (kind != Kind.HTTP && kind != Kind.SOCKET) {
        requireKind(new Bandwidth(1, 1).possibleOn(), kind, effect.path("profile"));
      }
    }
    Phase phase = Phase.read(effect.text("phase"), effect.path("phase"));
    effect.done();
    if (latency == null && shapings.isEmpty() && ending == null) {
      throw new InvalidDocument(
          effect.path(),
          effect.path()
              + " is empty; give latency, "
              + String.join(", ", SHAPINGS.keySet())
              + ", profile, "
              + String.join(", ", ENDINGS.keySet()));
    }
    return new Effects(latency, List.copyOf(shapings), ending, phase);
  }

  private static @Nullable Ending ending(Doc effect, Kind kind) {
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
    return ending;
  }

  private static boolean isOf(Kind kind, Set<Operation> operations) {
    return operations.stream().anyMatch(operation -> operation.kind() == kind);
  }

  private static void requireKind(Set<Operation> possible, Kind kind, String path) {
    if (!isOf(kind, possible)) {
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
   * @param named whether the target names them; where it does not, some are spared: a delay does
   *     not hit the writes to a socket, which the kernel takes at once for real (it is the read
   *     behind them that waits), nor the datagrams that come, as those that go are late
   */
  public Set<Operation> possibleOn(Set<Operation> operations, boolean named) {
    Set<Operation> possible = EnumSet.copyOf(operations);
    if (ending != null) {
      possible.retainAll(ending.possibleOn());
    }
    Set<Operation> shaped = EnumSet.noneOf(Operation.class);
    for (Shaping shaping : shapings) {
      shaped.addAll(shaping.possibleOn());
    }
    if (latency == null && !shaped.isEmpty()) {
      possible.retainAll(shaped);
    }
    // nothing else happens to the end of a connection
    if (!shaped.contains(Operation.SOCKET_CLOSE)) {
      possible.remove(Operation.SOCKET_CLOSE);
    }
    if (!named) { // these are only for those who ask for them: the driver meets them too
      possible.removeAll(
          EnumSet.of(Operation.JDBC_ACQUIRE, Operation.JDBC_NEXT, Operation.SOCKET_ACCEPT));
      if (ending == null && !shaped.contains(Operation.SOCKET_WRITE)) {
        possible.remove(Operation.SOCKET_WRITE);
      }
      if (latency != null && !(ending instanceof Drop)) { // a question and its answer are late once
        possible.remove(Operation.DATAGRAM_RECEIVE);
      }
    }
    return possible;
  }

  /**
   * Whether it is decided once for a whole connection and stands until the fault ends, and not for
   * each turn of the conversation.
   */
  public boolean stand() {
    return !shapings.isEmpty() || ending instanceof Drop || ending instanceof Cut;
  }

  /** The shaping of that type, or null. */
  public <S extends Shaping> @Nullable S shaping(Class<S> type) {
    for (int i = 0; i < shapings.size(); i++) {
      if (type.isInstance(shapings.get(i))) {
        return type.cast(shapings.get(i));
      }
    }
    return null;
  }

  /** The effects, a named error by its own name, as documents write them. */
  public Set<String> names() {
    Set<String> names = new TreeSet<>();
    if (latency != null) {
      names.add("latency");
    }
    shapings.forEach(shaping -> names.add(shaping.name()));
    if (ending != null) {
      names.add(ending.name());
    }
    return names;
  }

  /** In a few words, for the log. */
  public String summary() {
    String words = latency == null ? "" : latency.summary();
    for (Shaping shaping : shapings) {
      words += (words.isEmpty() ? "" : ", ") + shaping.summary();
    }
    if (ending != null) {
      words += (words.isEmpty() ? "" : ", ") + ending.summary();
    }
    return phase == Phase.AFTER ? words + ", after the call" : words;
  }
}
