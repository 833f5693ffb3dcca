package dev.jinx.agent.cli;

import dev.jinx.agent.control.Json;
import dev.jinx.agent.control.RunDirectory;
import dev.jinx.agent.control.RunDirectory.Running;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** {@code java -jar jinx-agent.jar …}. */
public final class Main {
  private static final String HELP =
      """
      Jinx: injects failures into running JVMs.

      java -jar jinx-agent.jar COMMAND [--pid PID | --url URL] [--token TOKEN]

        ps                         the JVMs of this user that run with Jinx
        attach PID [OPTIONS]       loads Jinx into a running JVM; OPTIONS as after -javaagent:
        status                     what is hooked, and what is armed
        inject FILE | - | JSON     arms a fault, or an array of them; - reads standard input
        list                       the armed faults and their counters
        clear [ID]                 clears one fault, or all
        halt REASON                stops everything now, and refuses new faults
        resume                     allows faults again

      Without --pid and --url: the only JVM that runs with Jinx. The token may stand in the
      environment as JINX_TOKEN.
      Exit codes: 0 done, 1 refused or failed, 2 wrong command line, 3 no agent found.
      """;

  private final RunDirectory directory;
  private final @Nullable String token;
  private final InputStream in;
  private final PrintStream out;

  Main(RunDirectory directory, @Nullable String token, InputStream in, PrintStream out) {
    this.directory = directory;
    this.token = token;
    this.in = in;
    this.out = out;
  }

  /** Runs one command, and ends the JVM with its exit code. */
  public static void main(String[] words) {
    Main main = new Main(RunDirectory.ofUser(), System.getenv("JINX_TOKEN"), System.in, System.out);
    System.exit(main.run(words, System.err));
  }

  int run(String[] words, PrintStream err) {
    try {
      run(Arguments.read(words));
      return 0;
    } catch (Failed e) {
      err.println("jinx: " + e.getMessage());
      return e.code();
    }
  }

  private void run(Arguments arguments) throws Failed {
    if (arguments.wantsHelp() || arguments.command().equals("help")) {
      out.print(HELP);
      return;
    }
    switch (arguments.command()) {
      case "ps" -> ps(arguments);
      case "attach" -> attach(arguments);
      case "status" -> status(arguments);
      case "inject" -> inject(arguments);
      case "list" -> list(arguments);
      case "clear" -> clear(arguments);
      case "halt" -> halt(arguments);
      case "resume" -> resume(arguments);
      case "watch", "targets" ->
          throw new Failed(Failed.USAGE, arguments.command() + " comes in a later version");
      case "" -> throw new Failed(Failed.USAGE, "no command given; --help tells what there is");
      default ->
          throw new Failed(
              Failed.USAGE,
              "unknown command " + arguments.command() + "; --help tells what there is");
    }
  }

  private AgentClient agent(Arguments arguments) throws Failed {
    return AgentClient.of(arguments, directory, token);
  }

  private List<Running> running() throws Failed {
    try {
      return directory.list();
    } catch (IOException e) {
      throw new Failed(Failed.REFUSED, "cannot look for agents: " + e.getMessage());
    }
  }

  private void ps(Arguments arguments) throws Failed {
    arguments.atMost(0);
    List<Running> all = running();
    if (all.isEmpty()) {
      out.println("no JVM of this user runs with Jinx");
      return;
    }
    Table table = new Table("PID", "URL", "COMMAND");
    for (Running agent : all) {
      String url = agent.url();
      table.row(agent.pid(), url == null ? "-" : url, agent.command());
    }
    out.print(table);
  }

  private void attach(Arguments arguments) throws Failed {
    arguments.atMost(2);
    if (arguments.operands().isEmpty() || !arguments.operands().get(0).matches("\\d{1,18}")) {
      throw new Failed(Failed.USAGE, "attach needs a process id, then options if there are any");
    }
    String pid = arguments.operands().get(0);
    String options = arguments.operands().size() > 1 ? arguments.operands().get(1) : "";
    if (find(pid) != null) {
      throw new Failed(Failed.REFUSED, "process " + pid + " runs with Jinx already");
    }
    Attach.to(pid, jar(), options);
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    Running found = find(pid);
    while (found == null && System.nanoTime() < deadline) {
      pause();
      found = find(pid);
    }
    if (found == null) {
      throw new Failed(
          Failed.REFUSED,
          "Jinx was loaded into " + pid + " but does not answer; its standard error says why");
    }
    String url = found.url();
    out.println("attached to " + pid + (url == null ? ", without an endpoint" : ": " + url));
  }

  private @Nullable Running find(String pid) throws Failed {
    return running().stream()
        .filter(agent -> Long.toString(agent.pid()).equals(pid))
        .findFirst()
        .orElse(null);
  }

