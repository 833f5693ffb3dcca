package dev.jinx.agent.fault;

import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** The one timer of Jinx, started with the first thing that must happen later. */
final class Timer {
  private static final ScheduledThreadPoolExecutor EXECUTOR = create();

  private Timer() {}

  private static ScheduledThreadPoolExecutor create() {
    ScheduledThreadPoolExecutor executor =
        new ScheduledThreadPoolExecutor(1, work -> OwnThread.neutral("timer", work));
    executor.setRemoveOnCancelPolicy(true);
    return executor;
  }

  static Future<?> schedule(Runnable work, long nanos) {
    return EXECUTOR.schedule(work, nanos, TimeUnit.NANOSECONDS);
  }
}
