package dev.jinx.agent.effect;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.document.Doc;
import java.util.Set;

/**
 * One bit of some bytes comes or goes flipped, as no checksum of TCP's has noticed. {@code
 * "corrupt": {"rate": 0.001}}
 *
 * @param rate the share of bytes, above 0 and at most 1
 */
public record Corrupt(double rate) implements Shaping {

  static Corrupt read(Doc effect) {
    return new Corrupt(Loss.rate(effect, "corrupt"));
  }

  @Override
  public Set<Operation> possibleOn() {
    return Set.of(Operation.SOCKET_READ, Operation.SOCKET_WRITE);
  }

  @Override
  public String name() {
    return "corrupt";
  }

  @Override
  public String summary() {
    return "corrupt " + rate;
  }
}
