package dev.jinx.junit;

import com.sun.tools.attach.VirtualMachine;

/** The short-lived JVM that attaches the agent to its parent. */
final class Attacher {

  private Attacher() {}

  /** {@code PID JAR OPTIONS}; says on standard output why it could not. */
  public static void main(String[] arguments) {
    try {
      VirtualMachine parent = VirtualMachine.attach(arguments[0]);
      try {
        parent.loadAgent(arguments[1], arguments[2]);
      } finally {
        parent.detach();
      }
    } catch (Exception e) {
      System.out.println(e.getMessage());
      System.exit(1);
    }
  }
}
