package dev.jinx.agent.control;

import dev.jinx.agent.fault.ArmedFault;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.OwnFailures;
import java.util.List;

/** What {@code GET /metrics} tells, in the text format of Prometheus, version 0.0.4. */
final class Metrics {
  private final StringBuilder text = new StringBuilder();

  private Metrics() {}

  static String of(Armory armory) {
    List<ArmedFault> all = armory.all();
    Metrics metrics = new Metrics();
    metrics.family("jinx_faults_armed", "gauge", "Faults that are armed.");
    metrics.sample("jinx_faults_armed", all.size());
    metrics.family("jinx_calls_active", "gauge", "Calls that are held or being failed right now.");
    metrics.sample("jinx_calls_active", armory.active());
    metrics.family("jinx_halted", "gauge", "1 while everything is halted.");
    metrics.sample("jinx_halted", armory.haltReason() == null ? 0 : 1);
    metrics.family(
        "jinx_logged_total", "counter", "Injections since the start, of cleared faults too.");
    metrics.sample("jinx_logged_total", armory.log().last());
    metrics.family("jinx_internal_failures_total", "counter", "Failures of Jinx's own code.");
    metrics.sample("jinx_internal_failures_total", OwnFailures.count());
    metrics.family("jinx_matched_total", "counter", "Calls that an armed fault matched.");
    for (ArmedFault armed : all) {
      metrics.sample("jinx_matched_total", armed.matched(), labels(armed));
    }
    metrics.family("jinx_injections_total", "counter", "Calls that an armed fault hit.");
    for (ArmedFault armed : all) {
      metrics.sample("jinx_injections_total", armed.injected(), labels(armed));
    }
    metrics.family("jinx_skipped_total", "counter", "Matching calls that were not hit.");
    for (ArmedFault armed : all) {
      armed
          .skipped()
          .forEach(
              (reason, count) ->
                  metrics.sample(
                      "jinx_skipped_total",
                      count,
                      "fault",
                      armed.fault().id(),
                      "reason",
                      reason.json()));
    }
    return metrics.text.toString();
  }

  private static String[] labels(ArmedFault armed) {
    return new String[] {"fault", armed.fault().id(), "kind", armed.fault().target().kind().json()};
  }

  private void family(String name, String type, String help) {
    text.append("# HELP ").append(name).append(' ').append(help).append('\n');
    text.append("# TYPE ").append(name).append(' ').append(type).append('\n');
  }

  private void sample(String name, long value, String... labels) {
    text.append(name);
    for (int i = 0; i < labels.length; i += 2) {
      text.append(i == 0 ? '{' : ',').append(labels[i]).append("=\"");
      text.append(escaped(labels[i + 1])).append('"');
    }
    text.append(labels.length == 0 ? "" : "}").append(' ').append(value).append('\n');
  }

  /** As label values are escaped. */
  static String escaped(String value) {
    return value.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
  }
}
