package dev.jinx.agent.control;

import dev.jinx.agent.document.Durations;
import dev.jinx.agent.fault.ArmedFault;
import dev.jinx.agent.fault.Fault;
import dev.jinx.agent.fault.InjectionLog;
import dev.jinx.agent.fault.NearMisses;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How an armed fault and a hit read from outside. */
final class FaultView {
  private FaultView() {}

  static Map<String, Object> of(ArmedFault armed) {
    Fault fault = armed.fault();
    Map<String, Object> view = new LinkedHashMap<>(fault.document());
    Map<String, @Nullable Object> selection = new LinkedHashMap<>();
    if (fault.document().get("selection") instanceof Map<?, ?> given) {
      given.forEach((key, value) -> selection.put((String) key, value));
    }
    selection.put("seed", fault.selection().seed());
    view.put("selection", selection);
    Long ttl = fault.ttl();
    view.put("ttl", ttl == null ? "none" : Durations.format(ttl));
    view.put("source", fault.source().json());
    view.put("state", !armed.isLive() ? "cleared" : armed.pending() ? "pending" : "armed");
    Long remaining = armed.isLive() ? armed.remaining() : null;
    if (remaining != null) {
      view.put("remaining", Durations.approximate(remaining));
    }
    view.put("counters", counters(armed));
    view.put("nearMisses", armed.nearMisses().stream().map(FaultView::nearMiss).toList());
    return view;
  }

  static List<Map<String, Object>> of(List<ArmedFault> all) {
    return all.stream().map(FaultView::of).toList();
  }

  private static Map<String, Object> counters(ArmedFault armed) {
    Map<String, Object> skipped = new LinkedHashMap<>();
    armed.skipped().forEach((reason, count) -> skipped.put(reason.json(), count));
    Map<String, Object> counters = new LinkedHashMap<>();
    counters.put("matched", armed.matched());
    counters.put("injected", armed.injected());
    counters.put("active", armed.active());
    counters.put("skipped", skipped);
    return counters;
  }

  private static Map<String, Object> nearMiss(NearMisses.Miss miss) {
    Map<String, Object> view = new LinkedHashMap<>();
    view.put("field", miss.field());
    view.put("asked", miss.asked());
    view.put("seen", miss.seen());
    view.put("count", miss.count());
    return view;
  }

  static Map<String, Object> of(InjectionLog.Entry entry) {
    Map<String, Object> view = new LinkedHashMap<>();
    view.put("seq", entry.seq());
    view.put("time", Instant.ofEpochMilli(entry.time()).toString());
    view.put("fault", entry.fault());
    view.put("n", entry.n());
    view.put("draw", entry.draw());
    view.put("operation", entry.operation());
    view.put("effect", entry.effect());
    if (entry.delay() > 0) {
      view.put("delay", Durations.format(entry.delay()));
    }
    view.put("call", entry.call());
    return view;
  }
}
