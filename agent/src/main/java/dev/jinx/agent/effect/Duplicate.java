package dev.jinx.agent.effect;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.document.Doc;
import java.util.Set;

/**
 * A datagram comes twice. {@code "duplicate": {}} What TCP's segments do is hidden by TCP itself,
 * so only datagrams can have it.
 */
public record Duplicate() implements Ending {

  static Duplicate read(Doc effect) {
    Doc duplicate = Doc.of(effect.value("duplicate"), effect.path("duplicate"));
    duplicate.done();
    return new Duplicate();
  }

  @Override
  public Set<Operation> possibleOn() {
    return Set.of(Operation.DATAGRAM_SEND, Operation.DATAGRAM_RECEIVE);
  }

  @Override
  public String name() {
    return "duplicate";
  }

  @Override
  public String summary() {
    return "duplicate";
  }
}
