package dev.jinx.agent.effect;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.document.Doc;
import dev.jinx.agent.document.Sizes;
import java.util.Set;

/**
 * The connection ends in good order, in mid-stream. {@code "limit": {"after": "4KB"}}
 *
 * @param after how many bytes still come: of an answer's body (one that is shorter comes whole), or
 *     of a connection in either direction since the fault met it
 */
public record Limit(long after) implements Cut {

  static Limit read(Doc effect) {
    return new Limit(Cut.after(effect, "limit"));
  }

  @Override
  public Set<Operation> possibleOn() {
    return Set.of(Operation.HTTP_EXCHANGE, Operation.SOCKET_READ, Operation.SOCKET_WRITE);
  }

  @Override
  public String name() {
    return "limit";
  }

  @Override
  public String summary() {
    return "limit after " + Sizes.format(after);
  }
}
