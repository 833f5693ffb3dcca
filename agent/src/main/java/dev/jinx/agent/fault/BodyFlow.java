package dev.jinx.agent.fault;

import dev.jinx.agent.effect.Bandwidth;
import dev.jinx.agent.effect.Cut;
import dev.jinx.agent.effect.Slice;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * How the body of an answer comes: whole or cut, as fast as it can or at a bandwidth. Whoever reads
 * it asks for the next {@link #portion}, waits for it with {@link #await} or {@link #later}, hands
 * it on and says so with {@link #passed}. Used by one thread at a time; only {@link #close} may
 * come from another. A fault that is cleared meanwhile lets the rest go by.
 */
public final class BodyFlow {
  /** At a bandwidth, bytes come in portions of so much time, in nanoseconds. */
  private static final long GRAIN = 20_000_000;

  private final Injection injection;
  private final List<Injection.Hit> hits;
  private long passed;
  private long startedAt;
  private boolean started;

  BodyFlow(Injection injection, List<Injection.Hit> hits) {
    this.injection = injection;
    this.hits = hits;
  }

  /**
   * How many bytes may be handed on next.
   *
   * @param wanted how many there are, or are asked for; 1 or more
   * @return 0 where the body is cut here, by {@link #cut}
   */
  public long portion(long wanted) {
    long portion = wanted;
    for (Injection.Hit hit : hits) {
      if (hit.fault().isLive()) {
        if (hit.effects().ending() instanceof Cut cut) {
          portion = Math.min(portion, Math.max(0, cut.after() - passed));
        }
      }
    }
    Slice slice = slice();
    if (slice != null) {
      portion = Math.min(portion, slice.size() - passed % slice.size());
    }
    long rate = rate();
    return rate == 0 || portion == 0
        ? portion
        : Math.min(portion, Math.max(1, (long) (rate * (GRAIN / 1e9))));
  }

  /** What cuts the body here; null where nothing does. */
  public @Nullable Cut cut() {
    for (Injection.Hit hit : hits) {
      if (hit.fault().isLive()
          && hit.effects().ending() instanceof Cut cut
          && passed >= cut.after()) {
        return cut;
      }
    }
    return null;
  }

  /** Bytes per second, 0 for no limit: the narrowest counts. */
  private long rate() {
    long rate = 0;
    for (Injection.Hit hit : hits) {
      Bandwidth bandwidth = hit.effects().shaping(Bandwidth.class);
      if (bandwidth != null && hit.fault().isLive()) {
        rate = rate == 0 ? bandwidth.read() : Math.min(rate, bandwidth.read());
      }
    }
    return rate;
  }

  /** The pieces that it comes in; null where it comes in one. */
  private @Nullable Slice slice() {
    for (Injection.Hit hit : hits) {
      Slice slice = hit.effects().shaping(Slice.class);
      if (slice != null && hit.fault().isLive()) {
        return slice;
      }
    }
    return null;
  }

  /**
   * Waits on the current thread until a portion has come. Holds no lock.
   *
   * @param limit nanoseconds after which the caller's own clock wins; {@code Long.MAX_VALUE} for
   *     none
   */
  public Injection.Waited await(long portion, long limit, boolean interruptible) {
    return injection.await(since -> delay(portion, since), limit, interruptible);
  }

  /** Waits for a portion on no thread: calls back once, from the timer, or at once. */
  public void later(long portion, Consumer<Injection.Waited> then) {
    injection.later(since -> delay(portion, since), Long.MAX_VALUE, then);
  }

  /** The reader has handed bytes on. */
  public void passed(long bytes) {
    passed += bytes;
  }

  /** Ends a wait because the reader has been closed or cancelled; harmless where nothing waits. */
  public void close() {
    injection.close();
  }

  /**
   * Nanoseconds from {@code since}; what the reader was late for comes at once, as from the buffers
   * of a real connection.
   */
  private long delay(long portion, long since) {
    if (!started) {
      started = true;
      startedAt = since;
    }
    long rate = rate();
    long due = rate == 0 ? since : startedAt + (long) ((passed + portion) * 1e9 / rate);
    Slice slice = slice();
    long next = slice == null ? since : startedAt + passed / slice.size() * slice.delay();
    return Math.max(due, next) - since;
  }
}
