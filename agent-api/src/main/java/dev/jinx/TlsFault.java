package dev.jinx;

import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** A fault of a TLS handshake, of connections that this JVM opens or accepts. */
public final class TlsFault extends Fault<TlsFault> {

  TlsFault(String... hosts) {
    super(target("tls", "host", hosts));
  }

  private TlsFault(Map<String, Object> document) {
    super(document);
  }

  @Override
  TlsFault copy(Map<String, Object> document) {
    return new TlsFault(document);
  }

  /** {@code target.port}: the peer's; of a connection that was accepted, the one it came to. */
  public TlsFault port(int... ports) {
    return target("port", Arrays.stream(ports).boxed().toList());
  }

  /** {@code target.side}: {@code client} or {@code server}, which of the two this JVM is. */
  public TlsFault side(String side) {
    return target("side", List.of(side));
  }
}
