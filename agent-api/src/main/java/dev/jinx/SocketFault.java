package dev.jinx;

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

  /** {@code effect.duplicate}: a datagram comes twice. */
  public SocketFault duplicate() {
    return with("effect.duplicate", Map.of());
  }
}
