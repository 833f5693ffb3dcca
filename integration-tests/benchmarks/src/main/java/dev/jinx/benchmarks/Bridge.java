package dev.jinx.benchmarks;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Talks to the agent in this JVM as the Java facade does. */
final class Bridge {
  private Bridge() {}

  /**
   * Sends a command.
   *
   * @return the reply
   * @throws IllegalStateException if it was not done
   */
  static String send(String request, String body) {
    String reply;
    try {
      reply =
          (String)
              Class.forName("java.lang.JinxGate")
                  .getMethod("command", String.class, String.class)
                  .invoke(null, request, body);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("no agent in this JVM", e);
    }
    if (!reply.replace(" ", "").contains("\"status\":2")) {
      throw new IllegalStateException(request + ": " + reply);
    }
    return reply;
  }

  static void arm(List<String> faults) {
    send("POST /v1/faults", "[" + String.join(",", faults) + "]");
  }

  static void clear() {
    send("DELETE /v1/faults", "");
  }

  /** The sum of a counter over all faults in a reply. */
  static long sum(String counter, String reply) {
    Matcher matcher = Pattern.compile("\"" + counter + "\"\\s*:\\s*(\\d+)").matcher(reply);
    long sum = 0;
    while (matcher.find()) {
      sum += Long.parseLong(matcher.group(1));
    }
    return sum;
  }

  /** A fault document. */
  static String fault(String id, String target, String effect) {
    return "{\"id\":\"%s\",\"target\":{%s},\"effect\":{%s},\"ttl\":\"none\"}"
        .formatted(id, target, effect)
        .replace('\'', '"');
  }
}
