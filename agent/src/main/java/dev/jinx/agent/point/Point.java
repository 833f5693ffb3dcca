package dev.jinx.agent.point;

import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.ShapeFinder;
import java.util.List;

/**
 * One library: which of its classes and methods are hooked. Building one must be cheap: it happens
 * before {@code main}.
 */
public interface Point {

  /** The classes that are known by name. */
  List<ClassHooks> classes();

  /** Finds classes that are not known by name. */
  default ShapeFinder shapes() {
    return ShapeFinder.NONE;
  }
}
