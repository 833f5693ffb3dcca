package dev.jinx.agent.effect;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.document.Doc;
import dev.jinx.agent.document.Sizes;
import java.util.Set;

/**
 * The answer's body arrives no faster than that. {@code "bandwidth": "64KB/s"}
 *
 * @param bytesPerSecond 1 or more
 */
public record Bandwidth(long bytesPerSecond) {

  static Bandwidth read(Doc effect) {
    return new Bandwidth(Sizes.parseRate(effect.value("bandwidth"), effect.path("bandwidth")));
  }

  Set<Operation> possibleOn() {
    return Set.of(Operation.HTTP_EXCHANGE);
  }

  String summary() {
    return "bandwidth " + Sizes.format(bytesPerSecond) + "/s";
  }
}
