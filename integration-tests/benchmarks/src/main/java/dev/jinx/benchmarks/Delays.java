package dev.jinx.benchmarks;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * How late injected delays end, and how soon ten thousand held calls are let go. Run with the agent
 * and without its endpoint, on the JDK that is measured.
 */
public final class Delays {
  private static final boolean SMOKE = Boolean.getBoolean("jinx.benchmarks.smoke");
  private static final int[] MILLIS = {1, 5, 20, 100};
  private static final int ROUNDS = SMOKE ? 1 : 5;
  private static final int HELD = SMOKE ? 1_000 : 10_000;

  private static final String DNS = "'kind':'dns','host':'localhost'";
  private static final String HTTP = "'kind':'http','host':'127.0.0.1','port':9";

  private Delays() {}

  /** Measures and prints. */
  public static void main(String[] arguments) throws Exception {
    overshoot();
    halt();
    System.exit(0);
  }

  // ---- overshoot

  /** A way to wait, with a call that is over at once but for the delay; it says when that was. */
  private record Way(
      String name, double budget, String target, String ending, Callable<Long> call) {
    /** The fault; where it has neither a delay nor an ending there is none. */
    List<String> faults(String latency) {
      String effect =
          latency.isEmpty() || ending.isEmpty() ? latency + ending : latency + "," + ending;
      return effect.isEmpty() ? List.of() : List.of(Bridge.fault("delay", target, effect));
    }
  }

  private static void overshoot() throws Exception {
    HttpClient client = HttpClient.newHttpClient();
    List<Way> ways = new ArrayList<>();
    ways.add(new Way("platform thread", 50, DNS, "", Delays::lookUp));
    if (Runtime.version().feature() >= 21) {
      ways.add(new Way("virtual thread", 250, DNS, "", Delays::lookUp));
    }
    ways.add(
        new Way("timer (sendAsync)", 250, HTTP, "'response':{'status':204}", () -> send(client)));

    Report table =
        new Report("Overshoot of delays, µs", List.of("waits", "delay", "calls", "median", "p99"));
    Report budgets = Report.ofBudgets();
    for (Way way : ways) {
      measure(way, way.faults(""), SMOKE ? 100 : 2_000); // warms up
      double without = measure(way, way.faults(""), 500).median();
      for (int millis : MILLIS) {
        int calls = SMOKE ? 10 : Math.max(100, 2_000 / millis);
        Sample elapsed = measure(way, way.faults("'latency':'" + millis + "ms'"), calls);
        double median = elapsed.median() - without - millis * 1e3;
        double p99 = elapsed.percentile(99) - without - millis * 1e3;
        table.row(way.name, millis + " ms", "" + calls, Report.number(median), Report.number(p99));
        budgets.budget(way.name + ", " + millis + " ms: median", way.budget, median, " µs");
      }
    }
    table.print();
    budgets.print();
  }

  /** Microseconds of so many calls, one after the other. */
  private static Sample measure(Way way, List<String> faults, int calls) throws Exception {
    Bridge.arm(faults);
    FutureTask<Sample> task =
        new FutureTask<>(
            () -> {
              Sample elapsed = new Sample();
              for (int i = 0; i < calls; i++) {
                long start = System.nanoTime();
                elapsed.add((way.call.call() - start) / 1e3);
              }
              return elapsed;
            });
    if (way.name.startsWith("virtual")) {
      Thread.class.getMethod("startVirtualThread", Runnable.class).invoke(null, task);
    } else {
      new Thread(task).start();
    }
    Sample elapsed = task.get();
    Bridge.clear();
    return elapsed;
  }

  private static Long lookUp() throws IOException {
    InetAddress[] unused = InetAddress.getAllByName("localhost");
    return System.nanoTime();
  }

  private static Long send(HttpClient client) throws Exception {
    return sendAsync(client).thenApply(injected -> System.nanoTime()).get();
  }

