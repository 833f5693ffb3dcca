package dev.jinx.agent.effect;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.document.Doc;
import dev.jinx.agent.document.InvalidDocument;
import java.util.Set;

/**
 * Packets get lost, as a TCP connection feels it: nothing is missing, but the stream stalls while
 * the sender repeats them. {@code "loss": {"rate": 0.01}}. The model is in the documentation
 * (networks). A datagram that is lost is gone.
 *
 * @param rate the share of segments or datagrams, above 0 and at most 1
 */
public record Loss(double rate) implements Shaping {
  /** Bytes in a segment: Ethernet's 1500, less the headers of IPv4 and TCP. */
  public static final int SEGMENT = 1460;

  /** Linux' lower bound of the retransmission timeout, in nanoseconds (TCP_RTO_MIN). */
  public static final long MIN_RTO = 200_000_000;

  static Loss read(Doc effect) {
    return new Loss(rate(effect, "loss"));
  }

  /** Reads {@code "<key>": {"rate": 0.01}}. */
  static double rate(Doc effect, String key) {
    Doc given = Doc.of(effect.value(key), effect.path(key));
    String path = given.path("rate");
    Object value = given.value("rate");
    given.done();
    if (!(value instanceof Number number)
        || number.doubleValue() <= 0
        || number.doubleValue() > 1) {
      throw new InvalidDocument(
          path, path + " must be a number above 0 and at most 1, not " + Doc.show(value));
    }
    return number.doubleValue();
  }

  @Override
  public Set<Operation> possibleOn() {
    return Set.of(
        Operation.SOCKET_READ,
        Operation.SOCKET_WRITE,
        Operation.DATAGRAM_SEND,
        Operation.DATAGRAM_RECEIVE);
  }

  @Override
  public String name() {
    return "loss";
  }

  @Override
  public String summary() {
    return "loss " + rate;
  }
}
