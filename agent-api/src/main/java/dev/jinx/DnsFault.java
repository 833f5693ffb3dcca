package dev.jinx;

import java.util.Map;

/** A fault of a look-up of a host's name. */
public final class DnsFault extends Fault<DnsFault> {

  DnsFault(String... hosts) {
    super(target("dns", "host", hosts));
  }

  private DnsFault(Map<String, Object> document) {
    super(document);
  }

  @Override
  DnsFault copy(Map<String, Object> document) {
    return new DnsFault(document);
  }
}
