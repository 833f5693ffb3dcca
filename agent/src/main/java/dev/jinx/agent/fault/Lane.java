package dev.jinx.agent.fault;

import dev.jinx.agent.effect.Bandwidth;
import dev.jinx.agent.effect.Corrupt;
import dev.jinx.agent.effect.Cut;
import dev.jinx.agent.effect.Drop;
import dev.jinx.agent.effect.Latency;
import dev.jinx.agent.effect.Loss;
import dev.jinx.agent.effect.Slice;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * One direction of a connection: how many bytes may pass now, and when the next. Used by one thread
 * at a time, as a direction of a socket is; {@link #wake} and what stands on it change beside that.
 *
 * <p>Bandwidth counts by a clock of the lane's own: each portion moves the time at which the lane
 * is free again by what it takes to travel. What a waiting caller was late for is made up for, an
 * idle line saves nothing up.
 */
public final class Lane {
  /** At a bandwidth, bytes pass in portions of so much time, in nanoseconds. */
  private static final long GRAIN = 10_000_000;

  /** How late a caller may come and still make up for it. */
  private static final long SLACK = 500_000_000;

  /** A round trip where no latency says one, in nanoseconds. */
  private static final long ROUND_TRIP = 1_000_000;

  private static final int LOSSES = 2;
  private static final int CORRUPTIONS = 3;

  /** A fault that stands here, and what has passed since. */
  private static final class Standing {
    final Injection.Hit hit;
    long passed;
    long segments;
    int turns;

    Standing(Injection.Hit hit) {
      this.hit = hit;
    }

    boolean isLive() {
      return hit.fault().isLive();
    }

    /** A draw of its own for each byte or segment. */
    double draw(int stream, long n) {
      return hit.fault().draw(hit.n() * 0x9E3779B97F4A7C15L + n, stream);
    }
  }

  private final Line line;
  private final boolean isInbound;
  private final List<Standing> standing = new CopyOnWriteArrayList<>();
  private final List<Wait> waits = new CopyOnWriteArrayList<>();
  private long freeAt;
  private boolean waited;

  Lane(Line line, boolean isInbound) {
    this.line = line;
    this.isInbound = isInbound;
  }

  void add(Injection.Hit hit) {
    if (standing.isEmpty()) {
      freeAt = System.nanoTime();
    }
    standing.add(new Standing(hit));
  }

  void clean() {
    standing.removeIf(each -> !each.isLive());
  }

  void wake() {
    waits.forEach(Wait::wake);
  }

  /** Whether no fault stands here. */
  public boolean isIdle() {
    return standing.isEmpty();
  }

  /** Whether nothing passes until the fault ends. */
  public boolean isSilent() {
    for (Standing each : standing) {
      if (each.isLive() && each.hit.effects().ending() instanceof Drop) {
        return true;
      }
    }
    return false;
  }

  /** What cuts the connection here; null where nothing does. */
  public @Nullable Cut cut() {
    for (Standing each : standing) {
      if (each.isLive()
          && each.hit.effects().ending() instanceof Cut cut
          && each.passed >= cut.after()) {
        return cut;
      }
    }
    return null;
  }

  /** Nanoseconds until anything may pass; {@code Long.MAX_VALUE} where it is silent. */
  public long delay() {
    if (standing.isEmpty() || !anyLive()) {
      return 0;
    }
    if (isSilent()) {
      return Long.MAX_VALUE;
    }
    long delay = freeAt - System.nanoTime();
    if (delay > 0) {
      waited = true;
      return delay;
    }
    return 0;
  }

  private boolean anyLive() {
    for (Standing each : standing) {
      if (each.isLive()) {
        return true;
      }
    }
    return false;
  }

  /**
   * How many bytes may pass now; to be asked once {@link #delay} is 0 and {@link #cut} null.
   *
   * @param wanted 1 or more
   */
  public long portion(long wanted) {
    long portion = wanted;
    for (Standing each : standing) {
      if (each.isLive()) {
        if (each.hit.effects().ending() instanceof Cut cut) {
          portion = Math.min(portion, Math.max(1, cut.after() - each.passed));
        }
        Slice slice = each.hit.effects().shaping(Slice.class);
        if (slice != null) {
          portion = Math.min(portion, slice.size());
        }
      }
    }
    double rate = rate();
    return rate == 0 ? portion : Math.min(portion, Math.max(1, (long) (rate * GRAIN / 1e9)));
  }

  /** Bytes per second, 0 for no limit: the narrowest counts. */
  private double rate() {
    double rate = 0;
    for (Standing each : standing) {
      if (each.isLive()) {
        Bandwidth bandwidth = each.hit.effects().shaping(Bandwidth.class);
        if (bandwidth != null) {
          rate = narrower(rate, isInbound ? bandwidth.read() : bandwidth.write());
        }
        Loss loss = each.hit.effects().shaping(Loss.class);
        Latency latency = each.hit.effects().latency();
        if (loss != null && latency != null) {
          // what congestion control makes of losses: M. Mathis et al., The Macroscopic Behavior of
          // the TCP Congestion Avoidance Algorithm, 1997
          double roundTrip = latency.sample(0.5) / 1e9;
          rate = narrower(rate, 1.22 * Loss.SEGMENT / (roundTrip * Math.sqrt(loss.rate())));
        }
      }
    }
    return rate;
  }

  private static double narrower(double rate, double other) {
    return other == 0 ? rate : rate == 0 ? other : Math.min(rate, other);
  }

  /** Bytes have passed. */
  public void passed(long bytes) {
    if (standing.isEmpty() || bytes <= 0) {
      return;
    }
    long now = System.nanoTime();
    long from = Math.max(freeAt, waited ? now - SLACK : now);
    waited = false;
    double rate = rate();
    long busy = rate == 0 ? 0 : (long) (bytes * 1e9 / rate);
    for (Standing each : standing) {
      if (each.isLive()) {
        each.passed += bytes;
        Slice slice = each.hit.effects().shaping(Slice.class);
        if (slice != null) {
          busy = Math.max(busy, slice.delay());
        }
        busy += stall(each, bytes);
      }
    }
    freeAt = from + busy;
  }

  /**
   * What lost segments cost: one that others follow is noticed by those and sent again after a
   * round trip (RFC 5681, fast retransmit); one of the last three only by the sender's timer, which
   * doubles each time (RFC 6298).
   */
  private static long stall(Standing standing, long bytes) {
    Loss loss = standing.hit.effects().shaping(Loss.class);
    if (loss == null) {
      return 0;
    }
    Latency latency = standing.hit.effects().latency();
    long roundTrip = latency == null ? ROUND_TRIP : latency.sample(0.5);
    long stall = 0;
    long segments = (bytes + Loss.SEGMENT - 1) / Loss.SEGMENT;
    for (long i = 0; i < segments; i++) {
      if (standing.draw(LOSSES, standing.segments++) >= loss.rate()) {
        continue;
      }
      if (segments - i > 3) {
        stall += roundTrip;
        continue;
      }
      long timeout = roundTrip + Loss.MIN_RTO;
      stall += timeout;
      for (int again = 1;
          again < 6 && standing.draw(LOSSES, standing.segments++) < loss.rate();
          again++) {
        timeout *= 2;
        stall += timeout;
      }
    }
    return stall;
  }

  /** Whether {@link #corrupt} may have something to do. */
  public boolean corrupts() {
    for (Standing each : standing) {
      if (each.isLive() && each.hit.effects().shaping(Corrupt.class) != null) {
        return true;
      }
    }
    return false;
  }

  /**
   * Flips a bit of some of the bytes from position to limit; before they are told to have passed.
   */
  public void corrupt(ByteBuffer bytes) {
    for (Standing each : standing) {
      Corrupt corrupt = each.hit.effects().shaping(Corrupt.class);
      if (corrupt == null || !each.isLive()) {
        continue;
      }
      for (int i = bytes.position(); i < bytes.limit(); i++) {
        double draw = each.draw(CORRUPTIONS, each.passed + i - bytes.position());
        if (draw < corrupt.rate()) {
          int bit = (int) (draw / corrupt.rate() * 8);
          bytes.put(i, (byte) (bytes.get(i) ^ (1 << bit)));
        }
      }
    }
  }

  /** A new turn of the conversation begins: nothing passes for the latency of what stands here. */
  public void turn() {
    long delay = 0;
    for (Standing each : standing) {
      if (each.isLive()) {
        delay += each.hit.fault().delay(each.hit.n(), each.turns++);
      }
    }
    pause(delay);
  }

  /** Nothing passes for that many nanoseconds more. */
  public void pause(long nanos) {
    if (nanos > 0) {
      freeAt = Math.max(freeAt, System.nanoTime()) + nanos;
    }
  }

  /**
   * Waits on the current thread until something may pass. Holds no lock.
   *
   * @param limit nanoseconds after which the caller's own clock wins; {@code Long.MAX_VALUE} for
   *     none
   */
  public Injection.Waited await(long limit, boolean interruptible) {
    if (delay() <= 0) {
      return Injection.Waited.ELAPSED;
    }
    Wait wait = new Wait();
    waits.add(wait);
    try {
      return wait.await(
          since -> {
            long left = delay();
            return left <= 0 || left == Long.MAX_VALUE ? left : System.nanoTime() - since + left;
          },
          line::isClosed,
          limit,
          interruptible);
    } finally {
      waits.remove(wait);
    }
  }

  /** Has something done once something may pass, by the timer; at once where it may now. */
  public void whenFree(Runnable then) {
    Later later = new Later(then);
    waits.add(later);
    later.check();
  }

  private final class Later extends Wait implements Runnable {
    private final Runnable then;
    private boolean done;

    Later(Runnable then) {
      this.then = then;
    }

    @Override
    void wake() {
      var unused = Timer.schedule(this, 0);
    }

    @Override
    public void run() {
      try {
        check();
      } catch (Throwable e) {
        OwnFailures.note(e);
      }
    }

    void check() {
      synchronized (this) {
        if (done) {
          return;
        }
        long delay = line.isClosed() ? 0 : delay();
        if (delay > 0) {
          if (delay != Long.MAX_VALUE) {
            var unused = Timer.schedule(this, delay);
          }
          return;
        }
        done = true;
      }
      waits.remove(this);
      then.run();
    }
  }
}
