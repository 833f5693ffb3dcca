package dev.jinx;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import org.jspecify.annotations.Nullable;

/** The way to the agent in this JVM: commands as of its HTTP endpoint, in and out as text. */
interface Bridge {

  /**
   * Carries out one command.
   *
   * @param request a line as of HTTP, {@code POST /v1/faults}
   * @param body a JSON document, or {@code ""}
   * @return {@code {"status":201,"body":…}}
   */
  String command(String request, String body);

  /** The bridge that the agent laid into {@code java.lang}, or null where there is no agent. */
  static @Nullable Bridge ofAgent() {
    Method command;
    try {
      command =
          Class.forName("java.lang.JinxGate", false, null)
              .getMethod("command", String.class, String.class);
    } catch (ClassNotFoundException | NoSuchMethodException e) {
      return null;
    }
    return (request, body) -> {
      try {
        return (String) command.invoke(null, request, body);
      } catch (IllegalAccessException | InvocationTargetException e) {
        throw new IllegalStateException("The Jinx agent failed at " + request, e);
      }
    };
  }
}
