package dev.jinx.agent.cli;

import java.io.File;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Objects;

/**
 * Loads this jar as an agent into a running JVM. By reflection: the module {@code jdk.attach} may
 * be absent, and is not visible from our own class loader.
 */
final class Attach {
  private Attach() {}

  static void to(String pid, File jar, String options) throws Failed {
    Class<?> machine;
    try {
      machine =
          Class.forName(
              "com.sun.tools.attach.VirtualMachine", true, ClassLoader.getSystemClassLoader());
    } catch (ClassNotFoundException e) {
      throw new Failed(
          Failed.REFUSED,
          "this Java has no module jdk.attach; run attach with the java command of a full JDK");
    }
    try {
      Object target = machine.getMethod("attach", String.class).invoke(null, pid);
      Method detach = machine.getMethod("detach");
      try {
        machine
            .getMethod("loadAgent", String.class, String.class)
            .invoke(target, jar.getAbsolutePath(), options);
      } finally {
        detach.invoke(target);
      }
    } catch (InvocationTargetException e) {
      throw new Failed(
          Failed.REFUSED,
          "cannot attach to " + pid + ": " + why(Objects.requireNonNull(e.getCause())));
    } catch (ReflectiveOperationException e) {
      throw new Failed(Failed.REFUSED, "cannot attach to " + pid + ": " + e);
    }
  }

  /** What the JDK says, and what can be done about it. */
  static String why(Throwable failure) {
    String said = String.valueOf(failure.getMessage());
    if (said.contains("No such process")) {
      return "there is no such process";
    }
    if (said.contains("EnableDynamicAgentLoading") || said.contains("Dynamic agent loading")) {
      return "that JVM takes no agents while it runs; start it with -javaagent:jinx-agent.jar, or"
          + " with -XX:+EnableDynamicAgentLoading";
    }
    if (said.contains("Operation not permitted") || said.contains("Permission denied")) {
      return "it belongs to another user; run this as that user (" + said + ")";
    }
    return switch (failure.getClass().getSimpleName()) {
      case "AttachNotSupportedException" ->
          said
              + "; is it a JVM of the same user, in the same container, without"
              + " -XX:+DisableAttachMechanism? Otherwise start it with -javaagent:jinx-agent.jar";
      case "AgentInitializationException" ->
          "the agent did not start there; its standard error says why (" + said + ")";
      default -> failure.getClass().getSimpleName() + ": " + said;
    };
  }
}
