package dev.jinx.agent.effect;

import dev.jinx.agent.call.Kind;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.document.Doc;
import java.util.EnumSet;
import java.util.Set;

/**
 * The call is swallowed: the caller waits as long as its own timeout lets it. {@code "drop": {}}
 */
public record Drop() implements Ending {

  static Drop read(Doc effect) {
    Doc drop = Doc.of(effect.value("drop"), effect.path("drop"));
    drop.done();
    return new Drop();
  }

  @Override
  public Set<Operation> possibleOn() {
    EnumSet<Operation> all = EnumSet.allOf(Operation.class);
    all.removeAll(Operation.of(Kind.METHOD));
    all.removeAll(Operation.of(Kind.TLS));
    all.removeAll(Set.of(Operation.SOCKET_ACCEPT, Operation.SOCKET_CLOSE, Operation.JDBC_CLOSE));
    return all;
  }

  @Override
  public String name() {
    return "drop";
  }

  @Override
  public String summary() {
    return "drop";
  }
}
