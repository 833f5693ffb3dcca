package dev.jinx.it.network;

import dev.jinx.it.network.Client.Conversation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * What an application can see of a network's trouble.
 *
 * @param during what came of asking, and how long it took
 * @param after what came of asking once the trouble had ended
 * @param connections how many more the client had made by then
 */
record Observation(List<String> during, String after, int connections) {

  private static final String ANSWER = "answer ";

  static Observation of(Client client, Trouble.Cause cause) throws Exception {
    ToxicProxy proxy = client.server().proxy();
    try (Conversation conversation = client.open()) {
      conversation.ask(); // so that a connection stands
      int before = proxy.connections();
      List<String> during = new ArrayList<>();
      try (AutoCloseable end = cause.begin(proxy)) {
        during.add(ask(client, conversation));
        during.add(ask(client, conversation));
      }
      String after = ask(client, conversation);
      for (long start = System.nanoTime();
          !after.startsWith(ANSWER) && secondsSince(start) < 10; ) {
        after = ask(client, conversation);
      }
      return new Observation(during, after, proxy.connections() - before);
    }
  }

  private static long secondsSince(long start) {
    return Duration.ofNanos(System.nanoTime() - start).toSeconds();
  }

  private static String ask(Client client, Conversation conversation) {
    long start = System.nanoTime();
    String outcome;
    try {
      outcome = ANSWER + conversation.ask();
    } catch (Exception e) {
      outcome = describe(e);
    }
    return outcome + ", " + band(client, Duration.ofNanos(System.nanoTime() - start));
  }

  private static String band(Client client, Duration elapsed) {
    return elapsed.compareTo(Trouble.DELAY) < 0
        ? "at once"
        : elapsed.compareTo(client.timeout()) < 0 ? "delayed" : "after its timeout";
  }

  private static String describe(Throwable thrown) {
    List<String> chain = new ArrayList<>();
    for (Throwable each = thrown; each != null; each = each.getCause()) {
      chain.add(each.getClass().getName() + ": " + form(String.valueOf(each.getMessage())));
    }
    return String.join(" < ", chain);
  }

  /** A message without what differs from one time to the next. */
  private static String form(String message) {
    return message
        .replaceAll("(?s)deadline exceeded after .*", "deadline exceeded") // gRPC: where
        .replaceAll("@[0-9a-f]+", "@#")
        .replaceAll("[0-9]+", "#");
  }
}
