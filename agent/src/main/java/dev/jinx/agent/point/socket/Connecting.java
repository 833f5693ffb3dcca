package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Injection;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A non-blocking connect that is held: the real one begins only when the wait is over, so that the
 * channel becomes connectable when that is.
 */
final class Connecting {
  private final Armory armory;
  private final Injection injection;
  private final AtomicBoolean over = new AtomicBoolean();
  private volatile boolean waits = true;
  private volatile @Nullable Throwable failure;

  Connecting(Armory armory, Injection injection) {
    this.armory = armory;
    this.injection = injection;
    // what comes after is to be seen though the fault is over by then
    armory.keepOpen(Operation.SOCKET_CONNECT);
  }

  Injection injection() {
    return injection;
  }

  /** Whether the real connect has not begun, or failed in a way that nobody has been told of. */
  boolean isPending() {
    return waits || failure != null;
  }

  boolean waits() {
    return waits;
  }

  /** What {@code finishConnect} is to fail with; null where the real one goes on. */
  @Nullable Throwable failure() {
    return failure;
  }

  void begun(@Nullable Throwable failed) {
    failure = failed;
    waits = false;
  }

  /** It has come to its end, whatever that was. */
  void finish() {
    if (over.compareAndSet(false, true)) {
      injection.finish();
      armory.letShut(Operation.SOCKET_CONNECT);
    }
  }

  /** The channel is being closed. */
  void close() {
    injection.close();
    finish();
  }
}
