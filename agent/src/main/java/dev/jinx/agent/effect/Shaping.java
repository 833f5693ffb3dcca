package dev.jinx.agent.effect;

import dev.jinx.agent.call.Operation;
import java.util.Set;

/** An effect that leaves the call what it is, but changes how its bytes come and go. */
public sealed interface Shaping permits Bandwidth, Slice, Loss, Corrupt, SlowClose {

  /** The operations that can be shaped like this, of any kind. */
  Set<Operation> possibleOn();

  /** The effect, as documents write it. */
  String name();

  /** In a few words, for the log. */
  String summary();
}
