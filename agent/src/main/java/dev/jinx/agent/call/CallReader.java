package dev.jinx.agent.call;

import org.jspecify.annotations.Nullable;

/**
 * Reads the fields of one library's calls. Stateless; called only while a fault of this kind is
 * armed, on the application's own thread, for every call: it must not block, allocate or throw for
 * a field that is cheap in that library.
 */
@FunctionalInterface
public interface CallReader {

  /**
   * The text of a field.
   *
   * @param name the name of the header for {@link Field#HEADER}, otherwise null
   * @param self the object whose method is called (for a static method its class)
   * @param argument the one argument that the hook passes on
   * @return null where the call has no such field
   */
  @Nullable String read(Field field, @Nullable String name, Object self, @Nullable Object argument);

  /**
   * Whether a field has a value that the pattern accepts; for fields with several values at once
   * (the tables of a join), any of them.
   */
  default boolean matches(
      Field field,
      @Nullable String name,
      TextMatcher pattern,
      Object self,
      @Nullable Object argument) {
    return pattern.matches(read(field, name, self, argument));
  }

  /**
   * Whether one logical call may pass several hooked methods, one within the other. If so, a call
   * that matches but is not to be hit is looked after too, so that what it calls is not decided on
   * again.
   */
  default boolean nests() {
    return false;
  }

  /**
   * Whether a call that matches is one of its own to be decided on, and not the rest of one that
   * has been; may note what it says yes to.
   */
  default boolean counts(Object self, @Nullable Object argument) {
    return true;
  }

  /** Says whether a text is accepted. */
  interface TextMatcher {
    boolean matches(@Nullable String text);

    /** The same of something with two names: either is accepted, and none is excluded. */
    default boolean matches(@Nullable String text, @Nullable String other) {
      return matches(text) || matches(other);
    }
  }
}