  /** Nothing listens there: a call that is not hit fails too. */
  private static CompletableFuture<?> sendAsync(HttpClient client) {
    return client.sendAsync(
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:9/")).build(),
        BodyHandlers.discarding());
  }

  // ---- halt

  private static void halt() throws Exception {
    Handover executor = new Handover();
    HttpClient client = HttpClient.newBuilder().executor(executor).build();
    long begin = System.nanoTime();
    double unhindered = millisUntilOver(start(client, HELD), begin);
    hold(client, 10); // starts what threads it takes
    Bridge.clear();
    int threads = ManagementFactory.getThreadMXBean().getThreadCount();

    int threadsMeanwhile = 0;
    double first = Double.NaN;
    Sample answered = new Sample();
    Sample released = new Sample();
    Sample over = new Sample();
    for (int round = 0; round < ROUNDS; round++) {
      List<CompletableFuture<?>> calls = hold(client, HELD);
      threadsMeanwhile = ManagementFactory.getThreadMXBean().getThreadCount();
      executor.handedBack.set(0);
      long start = System.nanoTime();
      Bridge.send("POST /v1/halt", "{\"reason\":\"benchmark\"}");
      answered.add((System.nanoTime() - start) / 1e6);
      over.add(millisUntilOver(calls, start));
      if (executor.handedBack.get() != HELD) {
        throw new IllegalStateException(executor.handedBack + " handed back, of " + HELD);
      }
      double millis = (executor.last - start) / 1e6;
      released.add(millis);
      first = round == 0 ? millis : first;
      Bridge.send("POST /v1/resume", "");
    }

    Report table =
        new Report(
            "Halt with %,d calls held by sendAsync, medians of %d".formatted(HELD, ROUNDS),
            List.of("until", "ms"));
    table.row("the halt is answered", Report.number(answered.median()));
    table.row("the last call is back on its client's executor", Report.number(released.median()));
    table.row("the last call has gone on, and failed for real", Report.number(over.median()));
    table.row("as many calls fail that nothing held", Report.number(unhindered));
    table.print();
    Report budgets = Report.ofBudgets();
    budgets.budget("all released, the first time in this JVM", 50, first, " ms");
    budgets.budget("all released, median", 50, released.median(), " ms");
    budgets.budget("threads more while held", 0, threadsMeanwhile - threads, "");
    budgets.print();
  }

  private static List<CompletableFuture<?>> start(HttpClient client, int count) {
    List<CompletableFuture<?>> calls = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      calls.add(sendAsync(client));
    }
    return calls;
  }

  /** Starts calls and waits until all of them are held. */
  private static List<CompletableFuture<?>> hold(HttpClient client, int count) throws Exception {
    Bridge.arm(List.of(Bridge.fault("hold", HTTP, "'latency':'9m'")));
    List<CompletableFuture<?>> calls = start(client, count);
    while (Bridge.sum("active", Bridge.send("GET /v1/faults/hold", "")) < count) {
      TimeUnit.MILLISECONDS.sleep(10);
    }
    return calls;
  }

  private static double millisUntilOver(List<CompletableFuture<?>> calls, long start) {
    for (CompletableFuture<?> call : calls) {
      Object unused = call.handle((response, failure) -> failure).join();
    }
    return (System.nanoTime() - start) / 1e6;
  }

  /** The client's executor; notes when Jinx gives back the calls that it held. */
  private static final class Handover implements Executor {
    private final AtomicInteger handedBack = new AtomicInteger();
    private final ThreadPoolExecutor threads =
        new ThreadPoolExecutor(2, 2, 1, TimeUnit.MINUTES, new LinkedBlockingQueue<>());
    private volatile long last;

    Handover() {
      threads.prestartAllCoreThreads();
    }

    @Override
    public void execute(Runnable task) {
      if (task.getClass().getName().startsWith("dev.jinx.agent.")) {
        last = System.nanoTime();
        handedBack.incrementAndGet();
      }
      threads.execute(task);
    }
  }
}
