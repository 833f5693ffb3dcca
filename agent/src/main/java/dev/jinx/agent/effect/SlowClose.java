package dev.jinx.agent.effect;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.document.Doc;
import dev.jinx.agent.document.Durations;
import dev.jinx.agent.document.InvalidDocument;
import java.util.Set;

/**
 * The end of a connection comes late: of the peer's by that, and the application's own {@code
 * close} of a blocking socket takes that long, as it does with {@code SO_LINGER} on a slow line.
 * {@code "slowClose": "2s"}
 *
 * @param delay nanoseconds
 */
public record SlowClose(long delay) implements Shaping {

  static SlowClose read(Doc effect) {
    Long delay = effect.duration("slowClose");
    if (delay == null) {
      throw new InvalidDocument(
          effect.path("slowClose"), effect.path("slowClose") + " must be a duration");
    }
    return new SlowClose(delay);
  }

  @Override
  public Set<Operation> possibleOn() {
    return Set.of(Operation.SOCKET_READ, Operation.SOCKET_CLOSE);
  }

  @Override
  public String name() {
    return "slowClose";
  }

  @Override
  public String summary() {
    return "slow close " + Durations.format(delay);
  }
}
