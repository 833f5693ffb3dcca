package dev.jinx;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * Stands where the agent's gate would: keeps faults in memory, answers as the endpoint does, and
 * lets a test make calls that match by kind and host.
 */
public final class FakeAgent implements Bridge, AutoCloseable {

  private static final class Armed {
    final Map<String, @Nullable Object> document = new LinkedHashMap<>();
    final List<String> otherHosts = new ArrayList<>();
    long matched;
    long injected;
  }

  private static @Nullable FakeAgent current;

  private final Map<String, Armed> faults = new LinkedHashMap<>();
  private final List<String> requests = new CopyOnWriteArrayList<>();
  private @Nullable String halted;

  /** Puts a new one in place; {@link #close} takes it away. */
  public static FakeAgent install() {
    FakeAgent agent = new FakeAgent();
    current = agent;
    Agent.use(agent);
    return agent;
  }

  /** What a test that runs inside a test talks to. */
  public static FakeAgent current() {
    if (current == null) {
      throw new IllegalStateException("none installed");
    }
    return current;
  }

  @Override
  public void close() {
    Agent.use(null);
    current = null;
  }

  /** The ids of the armed faults. */
  public synchronized List<String> armed() {
    return List.copyOf(faults.keySet());
  }

  /** The document of an armed fault, as JSON. */
  public synchronized String document(int index) {
    return Json.write(List.copyOf(faults.values()).get(index).document);
  }

  /** The request lines so far. */
  public List<String> requests() {
    return requests;
  }

  public synchronized void halt(String reason) {
    faults.clear();
    halted = reason;
  }

  public synchronized void expire(String id) {
    faults.remove(id);
  }

  /** Makes a call of the application's; says how many faults it was hit by. */
  public synchronized int call(String kind, String host) {
    int hits = 0;
    for (Armed armed : faults.values()) {
      Map<?, ?> target = Json.object(armed.document.get("target"));
      Object asked = target.get("host");
      if (!kind.equals(target.get("kind"))) {
        continue;
      } else if (asked != null && !asked.equals(host)) {
        armed.otherHosts.add(host);
        continue;
      }
      armed.matched++;
      Object rate = Json.object(armed.document.get("selection")).get("rate");
      if (rate == null || ((Number) rate).doubleValue() > 0) {
        armed.injected++;
        hits++;
      }
    }
    return hits;
  }

  @Override
  public synchronized String command(String request, String body) {
    requests.add(request);
    String id = request.substring(request.lastIndexOf('/') + 1);
    Armed named = faults.get(id);
    if (request.equals("POST /v1/faults")) {
      return post(Json.object(Json.read(body)));
    } else if (request.equals("DELETE /v1/faults")) {
      faults.clear();
      return reply(200, Map.of("cleared", 0));
    } else if (named == null) {
      return reply(404, Map.of("title", "Not found", "status", 404, "detail", "no fault " + id));
    } else if (request.startsWith("DELETE ")) {
      faults.remove(id);
    }
    return reply(200, view(named));
  }

  private String post(Map<?, ?> document) {
    if (halted != null) {
      return reply(409, Map.of("title", "Refused", "detail", "halted (" + halted + ")"));
    } else if (!document.containsKey("effect")) {
      return reply(
          422, Map.of("title", "Invalid", "detail", "the fault has no effect", "field", "effect"));
    }
    Object given = document.get("id");
    String id =
        given == null ? "fault-" + Integer.toHexString(document.hashCode()) : given.toString();
    boolean there = faults.containsKey(id);
    Armed armed = faults.computeIfAbsent(id, key -> new Armed());
    armed.document.put("id", id);
    document.forEach((key, value) -> armed.document.put(key.toString(), value));
    return reply(there ? 200 : 201, view(armed));
  }

  private static Map<String, @Nullable Object> view(Armed armed) {
    Map<String, @Nullable Object> view = new LinkedHashMap<>(armed.document);
    Map<String, @Nullable Object> selection = new LinkedHashMap<>();
    selection.put("seed", 123);
    Json.object(view.get("selection"))
        .forEach((key, value) -> selection.put(key.toString(), value));
    view.put("selection", selection);
    view.put("state", "armed");
    view.put("counters", Map.of("matched", armed.matched, "injected", armed.injected, "active", 0));
    if (!armed.otherHosts.isEmpty()) {
      Object asked = Json.object(armed.document.get("target")).get("host");
      Map<String, @Nullable Object> miss = new LinkedHashMap<>();
      miss.put("field", "host");
      miss.put("asked", asked);
      miss.put("seen", armed.otherHosts.stream().distinct().toList());
      miss.put("count", armed.otherHosts.size());
      view.put("nearMisses", List.of(miss));
    }
    return view;
  }

  private static String reply(int status, Object body) {
    return Json.write(Map.of("status", status, "body", body));
  }
}
