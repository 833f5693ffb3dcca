package dev.jinx;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The agent in this JVM as the facade sees it: a request, and its answer or the right exception.
 */
final class Agent {

  /** An answer of the agent that is not a refusal. */
  record Answer(int status, Map<?, ?> body) {}

  // an agent may still be attached later, so only what was found is remembered
  private static volatile @Nullable Bridge bridge;

  private Agent() {}

  static boolean isPresent() {
    return bridge() != null;
  }

  /**
   * Puts a bridge of the caller's own in place of the agent's; null goes back to looking for it.
   */
  static void use(@Nullable Bridge other) {
    bridge = other;
  }

  /**
   * Asks for what must succeed.
   *
   * @throws IllegalArgumentException where the agent refuses the document
   * @throws IllegalStateException without an agent, or where the agent cannot do this now
   */
  static Answer call(String request, String body) {
    Answer answer = ask(request, body);
    if (answer.status() >= 300) {
      throw refusal(answer);
    }
    return answer;
  }

  /** As {@link #call}, but null for what is not there (404). */
  static @Nullable Answer find(String request) {
    Answer answer = ask(request, "");
    if (answer.status() == 404) {
      return null;
    }
    if (answer.status() >= 300) {
      throw refusal(answer);
    }
    return answer;
  }

  private static Answer ask(String request, String body) {
    Bridge found = bridge();
    if (found == null) {
      throw new IllegalStateException(
          "There is no Jinx agent in this JVM: start it with -javaagent:jinx-agent.jar, or put"
              + " @JinxTest on the test class.");
    }
    Map<?, ?> reply = Json.object(Json.read(found.command(request, body)));
    return new Answer((int) Json.number(reply.get("status")), Json.object(reply.get("body")));
  }

  private static @Nullable Bridge bridge() {
    Bridge found = bridge;
    if (found == null) {
      found = Bridge.ofAgent();
      bridge = found;
    }
    return found;
  }

  private static RuntimeException refusal(Answer answer) {
    Object detail = answer.body().get("detail");
    String message = String.valueOf(detail != null ? detail : answer.body().get("title"));
    Object field = answer.body().get("field");
    if (field != null && !message.contains(field.toString())) {
      message = field + ": " + message;
    }
    return switch (answer.status()) {
      case 400, 413, 415, 422 -> new IllegalArgumentException(message);
      default -> new IllegalStateException(message);
    };
  }
}
