package dev.jinx.agent.fault;

import dev.jinx.agent.effect.Cut;
import dev.jinx.agent.effect.Drop;
import dev.jinx.agent.effect.Effects;
import dev.jinx.agent.effect.Ending;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.Loss;
import dev.jinx.agent.effect.Phase;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What is to happen to one call, by one fault or several. The delays of several add up, and the
 * first that ends the call does. Only faults that are still armed count: what is cleared, expired
 * or halted while the call waits lets it go on.
 */
public final class Injection {
  /** How a wait ended. */
  public enum Waited {
    /** The delay is over, or the fault is: go on with {@link Injection#ending}. */
    ELAPSED,
    /** The caller's own limit came first. */
    TIMED_OUT,
    /** The waiting thread was interrupted; its flag is set. */
    INTERRUPTED,
    /** {@link Injection#close} was called: what the call works on has been closed or cancelled. */
    CLOSED
  }

  /**
   * One fault's decision to hit.
   *
   * @param n the number of the decision, from 0
   * @param draw what was drawn for it
   * @param delay nanoseconds
   */
  record Hit(ArmedFault fault, long n, double draw, long delay) {
    Effects effects() {
      return fault.fault().effects();
    }
  }

  /** How long to wait, asked for anew each time, as a fault may have ended meanwhile. */
  interface Delay {
    /**
     * @param since when the wait began
     */
    long nanos(long since);
  }

  /** The stream of draws for what gets lost. */
  static final int LOSSES = 2;

  private final Armory armory;
  private final List<Hit> hits;
  private final long startedAt = System.nanoTime();
  private boolean finished;

  private final Wait waiting = new Wait();
  private volatile @Nullable Later later;
  private volatile boolean closed;

  Injection(Armory armory, List<Hit> hits) {
    this.armory = armory;
    this.hits = hits;
  }

  List<Hit> hits() {
    return hits;
  }

  /**
   * Nanoseconds to wait in that phase; {@code Long.MAX_VALUE} where the call is dropped, or is to
   * run into the caller's own timeout.
   *
   * @param limit nanoseconds of that timeout; {@code Long.MAX_VALUE} for none
   */
  public long delay(Phase phase, long limit) {
    return delay(phase, limit, System.nanoTime());
  }

  /**
   * @param since when the wait began: of a floor, what remained of it then
   */
  private long delay(Phase phase, long limit, long since) {
    long delay = 0;
    for (Hit hit : hits) {
      if (hit.fault.isLive()) {
        Effects effects = hit.effects();
        if (phase == effects.phase()) {
          if (effects.ending() instanceof Drop
              || limit != Long.MAX_VALUE
                  && effects.ending() instanceof Failure.Named named
                  && named.error().isTimeout()) {
            return Long.MAX_VALUE;
          }
          delay += hit.delay;
        }
        if (phase == Phase.AFTER && effects.latency() != null) {
          delay = Math.max(delay, effects.latency().floor() - (since - startedAt));
        }
      }
    }
    return delay;
  }

  /** Whether anything is left to do once the real call is over. */
  public boolean hasAfter() {
    for (Hit hit : hits) {
      Effects effects = hit.effects();
      if (hit.fault.isLive()
          && (effects.phase() == Phase.AFTER
              || (effects.latency() != null && effects.latency().floor() > 0))) {
        return true;
      }
    }
    return false;
  }

  /** What comes in place of the call's own outcome in that phase; null where it goes on. */
  public @Nullable Ending ending(Phase phase) {
    for (Hit hit : hits) {
      Ending ending = hit.effects().ending();
      if (phase == hit.effects().phase()
          && hit.fault.isLive()
          && ending != null
          && !(ending instanceof Drop)
          && !(ending instanceof Cut)) {
        return ending;
      }
    }
    return null;
  }

  /** What will end the call in that phase, a drop included; null where nothing will. */
  public @Nullable Ending planned(Phase phase) {
    Ending ending = ending(phase);
    return ending == null && delay(phase, Long.MAX_VALUE) == Long.MAX_VALUE ? new Drop() : ending;
  }

  /** Whether a datagram gets lost, by a rate of loss: each by a draw of its own. */
  public boolean loses() {
    for (Hit hit : hits) {
      Loss loss = hit.effects().shaping(Loss.class);
      if (loss != null && hit.fault.isLive() && hit.fault.draw(hit.n, LOSSES) < loss.rate()) {
        return true;
      }
    }
    return false;
  }

  /** How the body of the answer comes; null where nothing happens to it. */
  public @Nullable BodyFlow flow() {
    for (Hit hit : hits) {
      if (hit.fault.isLive()
          && (!hit.effects().shapings().isEmpty() || hit.effects().ending() instanceof Cut)) {
        return new BodyFlow(this, hits);
      }
    }
    return null;
  }

