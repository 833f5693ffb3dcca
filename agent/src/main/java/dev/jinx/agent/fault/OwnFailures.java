package dev.jinx.agent.fault;

import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** Failures of Jinx's own code: counted, said once, and never the application's business. */
public final class OwnFailures {
  private static final AtomicLong COUNT = new AtomicLong();
  private static volatile @Nullable String last;

  private OwnFailures() {}

  /** Notes a failure; the call it happened in goes on untouched. */
  public static void note(Throwable failure) {
    try {
      last = failure.toString();
      if (COUNT.getAndIncrement() == 0) {
        StackTraceElement[] at = failure.getStackTrace();
        System.err.println(
            "jinx: a failure of its own, the call went on untouched (said once; /v1/status counts them): "
                + last
                + (at.length == 0 ? "" : " at " + at[0]));
      }
    } catch (Throwable e) {
      // nothing of ours may reach the application
    }
  }

  public static long count() {
    return COUNT.get();
  }

  /** The last one, or null. */
  public static @Nullable String last() {
    return last;
  }
}
