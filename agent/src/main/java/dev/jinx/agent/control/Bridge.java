package dev.jinx.agent.control;

import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.fault.Source;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BinaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The commands for the Java facade: a request line as of HTTP and a body, answered by {@code
 * {"status":…,"body":…}}. Runs on the application's threads and never throws.
 */
final class Bridge implements BinaryOperator<String> {
  private final Armory armory;
  private final Status status;
  private @Nullable Commands commands;

  Bridge(Armory armory, Status status) {
    this.armory = armory;
    this.status = status;
  }

  /** Made by the first who asks, not before {@code main}. */
  synchronized Commands commands() {
    Commands there = commands;
    if (there == null) {
      there = new Commands(armory, status);
      commands = there;
    }
    return there;
  }

  @Override
  public String apply(@Nullable String request, @Nullable String body) {
    try {
      Reply reply = run(request == null ? "" : request, body == null ? "" : body);
      Map<String, @Nullable Object> answer = new LinkedHashMap<>();
      answer.put("status", reply.status());
      answer.put("body", reply.body());
      return Json.write(answer);
    } catch (Throwable e) {
      OwnFailures.note(e);
      return "{\"status\":500,\"body\":{\"title\":\"Internal failure\",\"status\":500,"
          + "\"detail\":\"a failure of Jinx's own\"}}";
    }
  }

  private Reply run(String request, String body) {
    int space = request.indexOf(' ');
    if (space < 0) {
      return Reply.problem(400, "a request is a method and a path, such as \"GET /v1/status\"");
    }
    String path = request.substring(space + 1).strip();
    int query = path.indexOf('?');
    return commands()
        .run(
            Source.JAVA,
            request.substring(0, space),
            query < 0 ? path : path.substring(0, query),
            query < 0 ? null : path.substring(query + 1),
            body);
  }
}
