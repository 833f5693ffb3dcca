package dev.jinx.agent.control;

import dev.jinx.agent.document.Durations;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.OwnFailures;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What {@code GET /v1/status} tells.
 *
 * @param hooks what is hooked: library, version, class, methods, …
 * @param unhooked what was seen and could not be hooked, and why
 * @param startedAt of {@code System.nanoTime}
 */
record Status(
    String version,
    Supplier<List<Map<String, Object>>> hooks,
    Supplier<List<Map<String, Object>>> unhooked,
    long startedAt) {

  Map<String, @Nullable Object> view(Armory armory) {
    Map<String, @Nullable Object> view = new LinkedHashMap<>();
    view.put("version", version);
    view.put("pid", ProcessHandle.current().pid());
    Map<String, Object> jvm = new LinkedHashMap<>();
    jvm.put("version", System.getProperty("java.version", ""));
    jvm.put("vendor", System.getProperty("java.vendor", ""));
    jvm.put("name", System.getProperty("java.vm.name", ""));
    view.put("jvm", jvm);
    view.put("uptime", Durations.approximate(System.nanoTime() - startedAt));
    view.put("halted", armory.haltReason());
    view.put("armed", armory.all().size());
    view.put("active", armory.active());
    view.put("hooks", hooks.get());
    view.put("unhooked", unhooked.get());
    Map<String, @Nullable Object> failures = new LinkedHashMap<>();
    failures.put("count", OwnFailures.count());
    failures.put("last", OwnFailures.last());
    view.put("failures", failures);
    return view;
  }
}
