package dev.jinx.agent.point;

import dev.jinx.agent.effect.Ending;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.effect.Response;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import org.jspecify.annotations.Nullable;

/**
 * One asynchronous call in the hands of an injection. No thread waits for it: a timer calls back,
 * and what follows happens where the library runs such things. What a library says about it is for
 * subclasses; each call ends in exactly one of {@link #deliver}, {@link #failed}, {@link
 * #answered}, {@link #outOfPatience} and {@link #cancelled}.
 *
 * <p>A subclass calls {@link #begin} once, {@link #arrived} when the real call has its outcome
 * ({@link #gone} where that is a failure, which stays as it is), and {@link #cancel} when the
 * application gives the call up.
 *
 * @param <R> the real call's outcome
 */
public abstract class AsyncCall<R> {
  protected final Injection injection;

  protected AsyncCall(Injection injection) {
    this.injection = injection;
  }

  // ---- what the library says

  /**
   * Nanoseconds that the call's own settings let it wait; {@code Long.MAX_VALUE} for ever, and
   * {@link #ELSEWHERE} where a clock of the library's is running that will {@link #cancel} it.
   *
   * @param planned what is to end the call, null for nothing
   */
  protected abstract long patience(Phase phase, @Nullable Ending planned) throws Throwable;

  /** Some clock of the library's own ends the call; so a drop or a timeout waits for it. */
  protected static final long ELSEWHERE = Long.MAX_VALUE / 2;

  /** Runs work on a thread on which the library runs what belongs to this call; never blocks. */
  protected abstract void run(Runnable work);

  /** Makes the real call. Its hooks must let it pass: wrap it in a {@code CallScope}. */
  protected abstract void goOn() throws Throwable;

  /** Hands the real outcome on. */
  protected abstract void deliver(R real);

  /** Fails as the library does. In the second phase, the real outcome has been discarded. */
  protected abstract void failed(Failure failure, Phase phase) throws Throwable;

  /** Answers; only http. In the second phase, the real outcome has been discarded. */
  protected abstract void answered(Response response, Phase phase) throws Throwable;

  /**
   * Fails as when {@link #patience} is over.
   *
   * @param planned what was to end the call, null for nothing
   */
  protected abstract void outOfPatience(Phase phase, @Nullable Ending planned) throws Throwable;

  /** Fails as when the call is given up while it waits. */
  protected abstract void cancelled(Phase phase, @Nullable Ending planned) throws Throwable;

  /** Gives up a real outcome that is not handed on: closes the connection that it came on. */
  protected abstract void discard(R real) throws Throwable;

  /** The call begins to be held: it can be cancelled from now on. */
  protected void held() {}

  /** The call is held no more. */
  protected void released() {}

  // ---- what happens

  /** Takes the call on. */
  public final void begin() {
    waitFor(Phase.BEFORE, null);
  }

  /** The real outcome has arrived. */
  public final void arrived(R real) {
    if (injection.hasAfter()) {
      waitFor(Phase.AFTER, real);
    } else {
      handOn(real);
    }
  }

  /** The real call has failed by itself. */
  public final void gone() {
    injection.finish();
  }

  /** The application, or a clock of the library's, gives the call up. */
  public final void cancel() {
    injection.close();
  }

  /** Whether what is to end the call comes before its connection stands. */
  public static boolean isWhileConnecting(@Nullable Ending ending) {
    return ending instanceof Failure.Named named && named.error().isWhileConnecting();
  }

  /** Whether it is that error that is to end the call. */
  public static boolean is(NamedError error, @Nullable Ending ending) {
    return ending instanceof Failure.Named named && named.error() == error;
  }

  private void waitFor(Phase phase, @Nullable R real) {
    long limit;
    try {
      limit = patience(phase, injection.planned(phase));
    } catch (Throwable bugOfOurs) {
      failOpen(bugOfOurs, real);
      return;
    }
    if (injection.delay(phase, limit) <= 0) {
      end(phase, real, Injection.Waited.ELAPSED);
      return;
    }
    held();
    injection.later(
        phase,
        limit,
        waited -> {
          released();
          run(() -> end(phase, real, waited));
        });
  }

  private void end(Phase phase, @Nullable R real, Injection.Waited waited) {
    try {
      Ending ending = injection.ending(phase);
      if (real == null && ending == null && waited == Injection.Waited.ELAPSED) {
        goOn();
        return;
      }
      if (real != null && (ending != null || waited != Injection.Waited.ELAPSED)) {
        discard(real);
      }
      switch (waited) {
        case CLOSED, INTERRUPTED -> {
          injection.finish();
          cancelled(phase, injection.planned(phase));
        }
        case TIMED_OUT -> {
          injection.finish();
          outOfPatience(phase, injection.planned(phase));
        }
        case ELAPSED -> {
          if (ending instanceof Response response) {
            injection.finish();
            answered(response, phase);
          } else if (ending instanceof Failure failure) {
            injection.finish();
            failed(failure, phase);
          } else if (real != null) {
            handOn(real);
          }
        }
      }
    } catch (Throwable bugOfOurs) {
      failOpen(bugOfOurs, real);
    }
  }

  private void handOn(R real) {
    injection.finish();
    deliver(real);
  }

  private void failOpen(Throwable bugOfOurs, @Nullable R real) {
    OwnFailures.note(bugOfOurs);
    if (real != null) {
      handOn(real);
      return;
    }
    try {
      goOn();
    } catch (Throwable e) {
      OwnFailures.note(e);
      injection.finish();
    }
  }
}
