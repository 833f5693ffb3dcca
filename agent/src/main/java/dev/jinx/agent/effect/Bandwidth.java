package dev.jinx.agent.effect;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.document.Doc;
import dev.jinx.agent.document.InvalidDocument;
import dev.jinx.agent.document.Sizes;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;

/**
 * Bytes come and go no faster than that, on each connection and in each direction by itself. {@code
 * "bandwidth": "64KB/s"}, or of a socket {@code {"read": "1MB/s", "write": "256KB/s"}}. Of an http
 * call it is the answer's body that is slowed.
 *
 * @param read bytes per second, 0 for no limit
 * @param write bytes per second, 0 for no limit
 */
public record Bandwidth(long read, long write) implements Shaping {

  static Bandwidth read(Doc effect) {
    Object value = effect.value("bandwidth");
    String path = effect.path("bandwidth");
    if (!(value instanceof Map)) {
      long both = Sizes.parseRate(value, path);
      return new Bandwidth(both, both);
    }
    Doc apart = Doc.of(value, path);
    Bandwidth bandwidth = new Bandwidth(rate(apart, "read"), rate(apart, "write"));
    apart.done();
    if (bandwidth.read == 0 && bandwidth.write == 0) {
      throw new InvalidDocument(path, path + " needs read or write, such as \"64KB/s\"");
    }
    return bandwidth;
  }

  private static long rate(Doc apart, String key) {
    return apart.has(key) ? Sizes.parseRate(apart.value(key), apart.path(key)) : 0;
  }

  @Override
  public Set<Operation> possibleOn() {
    EnumSet<Operation> possible = EnumSet.noneOf(Operation.class);
    if (read > 0) {
      possible.add(Operation.HTTP_EXCHANGE);
      possible.add(Operation.SOCKET_READ);
    }
    if (write > 0) {
      possible.add(Operation.SOCKET_WRITE);
    }
    return possible;
  }

  @Override
  public String name() {
    return "bandwidth";
  }

  @Override
  public String summary() {
    if (read == write) {
      return "bandwidth " + Sizes.format(read) + "/s";
    }
    return "bandwidth"
        + (read > 0 ? " " + Sizes.format(read) + "/s in" : "")
        + (write > 0 ? " " + Sizes.format(write) + "/s out" : "");
  }
}
