package dev.jinx.agent.weave;

import org.jspecify.annotations.Nullable;

/**
 * Finds hooks for classes that are not known by name. Called inside of class loading: loads no
 * class, logs nothing.
 */
public interface ShapeFinder {

  /** A cheap look at the name, for every class that is loaded. */
  boolean mayConcern(String className);

  /**
   * A look at the class itself.
   *
   * @param superName with slashes
   * @param interfaces with slashes
   * @return null for a class that is not to be hooked
   */
  @Nullable ClassHooks find(
      @Nullable ClassLoader loader,
      String className,
      @Nullable String superName,
      String[] interfaces);

  /** Finds nothing. */
  ShapeFinder NONE =
      new ShapeFinder() {
        @Override
        public boolean mayConcern(String className) {
          return false;
        }

        @Override
        public @Nullable ClassHooks find(
            @Nullable ClassLoader loader,
            String className,
            @Nullable String superName,
            String[] interfaces) {
          return null;
        }
      };
}
