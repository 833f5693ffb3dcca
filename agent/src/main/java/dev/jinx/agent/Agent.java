package dev.jinx.agent;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.control.Control;
import dev.jinx.agent.document.InvalidDocument;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Limits;
import dev.jinx.agent.fault.OwnThread;
import dev.jinx.agent.point.Points;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.Gate;
import dev.jinx.agent.weave.Weaver;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.lang.instrument.Instrumentation;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Wires the parts and starts them. What happens before {@code main} stays small: no lambda, no
 * stream, no {@code java.nio.file}, no logging framework, no security provider; each would be paid
 * by every start of every application.
 */
public final class Agent {
  private Agent() {}

  /** Called by the launcher, once in a JVM. */
  public static void start(
      @Nullable String arguments, Instrumentation instrumentation, File jar, boolean attached)
      throws Exception {
    Options options;
    try {
      options = Options.read(arguments, System.getenv(), System.getProperties());
    } catch (InvalidDocument e) {
      System.err.println("jinx: not started, the application runs without it: " + e.getMessage());
      return;
    }
    if (options.enabled()) {
      start(options, instrumentation);
    }
  }

  private static void start(Options options, Instrumentation instrumentation) throws Exception {
    Access access = new Access(instrumentation);
    Gate gate = Gate.define(access);
    Opening open = new Opening(gate);
    Limits limits = new Limits(options.maxDelay(), options.maxFaults(), options.maxActive());
    Armory armory = new Armory(limits, open);
    Points points = new Points(armory, access);
    armory.hookable(points, points);
    Weaver weaver = new Weaver(gate, points);
    open.weaver = weaver;
    // accepted channels are learned of before faults ask for them
    armory.keepOpen(Operation.SOCKET_ACCEPT);
    // before a thread of ours loads any of these classes: what is half loaded escapes
    weaver.install(instrumentation);
    Control control =
        Control.start(
            options.control(version()),
            armory,
            hooks(weaver),
            unhooked(weaver),
            Log.info(options),
            Log.warn(options));
    gate.commands(control.bridge());
    Thread report = OwnThread.of("report", new Missing(weaver, Log.warn(options)));
    weaver.reader(report);
    report.start();
  }

  /** Hooks what is hooked on demand before the gate opens for it. */
  private static final class Opening implements LongConsumer {
    private final Gate gate;
    private volatile @Nullable Weaver weaver;

    Opening(Gate gate) {
      this.gate = gate;
    }

    @Override
    public void accept(long operations) {
      Weaver weaver = this.weaver;
      if (weaver != null) {
        weaver.demand(operations);
      }
      gate.open(operations);
    }
  }

  private static Supplier<List<Map<String, Object>>> hooks(Weaver weaver) {
    return new Supplier<>() {
      @Override
      public List<Map<String, Object>> get() {
        return HookReport.hooks(weaver.woven());
      }
    };
  }

  private static Supplier<List<Map<String, Object>>> unhooked(Weaver weaver) {
    return new Supplier<>() {
      @Override
      public List<Map<String, Object>> get() {
        return HookReport.unhooked(weaver.woven());
      }
    };
  }

  private static String version() throws IOException {
    try (InputStream in =
        Agent.class.getClassLoader().getResourceAsStream("dev/jinx/agent/version")) {
      return in == null
          ? "unknown"
          : new String(in.readAllBytes(), StandardCharsets.US_ASCII).strip();
    }
  }
}
