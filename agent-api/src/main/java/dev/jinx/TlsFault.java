package dev.jinx;

import java.util.Arrays;
import java.util.Map;

/** A fault of a TLS handshake that this JVM begins. */
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

  /** {@code target.port}. */
  public TlsFault port(int... ports) {
    return target("port", Arrays.stream(ports).boxed().toList());
  }
}
