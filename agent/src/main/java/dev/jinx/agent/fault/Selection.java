package dev.jinx.agent.fault;

import dev.jinx.agent.document.Doc;
import dev.jinx.agent.document.InvalidDocument;
import org.jspecify.annotations.Nullable;

/**
 * Which of the matching calls are hit. Decision <i>n</i> (counted from 0 over the matching calls)
 * depends on the seed and on <i>n</i> alone, so a run can be replayed; only {@code maxInjections}
 * and {@code maxActive} look at what else goes on.
 *
 * @param rate 0 to 1
 * @param after skip the first so many
 * @param first of the rest, only the first so many; {@code Long.MAX_VALUE} for all
 * @param every of the rest, each so-manieth; 1 for each
 * @param maxInjections stop after so many hits
 * @param maxActive so many calls at once
 * @param sequence over the rest, {@code fail,fail,pass}: each step one call, and every call passes
 *     once it is through; null for none
 * @param startIn nanoseconds until the fault is live
 */
public record Selection(
    double rate,
    long after,
    long first,
    long every,
    long maxInjections,
    long maxActive,
    boolean @Nullable [] sequence,
    long startIn,
    long seed) {

  /** The largest whole number that every JSON reader keeps exact. */
  static final long MAX = (1L << 53) - 1;

  static Selection read(@Nullable Doc selection, long defaultSeed) {
    if (selection == null) {
      return new Selection(
          1, 0, Long.MAX_VALUE, 1, Long.MAX_VALUE, Long.MAX_VALUE, null, 0, defaultSeed);
    }
    Double rate = selection.number("rate", 0, 1);
    Long startIn = selection.duration("startIn");
    Selection read =
        new Selection(
            rate == null ? 1 : rate,
            whole(selection, "after", 0, 0),
            whole(selection, "first", 1, Long.MAX_VALUE),
            whole(selection, "every", 1, 1),
            whole(selection, "maxInjections", 1, Long.MAX_VALUE),
            whole(selection, "maxActive", 1, Long.MAX_VALUE),
            sequence(selection),
            startIn == null ? 0 : startIn,
            whole(selection, "seed", 0, defaultSeed));
    selection.done();
    return read;
  }

  private static long whole(Doc selection, String key, long min, long otherwise) {
    Long value = selection.whole(key, min, MAX);
    return value == null ? otherwise : value;
  }

  private static boolean @Nullable [] sequence(Doc selection) {
    String text = selection.text("sequence");
    if (text == null) {
      return null;
    }
    String[] steps = text.split(",", -1);
    boolean[] fails = new boolean[steps.length];
    for (int i = 0; i < steps.length; i++) {
      String step = steps[i].trim();
      if (!step.equals("fail") && !step.equals("pass")) {
        String path = selection.path("sequence");
        throw new InvalidDocument(
            path, path + " must be a list such as \"fail,fail,pass\", not \"" + text + "\"");
      }
      fails[i] = step.equals("fail");
    }
    return fails;
  }

  /** Why a matching call was not hit. */
  public enum Skip {
    AFTER("after"),
    FIRST("first"),
    EVERY("every"),
    SEQUENCE("sequence"),
    RATE("rate"),
    MAX_INJECTIONS("maxInjections"),
    MAX_ACTIVE("maxActive"),
    START_IN("startIn");

    private final String json;

    Skip(String json) {
      this.json = json;
    }

    /** As it is written in documents. */
    public String json() {
      return json;
    }
  }

  /** Decision <i>n</i>: null where the call is to be hit. */
  @Nullable Skip decide(long n) {
    long position = n - after;
    if (position < 0) {
      return Skip.AFTER;
    }
    if (position >= first) {
      return Skip.FIRST;
    }
    if (position % every != every - 1) {
      return Skip.EVERY;
    }
    long turn = position / every;
    if (sequence != null && (turn >= sequence.length || !sequence[(int) turn])) {
      return Skip.SEQUENCE;
    }
    return rate < 1 && draw(n, 0) >= rate ? Skip.RATE : null;
  }

  /**
   * A uniform draw above 0 and below 1.
   *
   * @param stream 0 for the decision, others for what else is drawn at the same call
   */
  double draw(long n, int stream) {
    // SplitMix64's finaliser over the n-th step of its sequence (Steele, Lea, Flood: Fast
    // Splittable PRNGs, 2014)
    long z = mix(seed + 0x9E3779B97F4A7C15L * (stream + 1)) + 0x9E3779B97F4A7C15L * (n + 1);
    return ((mix(z) >>> 11) + 0.5) * 0x1.0p-53;
  }

  private static long mix(long bits) {
    long z = (bits ^ (bits >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
