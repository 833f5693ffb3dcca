package dev.jinx.agent.effect;

import dev.jinx.agent.document.Doc;
import dev.jinx.agent.document.InvalidDocument;
import dev.jinx.agent.document.Sizes;

/** The real call happens, but its answer, or the whole connection, breaks off after some bytes. */
public sealed interface Cut extends Ending permits Reset, Limit {

  /** How many bytes still come. */
  long after();

  /** Reads {@code "<key>": {"after": "4KB"}}. */
  static long after(Doc effect, String key) {
    Doc cut = Doc.of(effect.value(key), effect.path(key));
    Object after = cut.value("after");
    if (after == null) {
      throw new InvalidDocument(
          cut.path("after"), cut.path("after") + " is missing; give a size such as \"4KB\"");
    }
    long bytes = Sizes.parse(after, cut.path("after"));
    cut.done();
    return bytes;
  }
}
