package dev.jinx.agent.point.socket;

import java.io.IOException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** The future of an operation that is in our hands; not to be completed from without. */
final class AsyncFuture implements Future<Object> {
  private final CompletableFuture<@Nullable Object> outcome = new CompletableFuture<>();
  private final AsyncOperation operation;

  AsyncFuture(AsyncOperation operation) {
    this.operation = operation;
  }

  /** As the real one, which wraps what is no {@code IOException}. */
  void complete(@Nullable Object value, @Nullable Throwable failure) {
    if (failure == null) {
      outcome.complete(value);
    } else {
      outcome.completeExceptionally(
          failure instanceof IOException ? failure : new IOException(failure));
    }
  }

  @Override
  public boolean cancel(boolean mayInterruptIfRunning) {
    if (!outcome.cancel(false)) {
      return false;
    }
    operation.cancelled(mayInterruptIfRunning);
    return true;
  }

  @Override
  public boolean isCancelled() {
    return outcome.isCancelled();
  }

  @Override
  public boolean isDone() {
    return outcome.isDone();
  }

  @Override
  public @Nullable Object get() throws InterruptedException, ExecutionException {
    try {
      return outcome.get();
    } catch (CancellationException e) {
      throw cancelled();
    }
  }

  @Override
  public @Nullable Object get(long timeout, TimeUnit unit)
      throws InterruptedException, ExecutionException, TimeoutException {
    try {
      return outcome.get(timeout, unit);
    } catch (CancellationException e) {
      throw cancelled();
    }
  }

  /** The real one has no cause; from JDK 25 on, that of a {@code CompletableFuture} has. */
  private static CancellationException cancelled() {
    return new CancellationException();
  }
}
