package dev.jinx.agent.point.socket;

import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.WeakIdentityMap;
import dev.jinx.agent.weave.Original;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.channels.AsynchronousSocketChannel;
import java.nio.channels.CompletionHandler;
import java.nio.channels.ConnectionPendingException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** An asynchronous connect: the real one begins only when the wait is over. */
final class AsyncConnectHook extends ConnectHook {
  private final AsyncInside inside;
  private final WeakIdentityMap<Object, AtomicBoolean> busy = new WeakIdentityMap<>();

  AsyncConnectHook(Armory armory, Exceptions exceptions, Links links, AsyncInside inside) {
    super(armory, exceptions, links);
    this.inside = inside;
  }

  @Override
  public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
      Original original, Object self, @Nullable Object argument) {
    AtomicBoolean connecting = busy.get(self);
    if (connecting != null && connecting.get() && !CallScope.isInside(operation())) {
      return new Ticket() {
        @Override
        @Nullable Object call(Object it, Object[] arguments) {
          throw new ConnectionPendingException();
        }
      };
    }
    return super.enter(original, self, argument);
  }

  /** What cannot be connected at all says so itself. */
  @Override
  protected boolean concerns(Object self, @Nullable Object argument) {
    try {
      return argument instanceof InetSocketAddress remote
          && !remote.isUnresolved()
          && ((AsynchronousSocketChannel) self).getRemoteAddress() == null;
    } catch (IOException closed) {
      return false;
    }
  }

  @Override
  protected @Nullable Object inject(
      Injection injection, Original original, Object self, Object[] arguments) throws Throwable {
    boolean hasHandler = arguments.length == 3;
    if (hasHandler && arguments[2] == null) {
      injection.finish();
      return original.call(self, arguments); // it says so itself
    }
    AtomicBoolean connecting = busy.computeIfAbsent(self, it -> new AtomicBoolean());
    return new Connect(
            injection,
            self,
            connecting,
            (SocketAddress) arguments[0],
            hasHandler ? arguments[2] : null,
            hasHandler ? arguments[1] : null)
        .begin();
  }

  private final class Connect extends AsyncOperation {
    private final Injection injection;
    private final SocketAddress remote;

    Connect(
        Injection injection,
        Object channel,
        AtomicBoolean connecting,
        SocketAddress remote,
        @Nullable Object handler,
        @Nullable Object attachment) {
      super(AsyncConnectHook.this, inside, channel, injection, connecting, handler, attachment);
      this.injection = injection;
      this.remote = remote;
    }

    @Override
    void start() {
      await(injection, Phase.BEFORE, SYN_TIMEOUT, this::goOn);
    }

    @Override
    void call() {
      CompletionHandler<Object, @Nullable Object> outcome = this;
      channel.connect(
          remote,
          null,
          new CompletionHandler<Void, @Nullable Object>() {
            @Override
            public void completed(@Nullable Void nothing, @Nullable Object unused) {
              done(outcome);
            }

            @Override
            public void failed(Throwable failure, @Nullable Object unused) {
              outcome.failed(failure, null);
            }
          });
    }

    @SuppressWarnings("NullAway") // a connect has no value
    private static void done(CompletionHandler<Object, @Nullable Object> outcome) {
      outcome.completed(null, null);
    }

    @Override
    void arrived(@Nullable Object value) {
      await(injection, Phase.AFTER, Long.MAX_VALUE, () -> finish(value, null));
    }

    @Override
    IOException timedOut() {
      return new ConnectException("Connection timed out");
    }

    @Override
    Object[] arguments() {
      return new Object[] {remote};
    }

    /** A channel that could not be connected is closed. */
    @Override
    Throwable failing(Throwable failure) {
      try {
        channel.close();
      } catch (IOException e) {
        failure.addSuppressed(e);
      }
      return failure;
    }
  }
}
