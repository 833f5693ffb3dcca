package dev.jinx.agent.point;

import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.Landmark;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One library: which of its classes and methods are hooked. It is made when the first of these
 * classes is seen, inside of class loading: so making one, and {@link #classes}, must be cheap,
 * with no lambda, stream or regular expression.
 */
public interface Point {

  /** The classes that are known by name. */
  List<ClassHooks> classes();

  /** The classes by which the library is recognised where it is another than the one known. */
  default List<Landmark> landmarks() {
    return List.of();
  }

  /** The value of {@code target.client} for its calls; null where they are not http. */
  default @Nullable String client() {
    return null;
  }

  /**
   * The effects and named errors, as documents write them, that its calls cannot have, because
   * nothing like it can happen to this client for real.
   */
  default Set<String> impossible() {
    return Set.of();
  }
}