  private static void pause() {
    try {
      Thread.sleep(100);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static File jar() throws Failed {
    try {
      var source = Main.class.getProtectionDomain().getCodeSource();
      File jar = source == null ? null : new File(source.getLocation().toURI());
      if (jar != null && jar.isFile()) {
        return jar;
      }
    } catch (URISyntaxException e) {
      // said below
    }
    throw new Failed(Failed.REFUSED, "attach works from jinx-agent.jar only");
  }

  private void status(Arguments arguments) throws Failed {
    arguments.atMost(0);
    Map<?, ?> status = agent(arguments).call("GET", "/v1/status", null);
    Map<?, ?> jvm = part(status, "jvm");
    Map<?, ?> failures = part(status, "failures");
    Object halted = status.get("halted");
    out.println("Jinx " + status.get("version") + " in process " + status.get("pid"));
    out.println("JVM        " + jvm.get("version") + ", " + jvm.get("name"));
    out.println("up for     " + status.get("uptime"));
    out.println("halted     " + (halted == null ? "no" : halted));
    out.println("armed      " + status.get("armed") + ", calls held " + status.get("active"));
    if (failures.get("count") instanceof Number count && count.longValue() > 0) {
      out.println("failures   " + failures.get("count") + ", last: " + failures.get("last"));
    }
    print("hooked", status.get("hooks"));
    print("not hooked", status.get("unhooked"));
  }

  private static Map<?, ?> part(Map<?, ?> tree, String name) {
    return tree.get(name) instanceof Map<?, ?> part ? part : Map.of();
  }

  private void print(String head, @Nullable Object trees) {
    if (trees instanceof List<?> list && !list.isEmpty()) {
      out.println(head);
      for (Object tree : list) {
        StringBuilder line = new StringBuilder("  ");
        ((Map<?, ?>) tree).forEach((key, value) -> line.append(value).append("  "));
        out.println(line.toString().stripTrailing());
      }
    }
  }

  private void inject(Arguments arguments) throws Failed {
    String given = arguments.operand("a file, - for standard input, or a JSON document");
    Map<?, ?> body = agent(arguments).call("POST", "/v1/faults", document(given));
    faults(body.get("faults") instanceof List<?> several ? several : List.of(body));
  }

  private String document(String given) throws Failed {
    try {
      String start = given.stripLeading();
      if (start.startsWith("{") || start.startsWith("[")) {
        return given;
      }
      return given.equals("-")
          ? new String(in.readAllBytes(), StandardCharsets.UTF_8)
          : Files.readString(Path.of(given));
    } catch (IOException | RuntimeException e) {
      throw new Failed(Failed.USAGE, "cannot read " + given + ": " + e);
    }
  }

  private void list(Arguments arguments) throws Failed {
    arguments.atMost(0);
    if (agent(arguments).call("GET", "/v1/faults", null).get("faults") instanceof List<?> all) {
      faults(all);
    }
  }

  private void faults(List<?> all) {
    if (all.isEmpty()) {
      out.println("no fault is armed");
      return;
    }
    Table table = new Table("ID", "KIND", "EFFECT", "STATE", "LEFT", "MATCHED", "HIT", "HELD");
    for (Object each : all) {
      Map<?, ?> fault = (Map<?, ?>) each;
      Map<?, ?> counters = part(fault, "counters");
      Object left = fault.get("remaining");
      table.row(
          fault.get("id"),
          part(fault, "target").get("kind"),
          Json.write(fault.get("effect")),
          fault.get("state"),
          left == null ? "-" : left,
          counters.get("matched"),
          counters.get("injected"),
          counters.get("active"));
    }
    out.print(table);
  }

  private void clear(Arguments arguments) throws Failed {
    arguments.atMost(1);
    AgentClient agent = agent(arguments);
    if (arguments.operands().isEmpty()) {
      out.println("cleared " + agent.call("DELETE", "/v1/faults", null).get("cleared"));
    } else {
      faults(List.of(agent.call("DELETE", "/v1/faults/" + arguments.operands().get(0), null)));
    }
  }

  private void halt(Arguments arguments) throws Failed {
    if (arguments.operands().isEmpty()) {
      throw new Failed(Failed.USAGE, "halt needs a reason");
    }
    String reason = String.join(" ", arguments.operands());
    String body = Json.write(Map.of("reason", reason));
    Object cleared = agent(arguments).call("POST", "/v1/halt", body).get("cleared");
    out.println("halted, cleared " + cleared);
  }

  private void resume(Arguments arguments) throws Failed {
    arguments.atMost(0);
    agent(arguments).call("POST", "/v1/resume", "{}");
    out.println("faults are allowed again");
  }
}
