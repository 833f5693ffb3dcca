package dev.jinx.agent.weave;

import java.util.List;

/**
 * A class to be hooked.
 *
 * @param library the name by which status and documents know the library
 * @param className with slashes
 * @param onDemand the operations that a fault must ask for before the class is touched at all; 0
 *     for a class that is hooked as it loads
 */
public record ClassHooks(
    String library, String className, List<MethodHook> methods, long onDemand) {

  public ClassHooks(String library, String className, List<MethodHook> methods) {
    this(library, className, methods, 0);
  }
}
