package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.point.Outcome;
import java.io.IOException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.AsynchronousSocketChannel;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.CompletionHandler;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * An asynchronous operation in our hands: the real one completes this, and this completes the
 * caller's handler or future, once.
 */
abstract class AsyncOperation implements CompletionHandler<Object, @Nullable Object> {
  final AsynchronousSocketChannel channel;
  final Link link;
  final @Nullable Injection turn;
  private final SocketHook hook;
  private final AsyncInside inside;
  private final AtomicBoolean busy;
  private final @Nullable CompletionHandler<Object, @Nullable Object> handler;
  private final @Nullable Object attachment;
  private final @Nullable AsyncFuture future;
  private final AtomicBoolean done = new AtomicBoolean();
  private volatile @Nullable Future<?> timer;
  private volatile boolean isLate;
  private volatile boolean hasCompleted;

  /**
   * @param handler the caller's; null where it gets a future
   * @param busy is set as long as this goes on
   */
  @SuppressWarnings("unchecked")
  AsyncOperation(
      SocketHook hook,
      AsyncInside inside,
      Object channel,
      @Nullable Injection turn,
      AtomicBoolean busy,
      @Nullable Object handler,
      @Nullable Object attachment) {
    this.hook = hook;
    this.inside = inside;
    this.channel = (AsynchronousSocketChannel) channel;
    this.link = hook.links.of(channel);
    this.turn = turn;
    this.busy = busy;
    this.handler = (CompletionHandler<Object, @Nullable Object>) handler;
    this.attachment = attachment;
    this.future = handler == null ? new AsyncFuture(this) : null;
  }

  /** What is to happen first. */
  abstract void start() throws Throwable;

  /** Has the real operation begin, with this to complete. */
  abstract void call() throws Throwable;

  /** The real operation has its outcome. */
  abstract void arrived(@Nullable Object value);

  /** Puts things back as they were before the real operation. */
  void undo() {}

  /** What the caller's own timeout, or the system's, ends it with. */
  abstract IOException timedOut();

  /** What the call would be given, were it a blocking one. */
  abstract Object[] arguments();

  final Operation operation() {
    return hook.operation();
  }

  /**
   * Takes it on.
   *
   * @return what the hooked method returns
   */
  @SuppressWarnings("FutureReturnValueIgnored") // whoever asked for it gets it
  final @Nullable Object begin() throws Throwable {
    busy.set(true);
    hook.armory().keepOpen(operation()); // what comes meanwhile is to be seen though it is over
    if (turn != null) {
      link.hold(turn);
    }
    try {
      start();
    } catch (Throwable saidAtOnce) {
      if (end()) {
        throw saidAtOnce;
      }
    }
    return future;
  }

  /** The caller's own timeout: a clock of the channel's group. */
  final void limit(long nanos) throws Throwable {
    timer = inside.schedule(channel, this::outOfPatience, nanos);
  }

  /** Whether the real operation is under way, which looks after its timeout itself. */
  boolean isUnderWay() {
    return false;
  }

  private void outOfPatience() {
    if (!isUnderWay()) {
      isLate = true;
      kill();
      fail(timedOut());
    }
  }

  final void kill() {
    try {
      inside.kill(operation(), channel);
    } catch (Throwable e) {
      OwnFailures.note(e);
    }
  }

  /** Waits for something on no thread. */
  final void await(Consumer<Runnable> wait, Runnable then) {
    Thread asking = Thread.currentThread();
    wait.accept(
        () -> {
          isLate |= Thread.currentThread() != asking;
          then.run();
        });
  }

  /** Waits for the turn's delay, and lets it end as it is to. */
  final void await(Injection injection, Phase phase, long limit, Runnable then) {
    Injection.Waited[] how = new Injection.Waited[1];
    await(
        goOn ->
            injection.later(
                phase,
                limit,
                waited -> {
                  how[0] = waited;
                  goOn.run();
                }),
        () -> {
          switch (how[0]) {
            case CLOSED, INTERRUPTED -> fail(new AsynchronousCloseException());
            case TIMED_OUT -> {
              kill();
              fail(timedOut());
            }
            case ELAPSED -> {
              if (injection.ending(phase) instanceof Failure failure) {
                fail(failure, phase, then);
              } else {
                then.run();
              }
            }
          }
        });
  }

  private void fail(Failure failure, Phase phase, Runnable then) {
    Outcome outcome;
    try {
      outcome = hook.failed(failure, phase, channel, arguments());
    } catch (Throwable e) {
      OwnFailures.note(e);
      outcome = Outcome.GO_ON;
    }
    if (outcome == Outcome.GO_ON) {
      then.run(); // it meets the failure itself
      return;
    }
    Object value;
    try {
      value = outcome.get();
    } catch (Throwable e) {
      fail(e);
      return;
    }
    finish(value, null);
  }

  /** Has the real operation begin. */
  final void goOn() {
    if (done.get()) {
      return;
    }
    try (CallScope scope = CallScope.enterOnly(operation())) {
      call();
    } catch (Throwable e) {
      undo();
      if (!isLate) {
        throw AsyncOperation.<RuntimeException>undeclared(e); // the caller is still there
      }
      fail(e);
    }
  }

  @Override
  public final void completed(@Nullable Object value, @Nullable Object unused) {
    hasCompleted = true;
    if (done.get()) {
      undo();
    } else {
      arrived(value);
    }
  }

  @Override
  public final void failed(Throwable failure, @Nullable Object unused) {
    hasCompleted = true;
    undo();
    // it was under way for its caller, whatever it was for the channel
    fail(
        failure.getClass() == ClosedChannelException.class
            ? new AsynchronousCloseException()
            : failure);
  }

  final void fail(Throwable failure) {
    finish(null, failing(failure));
  }

  /** What comes with a failure of ours. */
  Throwable failing(Throwable failure) {
    return failure;
  }

  /** Gives the caller the outcome; only the first counts. */
  final void finish(@Nullable Object value, @Nullable Throwable failure) {
    if (!end()) {
      return;
    }
    try {
      if (future != null) {
        future.complete(value, failure);
      } else if (handler != null && (isLate || !hasCompleted)) {
        inside.complete(channel, handler, attachment, value, failure);
      } else if (handler != null && failure != null) {
        handler.failed(failure, attachment);
      } else if (handler != null) {
        completeNow(handler, value);
      }
    } catch (Throwable e) {
      if (!isLate && hasCompleted) {
        throw AsyncOperation.<RuntimeException>undeclared(e); // the handler's own
      }
      OwnFailures.note(e);
    }
  }

  @SuppressWarnings("NullAway") // of a connect the value is null
  private void completeNow(
      CompletionHandler<Object, @Nullable Object> caller, @Nullable Object value) {
    caller.completed(value, attachment);
  }

  /** The caller gives it up. */
  final void cancelled(boolean closes) {
    kill();
    boolean unused = end();
    if (closes) {
      try {
        channel.close();
      } catch (IOException e) {
        // as the real one
      }
    }
  }

  private boolean end() {
    if (!done.compareAndSet(false, true)) {
      return false;
    }
    Future<?> clock = timer;
    if (clock != null) {
      clock.cancel(false);
    }
    if (turn != null) {
      link.release(turn);
      turn.close();
      turn.finish();
    }
    busy.set(false);
    hook.armory().letShut(operation());
    return true;
  }

  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
  private static <E extends Throwable> E undeclared(Throwable e) throws E {
    throw (E) e;
  }
}
