package dev.jinx;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A fault that {@link Jinx#inject} armed, live until it is closed or its time to live ends. Safe
 * for use by several threads.
 */
public final class FaultInjection implements AutoCloseable {

  private final String id;
  // a fault of this id that stood there before belongs to whoever armed it
  private final boolean opened;
  private volatile Map<?, ?> view;
  private boolean closed;
  private boolean gone;

  FaultInjection(Agent.Answer armed) {
    this.opened = armed.status() == 201;
    this.view = armed.body();
    this.id = String.valueOf(view.get("id"));
  }

  /** The fault's name, unique in this JVM. */
  public String id() {
    return id;
  }

  /**
   * How many calls were hit so far; once closed, how many it was in all.
   *
   * @throws IllegalStateException where the fault ended before it was closed: its counters went
   *     with it
   */
  public long injections() {
    return counter("injected");
  }

  /**
   * How many calls the target matched so far, hit or not.
   *
   * @throws IllegalStateException where the fault ended before it was closed: its counters went
   *     with it
   */
  public long matches() {
    return counter("matched");
  }

  /** What all decisions follow from: {@link Fault#seed} with this replays them. */
  public long seed() {
    return Json.number(Json.object(view.get("selection")).get("seed"));
  }

  /**
   * Calls that nearly matched: a line for each key that kept calls away, with what was asked for
   * and what was seen.
   */
  public List<String> nearMisses() {
    return Json.array(refreshed().get("nearMisses")).stream()
        .map(miss -> nearMiss(Json.object(miss)))
        .toList();
  }

  /**
   * Disarms the fault at once; calls that it holds go on. Does nothing the second time, or where
   * another had armed the same fault before this.
   */
  @Override
  public synchronized void close() {
    if (!closed) {
      look();
      closed = true;
      Agent.Answer last = opened ? Agent.find("DELETE /v1/faults/" + id) : null;
      if (last != null && last.body().containsKey("counters")) {
        view = last.body(); // a call may have been hit since that look
      }
    }
  }

  private long counter(String name) {
    return Json.number(Json.object(refreshed().get("counters")).get(name));
  }

  private synchronized Map<?, ?> refreshed() {
    if (!closed) {
      look();
    }
    if (gone) {
      throw new IllegalStateException(
          this
              + " is gone, and its counters with it: its time to live ended, or another"
              + " cleared it");
    }
    return view;
  }

  private void look() {
    Agent.Answer answer = Agent.find("GET /v1/faults/" + id);
    gone = answer == null;
    view = answer == null ? view : answer.body();
  }

  private static String nearMiss(Map<?, ?> miss) {
    String seen =
        Json.array(miss.get("seen")).stream().map(Json::write).collect(Collectors.joining(", "));
    long count = Json.number(miss.get("count"));
    return "%s: asked for %s, saw %s (%d %s)"
        .formatted(
            miss.get("field"),
            Json.write(miss.get("asked")),
            seen,
            count,
            count == 1 ? "call" : "calls");
  }

  /** The fault's name, what it is, and its counters as they were last seen. */
  @Override
  public String toString() {
    Map<String, Object> shown = new LinkedHashMap<>();
    for (String field : List.of("target", "effect", "selection", "counters")) {
      Object value = view.get(field);
      if (value != null) {
        shown.put(field, value);
      }
    }
    return "fault '" + id + "' " + Json.write(shown);
  }
}
