package dev.jinx.agent;

import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.weave.Weaver;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;

/**
 * Says once, for each library that was seen and could not be hooked, that faults will miss it. A
 * thread of its own, as a library is seen while its classes load, when nothing may be said.
 */
final class Missing implements Runnable {
  private final Weaver weaver;
  private final Log log;
  private final Set<Map<String, Object>> said = new HashSet<>();

  Missing(Weaver weaver, Log log) {
    this.weaver = weaver;
    this.log = log;
  }

  @Override
  public void run() {
    while (true) {
      try {
        for (Map<String, Object> each : HookReport.unhooked(weaver.woven())) {
          if (said.add(each)) {
            log.accept(
                each.get("library")
                    + (each.containsKey("version") ? " " + each.get("version") : "")
                    + " is in use and is not hooked as it should be, so faults may miss it: "
                    + each.get("reason")
                    + " ("
                    + each.get("class")
                    + ")");
          }
        }
      } catch (Throwable e) {
        OwnFailures.note(e);
      }
      LockSupport.park(this);
    }
  }
}
