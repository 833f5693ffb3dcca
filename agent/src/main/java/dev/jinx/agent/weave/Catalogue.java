package dev.jinx.agent.weave;

import org.jspecify.annotations.Nullable;

/**
 * What is to be hooked, looked up as classes load. Called inside of class loading: loads no class
 * of the JDK's that is not loaded yet, logs nothing.
 */
public interface Catalogue {

  /** A cheap look at the name, for every class that is loaded. */
  boolean mayConcern(String className);

  /** The hooks of a class that is known by name, or null. */
  @Nullable ClassHooks hooks(String className);

  /** What a class is the landmark of, or null. */
  @Nullable Landmark landmark(String className);

  /** The operations whose classes are hooked only while a fault asks for one of them. */
  long onDemand();

  /**
   * The hooks of a class that is not known by name.
   *
   * @param superName with slashes
   * @param interfaces with slashes
   * @return null for a class that is not to be hooked
   */
  @Nullable ClassHooks find(String className, @Nullable String superName, String[] interfaces);
}
