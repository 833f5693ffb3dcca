package dev.jinx.benchmarks;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * What agents add to the start of an application, in time and in memory: hello world and the shop
 * of the examples, without an agent, with Jinx, with Byteman and with Byte Buddy's AgentBuilder, in
 * turn. Run from the root of the project, on the JDK that is measured.
 */
public final class StartUp {
  private static final Path TARGET = Path.of("integration-tests/benchmarks/target");
  private static final Path BENCHMARKS = TARGET.resolve("jinx-benchmarks.jar");
  private static final Path BYTEMAN = TARGET.resolve("lib/byteman.jar");

  /** Woven into a method that every start runs once; it throws nothing. */
  private static final String RULE =
      """
      RULE never
      CLASS %s
      METHOD main
      AT ENTRY
      IF FALSE
      DO THROW new java.lang.IllegalStateException()
      ENDRULE
      """;

  private static final HttpClient CLIENT = HttpClient.newHttpClient();

  private StartUp() {}

  /** Measures and prints. */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    boolean smoke = Boolean.getBoolean("jinx.benchmarks.smoke");
    compare("Start-up of hello world", smoke ? 2 : 21, Hello.class.getName(), StartUp::hello);
    compare(
        "Start-up of the shop (Spring Boot)",
        smoke ? 1 : 7,
        "dev.jinx.examples.shop.Shop",
        StartUp::shop);
  }

  /**
   * One start.
   *
   * @param resident MiB
   * @param used MiB once Jinx's endpoint has been used; not a number where there is none
   */
  private record Start(double millis, double resident, double used) {}

  private interface Application {
    Start start(List<String> options) throws IOException, InterruptedException;
  }

  private record Agent(
      String name, List<String> options, Sample millis, Sample resident, Sample used) {
    Agent(String name, String... options) {
      this(name, List.of(options), new Sample(), new Sample(), new Sample());
    }

    void measure(Application application) throws IOException, InterruptedException {
      Start start = application.start(options);
      millis.add(start.millis);
      resident.add(start.resident);
      used.add(start.used);
    }

    double addsMillis(Agent none) {
      return millis.minus(none.millis).median();
    }

    double addsResident(Agent none) {
      return resident.minus(none.resident).median();
    }
  }

  private static void compare(String title, int rounds, String main, Application application)
      throws IOException, InterruptedException {
    Path rule = Files.writeString(TARGET.resolve("one-rule.btm"), RULE.formatted(main));
    Agent none = new Agent("no agent");
    Agent jinx = new Agent("jinx", "-javaagent:agent/target/jinx-agent.jar=port=0");
    Agent byteman = new Agent("Byteman, one rule", "-javaagent:" + BYTEMAN + "=script:" + rule);
    Agent byteBuddy = new Agent("Byte Buddy, 20 types", "-javaagent:" + BENCHMARKS);
    List<Agent> agents = List.of(none, jinx, byteman, byteBuddy);
    for (Agent agent : agents) {
      application.start(agent.options); // fills the caches of the file system
    }
    for (int round = 0; round < rounds; round++) {
      for (Agent agent : agents) {
        agent.measure(application);
      }
    }

    Report table =
        new Report(
            title + ", medians of " + rounds,
            List.of("agent", "ms", "middle half", "adds", "ratio", "MiB", "adds"));
    for (Agent agent : agents) {
      Sample time = agent.millis;
      table.row(
          agent.name,
          Report.number(time.median()),
          Report.range(time, 25, 75),
          Report.added(agent.addsMillis(none)),
          Report.ratio(time.median() / none.millis.median()),
          Report.number(agent.resident.median()),
          Report.added(agent.addsResident(none)));
    }
    table.print();
    double adds = jinx.addsMillis(none);
    Report budgets = Report.ofBudgets();
    budgets.budget("jinx adds / Byteman adds", 0.5, adds / byteman.addsMillis(none), "");
    budgets.budget("jinx adds / Byte Buddy adds", 0.15, adds / byteBuddy.addsMillis(none), "");
    budgets.budget("resident, endpoint up and unused", 15, jinx.addsResident(none), " MiB");
    budgets.budget("resident, endpoint used", 40, jinx.used.minus(none.resident).median(), " MiB");
    budgets.print();
  }

  /** Timed to the end of the process; the memory is that of a second one, which stays. */
  private static Start hello(List<String> options) throws IOException, InterruptedException {
    double millis;
    String jar = BENCHMARKS.toString();
    try (ForkedJvm jvm = new ForkedJvm(options, List.of("-cp", jar, Hello.class.getName()))) {
      jvm.join();
      millis = jvm.millis();
    }
    try (ForkedJvm jvm =
        new ForkedJvm(options, List.of("-cp", jar, Hello.class.getName(), "stay"))) {
      jvm.await("(hello world)");
      return resident(jvm, options, millis);
    }
  }

  /** Timed until the health endpoint answers. */
  private static Start shop(List<String> options) throws IOException, InterruptedException {
    List<String> shop = List.of("-jar", "examples/shop/target/shop.jar", "--server.port=0");
    try (ForkedJvm jvm = new ForkedJvm(options, shop)) {
      String port = jvm.await("Tomcat started on port (\\d+)");
      URI health = URI.create("http://127.0.0.1:" + port + "/actuator/health");
      while (send(HttpRequest.newBuilder(health)) != 200) {
        TimeUnit.MILLISECONDS.sleep(5);
      }
      return resident(jvm, options, jvm.millis());
    }
  }

  private static Start resident(ForkedJvm jvm, List<String> options, double millis)
      throws IOException, InterruptedException {
    boolean jinx = options.toString().contains("jinx-agent");
    String control = jinx ? jvm.await("jinx: ready on (http://\\S+)") : "";
    TimeUnit.SECONDS.sleep(1); // for what agents do on threads of their own
    double resident = jvm.residentMiB();
    if (jinx) {
      use(control);
    }
    return new Start(millis, resident, jinx ? jvm.residentMiB() : Double.NaN);
  }

  private static void use(String control) throws IOException, InterruptedException {
    String fault =
        """
        {"id": "f", "target": {"kind": "dns", "host": "never.example"}, "effect": {"latency": "1s"}}
        """;
    HttpRequest.Builder faults =
        HttpRequest.newBuilder(URI.create(control + "/v1/faults"))
            .header("Content-Type", "application/json");
    for (int i = 0; i < 20; i++) {
      int armed = send(faults.POST(BodyPublishers.ofString(fault)));
      if (armed != 200 && armed != 201) {
        throw new IOException("POST " + control + "/v1/faults: " + armed);
      }
      send(faults.GET());
      send(HttpRequest.newBuilder(URI.create(control + "/metrics")));
      send(faults.DELETE());
    }
  }

  private static int send(HttpRequest.Builder request) throws IOException, InterruptedException {
    return CLIENT.send(request.build(), BodyHandlers.discarding()).statusCode();
  }
}