  /**
   * Waits on the current thread until the delay of that phase is over. Holds no lock.
   *
   * @param limit nanoseconds after which the caller's own clock wins; {@code Long.MAX_VALUE} for
   *     none
   * @param interruptible whether an interrupt ends the wait; otherwise it is only kept for
   *     afterwards
   */
  public Waited await(Phase phase, long limit, boolean interruptible) {
    return await(since -> delay(phase, limit, since), limit, interruptible);
  }

  /** Waits, until that limit or until it is not to fail any more, before the call fails. */
  public Waited awaitInVain(Phase phase, long limit, boolean interruptible) {
    return await(since -> ending(phase) == null ? 0 : Long.MAX_VALUE, limit, interruptible);
  }

  Waited await(Delay wait, long limit, boolean interruptible) {
    if (wait.nanos(System.nanoTime()) <= 0) {
      return Waited.ELAPSED;
    }
    hits.forEach(hit -> hit.fault.hold(this));
    try {
      return waiting.await(wait, () -> closed, limit, interruptible);
    } finally {
      hits.forEach(hit -> hit.fault.release(this));
    }
  }

  /**
   * Waits on no thread: calls back once, from the timer, when the delay is over; at once where
   * there is none.
   *
   * @param limit nanoseconds after which the caller's own clock wins; {@code Long.MAX_VALUE} for
   *     none
   */
  public void later(Phase phase, long limit, Consumer<Waited> then) {
    later(since -> delay(phase, limit, since), limit, then);
  }

  void later(Delay wait, long limit, Consumer<Waited> then) {
    if (wait.nanos(System.nanoTime()) <= 0) {
      then.accept(Waited.ELAPSED);
      return;
    }
    Later waiting = new Later(wait, limit, then);
    later = waiting;
    hits.forEach(hit -> hit.fault.hold(this));
    waiting.check();
  }

  private final class Later implements Runnable {
    private final Delay wait;
    private final long limit;
    private final Consumer<Waited> then;
    private final long start = System.nanoTime();
    private boolean over;
    private @Nullable Future<?> timer;

    Later(Delay wait, long limit, Consumer<Waited> then) {
      this.wait = wait;
      this.limit = limit;
      this.then = then;
    }

    @Override
    public void run() {
      check();
    }

    void check() {
      Waited waited = over();
      if (waited != null) {
        then.accept(waited);
      }
    }

    /** How the wait has ended, said once; null where it goes on, or that was said. */
    @Nullable Waited over() {
      Waited waited = null;
      synchronized (this) {
        if (over) {
          return null;
        }
        long elapsed = System.nanoTime() - start;
        long delay = wait.nanos(start);
        if (closed) {
          waited = Waited.CLOSED;
        } else if (elapsed >= delay) {
          waited = Waited.ELAPSED;
        } else if (elapsed >= limit) {
          waited = Waited.TIMED_OUT;
        }
        if (timer != null) {
          timer.cancel(false);
        }
        over = waited != null;
        if (!over && Math.min(delay, limit) != Long.MAX_VALUE) {
          timer = Timer.schedule(this, Math.min(delay, limit) - elapsed);
        }
      }
      if (waited != null) {
        hits.forEach(hit -> hit.fault.release(Injection.this));
        later = null;
      }
      return waited;
    }
  }

  /**
   * Ends the wait because what the call works on has been closed or cancelled; harmless where
   * nothing waits.
   */
  public void close() {
    closed = true;
    wake(List.of(this));
  }

  /** To be called when a fault of these injections has ended. */
  static void wake(List<Injection> injections) {
    boolean timed = false;
    for (Injection injection : injections) {
      injection.waiting.wake();
      timed |= injection.later != null;
    }
    if (timed) {
      // not from here: this thread may hold locks of the application's, or be one of its selectors
      var unused = Timer.schedule(() -> wakeLater(injections), 0);
    }
  }

  /**
   * First ends all the waits, then lets the calls go on: what those set going would compete with
   * the rest of this for the processors.
   */
  private static void wakeLater(List<Injection> injections) {
    List<Runnable> goOn = new ArrayList<>();
    for (Injection injection : injections) {
      Later waiting = injection.later;
      if (waiting == null) {
        continue;
      }
      Waited waited = waiting.over();
      if (waited != null) {
        goOn.add(() -> waiting.then.accept(waited));
      }
    }
    for (Runnable each : goOn) {
      try {
        each.run();
      } catch (Throwable e) {
        // the others are still to be woken
        OwnFailures.note(e);
      }
    }
  }

  /**
   * To be called once the injection has done its work, whatever came of it; further calls do
   * nothing.
   */
  public void finish() {
    synchronized (this) {
      if (finished) {
        return;
      }
      finished = true;
    }
    hits.forEach(hit -> hit.fault.deactivate());
    armory.finished();
  }
}
