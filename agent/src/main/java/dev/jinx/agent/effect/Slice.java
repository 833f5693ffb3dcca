package dev.jinx.agent.effect;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.document.Doc;
import dev.jinx.agent.document.Durations;
import dev.jinx.agent.document.InvalidDocument;
import dev.jinx.agent.document.Sizes;
import java.util.Set;

/**
 * Bytes come and go in small pieces. {@code "slice": {"size": "100B", "delay": "10ms"}}
 *
 * @param size bytes of a piece, 1 or more
 * @param delay nanoseconds between two pieces, 0 for none
 */
public record Slice(long size, long delay) implements Shaping {

  static Slice read(Doc effect) {
    Doc slice = Doc.of(effect.value("slice"), effect.path("slice"));
    String path = slice.path("size");
    if (!slice.has("size")) {
      throw new InvalidDocument(path, path + " is missing; give a size such as \"100B\"");
    }
    long size = Sizes.parse(slice.value("size"), path);
    if (size == 0) {
      throw new InvalidDocument(path, path + " must be more than 0");
    }
    Long delay = slice.duration("delay");
    slice.done();
    return new Slice(size, delay == null ? 0 : delay);
  }

  @Override
  public Set<Operation> possibleOn() {
    return Set.of(Operation.SOCKET_READ, Operation.SOCKET_WRITE, Operation.HTTP_EXCHANGE);
  }

  @Override
  public String name() {
    return "slice";
  }

  @Override
  public String summary() {
    return "slices of " + Sizes.format(size) + " each " + Durations.format(delay);
  }
}
