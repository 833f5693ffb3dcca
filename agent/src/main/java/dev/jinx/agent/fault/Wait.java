package dev.jinx.agent.fault;

import dev.jinx.agent.fault.Injection.Delay;
import dev.jinx.agent.fault.Injection.Waited;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** One thread that waits. */
class Wait {
  private static final long SPIN = TimeUnit.MICROSECONDS.toNanos(200);

  private volatile @Nullable Thread waiter;

  /**
   * Waits on the current thread. Holds no lock.
   *
   * @param delay how long since the beginning, asked for anew whenever it is woken
   * @param closed whether what the caller works on has been closed
   */
  Waited await(Delay delay, BooleanSupplier closed, long limit, boolean interruptible) {
    Thread thread = Thread.currentThread();
    waiter = thread;
    boolean interrupted = false;
    try {
      // a virtual thread gives its carrier away while it is parked, but not while it spins
      long spin = VirtualThreads.isVirtual(thread) ? 0 : SPIN;
      long start = System.nanoTime();
      while (true) {
        long elapsed = System.nanoTime() - start;
        long end = delay.nanos(start);
        if (closed.getAsBoolean()) {
          return Waited.CLOSED;
        }
        if (elapsed >= end) {
          return Waited.ELAPSED;
        }
        if (elapsed >= limit) {
          return Waited.TIMED_OUT;
        }
        if (Thread.interrupted()) {
          interrupted = true;
          if (interruptible) {
            return Waited.INTERRUPTED;
          }
        }
        long rest = Math.min(end, limit) - elapsed;
        if (rest > spin) {
          LockSupport.parkNanos(this, rest - spin);
        } else {
          Thread.onSpinWait();
        }
      }
    } finally {
      waiter = null;
      if (interrupted) {
        thread.interrupt();
      }
    }
  }

  void wake() {
    Thread thread = waiter;
    if (thread != null) {
      LockSupport.unpark(thread);
    }
  }
}
