package dev.jinx.agent.effect;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.document.Doc;
import dev.jinx.agent.document.Sizes;
import java.util.Set;

/**
 * The connection is reset in mid-stream. {@code "reset": {"after": "4KB"}}
 *
 * @param after how many bytes still come: of an answer's body (one that is shorter comes whole), or
 *     of a connection in either direction since the fault met it
 */
public record Reset(long after) implements Cut {

  static Reset read(Doc effect) {
    return new Reset(Cut.after(effect, "reset"));
  }

  @Override
  public Set<Operation> possibleOn() {
    return Set.of(Operation.HTTP_EXCHANGE, Operation.SOCKET_READ, Operation.SOCKET_WRITE);
  }

  @Override
  public String name() {
    return "reset";
  }

  @Override
  public String summary() {
    return "reset after " + Sizes.format(after);
  }
}
