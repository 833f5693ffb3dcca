package dev.jinx.agent.fault;

import dev.jinx.agent.document.Doc;
import dev.jinx.agent.document.InvalidDocument;
import dev.jinx.agent.effect.Effects;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One fault as it was asked for.
 *
 * @param ttl nanoseconds, or null for none
 * @param document as it was given, with the id that it got
 */
public record Fault(
    String id,
    Target target,
    Effects effects,
    Selection selection,
    @Nullable Long ttl,
    Source source,
    Map<String, Object> document) {

  private static final long DEFAULT_TTL = TimeUnit.MINUTES.toNanos(5);

  /**
   * Reads a document.
   *
   * @param value an object of a document: maps, lists, texts, numbers, truth values
   * @param path where it stands in what was given, for error messages
   * @throws InvalidDocument naming the field
   */
  public static Fault read(@Nullable Object value, String path, Source source) {
    Doc doc = Doc.of(value, path);
    String id = doc.text("id");
    if (id == null) {
      // from the document, so that posting it twice is one fault
      id = "fault-" + Long.toHexString(Fingerprint.of(value));
    } else if (!id.matches("[A-Za-z0-9._:-]{1,100}")) {
      throw new InvalidDocument(
          doc.path("id"),
          doc.path("id") + " must be 1 to 100 letters, digits or . _ : -, not " + Doc.show(id));
    }
    Doc target = doc.object("target");
    if (target == null) {
      throw new InvalidDocument(doc.path("target"), doc.path("target") + " is missing");
    }
    Target readTarget = Target.read(target);
    Doc effect = doc.object("effect");
    if (effect == null) {
      throw new InvalidDocument(doc.path("effect"), doc.path("effect") + " is missing");
    }
    Effects effects = Effects.read(effect, readTarget.kind());
    if (effects.possibleOn(readTarget.operations(), readTarget.named()).isEmpty()) {
      throw new InvalidDocument(
          effect.path(),
          effect.path()
              + ": the operations of the target cannot have \""
              + effects.summary()
              + "\"");
    }
    Selection selection = Selection.read(doc.object("selection"), randomSeed());
    Long ttl = ttl(doc, source);
    doc.done();
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("id", id);
    ((Map<?, ?>) java.util.Objects.requireNonNull(value))
        .forEach((key, each) -> document.put((String) key, each));
    return new Fault(id, readTarget, effects, selection, ttl, source, document);
  }

  private static @Nullable Long ttl(Doc doc, Source source) {
    if (!doc.has("ttl")) {
      return source == Source.FILE ? null : (Long) DEFAULT_TTL;
    }
    if ("none".equals(doc.value("ttl"))) {
      return null;
    }
    Long ttl = doc.duration("ttl");
    if (ttl == null || ttl == 0) {
      throw new InvalidDocument(
          doc.path("ttl"), doc.path("ttl") + " must be more than 0, or \"none\"");
    }
    return ttl;
  }

  /** Not from a security provider: those must not be touched before {@code main}. */
  private static long randomSeed() {
    long bits =
        System.nanoTime()
            ^ (System.currentTimeMillis() << 20)
            ^ System.identityHashCode(new Object()) * 0x9E3779B97F4A7C15L;
    bits = (bits ^ (bits >>> 32)) * 0xD6E8FEB86659FD93L;
    return (bits ^ (bits >>> 29)) & Selection.MAX;
  }
}
