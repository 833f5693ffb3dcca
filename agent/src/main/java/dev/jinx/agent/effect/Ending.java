package dev.jinx.agent.effect;

import dev.jinx.agent.call.Operation;
import java.util.Set;

/** An effect that ends the call, in place of its own outcome. */
public sealed interface Ending permits Failure, Response, Drop, Duplicate, Cut {

  /** The operations that can end like this, of any kind. */
  Set<Operation> possibleOn();

  /** The effect, or the named error, as documents write it. */
  String name();

  /** In a few words, for the log. */
  String summary();
}
