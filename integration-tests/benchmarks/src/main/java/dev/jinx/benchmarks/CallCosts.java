package dev.jinx.benchmarks;

import dev.jinx.benchmarks.Calls.Armed;
import java.util.ArrayList;
import java.util.List;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * What a hooked call costs: without the agent, with nothing armed, and with faults armed that match
 * nothing. Each figure is the median of several JVMs, which take turns. Run from the root of the
 * project, on the JDK that is measured.
 */
public final class CallCosts {
  private static final boolean SMOKE = Boolean.getBoolean("jinx.benchmarks.smoke");
  private static final int ROUNDS = SMOKE ? 1 : 3;

  /** No object is smaller than 16 bytes: what is less did not come from each call. */
  private static final int HALF_AN_OBJECT = 8;

  private CallCosts() {}

  /** Measures and prints; the arguments are those of {@link Calls} to run, none for all. */
  public static void main(String[] arguments) throws RunnerException {
    List<String> calls =
        arguments.length > 0
            ? List.of(arguments)
            : List.of("dns", "jdbc", "jdbcTrivial", "httpUrlConnection", "httpClient");
    for (String call : calls) {
      compare(call);
    }
  }

  private static void compare(String call) throws RunnerException {
    List<Variant> variants = new ArrayList<>();
    variants.add(new Variant(Armed.NO_AGENT));
    variants.add(new Variant(Armed.NOTHING));
    for (String where :
        call.equals("dns") ? List.of("elsewhere") : List.of("elsewhere", "nearby")) {
      for (int count : new int[] {1, 100, 10_000}) {
        variants.add(new Variant(count + (count == 1 ? " fault " : " faults ") + where));
      }
    }
    for (int round = 0; round < ROUNDS; round++) {
      for (Variant variant : variants) {
        variant.measure(call);
      }
    }

    Variant none = variants.get(0);
    Report table =
        new Report(
            "Hooked call: " + call + ", medians of " + ROUNDS + " JVMs in turn",
            List.of("armed", "ns", "min to max", "adds", "ratio", "bytes", "adds"));
    Report budgets = Report.ofBudgets();
    for (Variant variant : variants) {
      double adds = variant.nanos.minus(none.nanos).median();
      double allocates = variant.bytes.minus(none.bytes).median();
      table.row(
          variant.armed,
          Report.number(variant.nanos.median()),
          Report.range(variant.nanos, 0, 100),
          Report.added(adds),
          Report.ratio(variant.nanos.median() / none.nanos.median()),
          Report.number(variant.bytes.median()),
          Report.added(allocates));
      if (!variant.armed.equals(Armed.NO_AGENT)) {
        double limit = variant.armed.equals(Armed.NOTHING) ? 2 : 40;
        budgets.budget(
            variant.armed + ": adds", limit, adds, noise(none.nanos, variant.nanos), " ns");
        budgets.budget(
            variant.armed + ": allocates",
            0,
            allocates,
            Math.max(HALF_AN_OBJECT, noise(none.bytes, variant.bytes)),
            " B");
      }
    }
    table.print();
    budgets.print();
  }

  /** By how much the figures of either vary from one JVM to the next. */
  private static double noise(Sample one, Sample other) {
    return Math.max(one.spread(), other.spread());
  }

  private record Variant(String armed, Sample nanos, Sample bytes) {
    Variant(String armed) {
      this(armed, new Sample(), new Sample());
    }

    void measure(String call) throws RunnerException {
      ChainedOptionsBuilder options =
          new OptionsBuilder()
              .include("Calls\\." + call + "$")
              .param("armed", armed)
              .forks(1)
              .addProfiler(GCProfiler.class)
              .shouldFailOnError(true)
              .verbosity(VerboseMode.SILENT)
              .jvmArgs(jvmArguments());
      if (SMOKE) {
        TimeValue tenth = TimeValue.milliseconds(100);
        options.warmupIterations(1).warmupTime(tenth).measurementIterations(1);
        options.measurementTime(tenth);
      }
      RunResult result = new Runner(options.build()).runSingle();
      Result<?> allocated = result.getSecondaryResults().get("gc.alloc.rate.norm");
      nanos.add(result.getPrimaryResult().getScore());
      bytes.add(allocated == null ? Double.NaN : allocated.getScore());
    }

    private String[] jvmArguments() {
      List<String> all =
          new ArrayList<>(
              List.of(
                  "-Xms512m",
                  "-Xmx512m",
                  "-Dsun.net.inetaddr.ttl=-1",
                  "-Dsun.net.httpserver.nodelay=true"));
      if (!armed.equals(Armed.NO_AGENT)) {
        all.add("-javaagent:agent/target/jinx-agent.jar=port=off,log=warn");
      }
      return all.toArray(new String[0]);
    }
  }
}
