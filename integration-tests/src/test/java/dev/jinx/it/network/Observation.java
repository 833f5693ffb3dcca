package dev.jinx.it.network;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.it.network.Client.Conversation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * What an application can see of a network's trouble.
 *
 * @param during what came of asking, and how long it took
 * @param after what came of asking once the trouble had ended
 * @param connections whether the client had made none, one or several more by then: how many is a
 *     matter of time
 */
record Observation(List<String> during, String after, String connections) {

  private static final String ANSWER = "answer ";
  private static final String RESET = "(Connection reset( by peer)?|Broken pipe)$";
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  static Observation of(Client client, Trouble.Cause cause) throws Exception {
    ToxicProxy proxy = client.server().proxy();
    try (Conversation conversation = client.open()) {
      String ready = answer(client, conversation); // so that a connection stands
      assertThat(ready).startsWith(ANSWER);
      proxy.awaitQuiet();
      int before = proxy.connections();
      List<String> during = new ArrayList<>();
      try (AutoCloseable end = cause.begin(proxy)) {
        during.add(ask(client, conversation));
        during.add(ask(client, conversation));
      }
      String after = answer(client, conversation);
      if (after.startsWith(ANSWER)) {
        after =
            ask(client, conversation); // the first one may have waited for the client's back-off
      }
      int made = proxy.connections() - before;
      return new Observation(during, after, made == 0 ? "none" : made == 1 ? "one" : "several");
    }
  }

  /** Asks until there is an answer, but not for ever. */
  private static String answer(Client client, Conversation conversation) {
    long start = System.nanoTime();
    String outcome;
    do {
      outcome = ask(client, conversation);
    } while (!outcome.startsWith(ANSWER) && System.nanoTime() - start < PATIENCE.toNanos());
    return outcome;
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

  /** Clients count whole milliseconds, and not all of what they do. */
  private static final Duration SLACK = Duration.ofMillis(50);

  private static String band(Client client, Duration elapsed) {
    return elapsed.compareTo(Trouble.DELAY) < 0
        ? "at once"
        : elapsed.plus(SLACK).compareTo(client.timeout()) < 0 ? "delayed" : "after its timeout";
  }

  private static String describe(Throwable thrown) {
    List<String> chain = new ArrayList<>();
    for (Throwable each = thrown; each != null; each = each.getCause()) {
      chain.add(each.getClass().getName() + ": " + form(String.valueOf(each.getMessage())));
    }
    // gRPC, which writes twice: whether the next write or the read hears of a reset first
    return String.join(" < ", chain)
        .replaceAll("UNAVAILABLE: (Network closed.*|io exception < [^<]*" + RESET + ")", "a reset");
  }

  /** A message without what differs from one time to the next. */
  private static String form(String message) {
    return message
        .replaceAll("(?s)deadline exceeded after .*", "deadline exceeded") // gRPC: where
        .replaceAll("@[0-9a-f]+", "@#")
        .replaceAll("[0-9]+", "#");
  }
}
