package dev.jinx;

import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What to break and how: a fault document, written in Java. Start one with {@link Jinx#http},
 * {@link Jinx#jdbc}, {@link Jinx#socket}, {@link Jinx#dns} or {@link Jinx#tls} and arm it with
 * {@link Jinx#inject(Fault)}.
 *
 * <p>A fault never changes; each method gives back a new one, so that one can be kept and varied.
 * Patterns are those of the document: {@code *} and {@code **} glob, a leading {@code ^} excludes,
 * {@code /…/} is a regular expression, and of several any may match. The agent judges all values
 * when the fault is armed.
 *
 * @param <F> the kind of fault that every method gives back
 */
public abstract sealed class Fault<F extends Fault<F>>
    permits HttpFault, JdbcFault, SocketFault, DnsFault, TlsFault {

  private final Map<String, Object> document;

  Fault(Map<String, Object> document) {
    this.document = document;
  }

  /** The start of a fault: its kind, and the patterns of the key that it is mostly told by. */
  static Map<String, Object> target(String kind, String key, String... patterns) {
    Map<String, Object> target = new LinkedHashMap<>();
    target.put("kind", kind);
    if (patterns.length > 0 && !Arrays.equals(patterns, new String[] {"*"})) {
      target.put(key, oneOrList(Arrays.asList(patterns)));
    }
    return Map.of("target", target);
  }

  boolean hasId() {
    return document.containsKey("id");
  }

  abstract F copy(Map<String, Object> document);

  /**
   * {@code id}: the fault's name, letters, digits or {@code . _ : -}; without one it gets a name of
   * its own when armed.
   */
  public final F id(String id) {
    return with("id", id);
  }

  /** {@code target.caller}: only calls with this class on their stack. */
  public final F caller(String... classes) {
    return target("caller", List.of(classes));
  }

  /** {@code target.thread}: only calls on threads of this name. */
  public final F thread(String... names) {
    return target("thread", List.of(names));
  }

  /** {@code effect.latency}: holds each call for this long (to the microsecond). */
  public final F latency(Duration latency) {
    return with("effect.latency", Latency.text(latency));
  }

  /** {@code effect.latency}: holds each call for a time that is drawn for it. */
  public final F latency(Latency latency) {
    return with("effect.latency", latency.json());
  }

  /** {@code effect.error}: the call fails as it would for this reason in the real world. */
  public final F error(NamedError error) {
    return with("effect.error", error.json());
  }

  /** {@code effect.error.class}: the call throws this, if the method that is hit can throw it. */
  public final F error(Class<? extends Throwable> type, String message) {
    return with("effect.error", Json.fields("class", type.getName(), "message", message));
  }

  /**
   * {@code effect.drop}: the call is swallowed; the caller waits as long as its own time limits let
   * it.
   */
  public final F drop() {
    return with("effect.drop", Map.of());
  }

  /**
   * {@code effect.phase: after}: the real call happens and its outcome is lost; without this the
   * fault comes before the call, which does not happen if the fault ends it.
   */
  public final F afterCall() {
    return with("effect.phase", "after");
  }

  /** {@code selection.rate}: hits this share of the calls that match, 0 to 1. */
  public final F rate(double rate) {
    return with("selection.rate", rate);
  }

  /** {@code selection.after}: leaves the first {@code n} calls that match alone. */
  public final F skip(long n) {
    return with("selection.after", n);
  }

  /** {@code selection.first}: hits only the first {@code n} calls. */
  public final F first(long n) {
    return with("selection.first", n);
  }

  /** {@code selection.every}: hits each {@code n}-th call. */
  public final F every(long n) {
    return with("selection.every", n);
  }

  /** {@code selection.maxInjections}: stops after {@code n} hits. */
  public final F maxInjections(long n) {
    return with("selection.maxInjections", n);
  }

  /** {@code selection.maxActive}: holds at most {@code n} calls at once. */
  public final F maxActive(long n) {
    return with("selection.maxActive", n);
  }

  /**
   * {@code selection.sequence}: what happens to call after call, such as {@code fail,fail,pass}.
   */
  public final F sequence(String sequence) {
    return with("selection.sequence", sequence);
  }

  /** {@code selection.startIn}: armed now, live after this time. */
  public final F startIn(Duration delay) {
    return with("selection.startIn", Latency.text(delay));
  }

  /**
   * {@code selection.seed}: replays the decisions of a run; {@link FaultInjection#seed} tells what
   * it was.
   */
  public final F seed(long seed) {
    return with("selection.seed", seed);
  }

  /** {@code ttl}: the fault ends by itself after this time; 5 minutes if nothing is said. */
  public final F ttl(Duration ttl) {
    return with("ttl", Latency.text(ttl));
  }

  /** {@code ttl: none}: the fault lasts until it is closed or cleared. */
  public final F noTtl() {
    return with("ttl", "none");
  }

  /**
   * Sets any field of the document, for what has no method here.
   *
   * @param field its path, such as {@code target.client} or {@code ttl}
   * @param value a string, number, boolean, list or map, as the document has it
   */
  public final F with(String field, Object value) {
    Map<String, Object> next = new LinkedHashMap<>(document);
    int dot = field.indexOf('.');
    if (dot < 0) {
      next.put(field, value);
    } else {
      Map<String, Object> section = new LinkedHashMap<>();
      Json.object(next.get(field.substring(0, dot)))
          .forEach((key, old) -> section.put(key.toString(), old));
      section.put(field.substring(dot + 1), value);
      next.put(field.substring(0, dot), section);
    }
    return copy(next);
  }

  final F target(String key, List<?> patterns) {
    return with("target." + key, oneOrList(patterns));
  }

  private static Object oneOrList(List<?> patterns) {
    return patterns.size() == 1 ? patterns.get(0) : patterns;
  }

  /** The fault document, JSON. */
  @Override
  public final String toString() {
    return Json.write(document);
  }
}
