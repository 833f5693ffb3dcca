package dev.jinx;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** A fault of a TCP connection or of datagrams, beneath whatever protocol they carry. */
public final class SocketFault extends Fault<SocketFault> {

  SocketFault(String... hosts) {
    super(target("socket", "host", hosts));
  }

  private SocketFault(Map<String, Object> document) {
    super(document);
  }

  @Override
  SocketFault copy(Map<String, Object> document) {
    return new SocketFault(document);
  }

  /** {@code target.port}. */
  public SocketFault port(int... ports) {
    return target("port", Arrays.stream(ports).boxed().toList());
  }

  /**
   * {@code target.operation}: {@code connect}, {@code read}, {@code write}, {@code accept}, {@code
   * close}.
   */
  public SocketFault operation(String... operations) {
    return target("operation", List.of(operations));
  }

  /** {@code target.side}: {@code client} or {@code server}, which of the two this JVM is. */
  public SocketFault side(String side) {
    return target("side", List.of(side));
  }

  /**
   * {@code effect.bandwidth}: bytes come and go no faster than that, on each connection and in each
   * direction by itself.
   *
   * @param rate such as {@code 500B/s}, {@code 64KB/s}, {@code 1MB/s}
   */
  public SocketFault bandwidth(String rate) {
    return with("effect.bandwidth", rate);
  }

  /**
   * {@code effect.bandwidth}, each direction by its own.
   *
   * @param read from the peer
   * @param write to the peer
   */
  public SocketFault bandwidth(String read, String write) {
    return with("effect.bandwidth", Map.of("read", read, "write", write));
  }

  /**
   * {@code effect.reset}: the connection is reset after so many bytes; the peer gets a real RST.
   *
   * @param after such as {@code 0B}, {@code 4KB}, {@code 1MB}
   */
  public SocketFault reset(String after) {
    return with("effect.reset", Map.of("after", after));
  }

  /**
   * {@code effect.limit}: the connection ends in good order after so many bytes.
   *
   * @param after such as {@code 512B}, {@code 4KB}, {@code 1MB}
   */
  public SocketFault limit(String after) {
    return with("effect.limit", Map.of("after", after));
  }

  /**
   * {@code effect.slice}: bytes come and go in small pieces.
   *
   * @param size of a piece, such as {@code 100B}
   * @param delay between two pieces
   */
  public SocketFault slice(String size, Duration delay) {
    return with("effect.slice", Map.of("size", size, "delay", Latency.text(delay)));
  }

  /**
   * {@code effect.corrupt}: one bit of some bytes is flipped.
   *
   * @param rate the share of bytes, above 0 and at most 1
   */
  public SocketFault corrupt(double rate) {
    return with("effect.corrupt", Map.of("rate", rate));
  }

  /**
   * {@code effect.loss}: packets get lost, which TCP makes stalls of.
   *
   * @param rate the share of segments, above 0 and at most 1
   */
  public SocketFault loss(double rate) {
    return with("effect.loss", Map.of("rate", rate));
  }

  /** {@code effect.slowClose}: the end of a connection comes late by that. */
  public SocketFault slowClose(Duration delay) {
    return with("effect.slowClose", Latency.text(delay));
  }

  /**
   * {@code effect.profile}: a named network, such as {@code 3g}, {@code satellite}, {@code
   * offline}.
   */
  public SocketFault profile(String name) {
    return with("effect.profile", name);
  }

  /** {@code effect.duplicate}: a datagram comes twice. */
  public SocketFault duplicate() {
    return with("effect.duplicate", Map.of());
  }
}
