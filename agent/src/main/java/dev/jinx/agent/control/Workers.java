package dev.jinx.agent.control;

import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.fault.OwnThread;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The threads of the endpoint. A client that dawdles over its request or its answer loses its
 * connection: an interrupt closes the channel that the thread is blocked on. (The server's own
 * timeouts are system properties, which would be the application's servers' too.)
 */
final class Workers implements Executor {
  private static final int THREADS = 16;
  private static final int WAITING = 256;

  private final long patience;
  private final long patienceWhileOthersWait;
  private final ThreadPoolExecutor pool =
      new ThreadPoolExecutor(
          THREADS,
          THREADS,
          5,
          TimeUnit.SECONDS,
          new LinkedBlockingQueue<>(WAITING),
          work -> OwnThread.of("control", work));
  private final ScheduledThreadPoolExecutor clock =
      new ScheduledThreadPoolExecutor(1, work -> OwnThread.of("control-clock", work));
  private final Set<Turn> turns = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean hurrying = new AtomicBoolean();

  /**
   * @param patience nanoseconds that a request may take
   * @param patienceWhileOthersWait the same while all threads are taken and another is waiting
   */
  Workers(long patience, long patienceWhileOthersWait) {
    this.patience = patience;
    this.patienceWhileOthersWait = patienceWhileOthersWait;
    pool.allowCoreThreadTimeOut(true);
    clock.setRemoveOnCancelPolicy(true);
    clock.setKeepAliveTime(5, TimeUnit.SECONDS);
    clock.allowCoreThreadTimeOut(true);
  }

  /**
   * @throws RejectedExecutionException where too many wait already; the server then closes the
   *     connection
   */
  @Override
  public void execute(Runnable exchange) {
    pool.execute(() -> run(exchange));
    if (!pool.getQueue().isEmpty() && hurrying.compareAndSet(false, true)) {
      hurryLater();
    }
  }

  private void run(Runnable exchange) {
    Turn turn = new Turn(Thread.currentThread());
    turns.add(turn);
    try {
      Future<?> end = schedule(turn::cutOff, patience);
      exchange.run();
      end.cancel(false);
    } catch (RejectedExecutionException closed) {
      // there is nothing to answer any more
    } catch (RuntimeException | Error e) {
      // must not reach the application's handler of uncaught exceptions
      OwnFailures.note(e);
    } finally {
      turns.remove(turn);
      turn.over();
    }
  }

  private void hurry() {
    if (pool.getQueue().isEmpty()) {
      hurrying.set(false);
      return;
    }
    long now = System.nanoTime();
    for (Turn turn : turns) {
      if (now - turn.since >= patienceWhileOthersWait) {
        turn.cutOff();
      }
    }
    hurryLater();
  }

  private void hurryLater() {
    Future<?> unused = schedule(this::hurry, patienceWhileOthersWait);
  }

  private Future<?> schedule(Runnable work, long nanos) {
    return clock.schedule(work, nanos, TimeUnit.NANOSECONDS);
  }

  void close() {
    pool.shutdownNow();
    clock.shutdownNow();
  }

  /** One request on one thread. */
  private static final class Turn {
    private final Thread thread;
    private final long since = System.nanoTime();
    private boolean over;

    Turn(Thread thread) {
      this.thread = thread;
    }

    synchronized void cutOff() {
      if (!over) {
        thread.interrupt();
      }
    }

    /** From here on the thread is another's: no interrupt may reach it, nor be left on it. */
    synchronized void over() {
      over = true;
      Thread.interrupted();
    }
  }
}
