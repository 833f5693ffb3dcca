package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.Outcome;
import dev.jinx.agent.point.Peer;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.MethodHook;
import dev.jinx.agent.weave.Original;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.net.ConnectException;
import java.nio.channels.SocketChannel;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * A channel's connect. One that does not block says so at once, and its channel does not become
 * connectable until the wait is over; what it fails with comes from {@code finishConnect}.
 */
final class ChannelConnectHook extends ConnectHook {
  private final Handler finishing = new Finishing();

  ChannelConnectHook(Armory armory, Exceptions exceptions, Links links) {
    super(armory, exceptions, links);
  }

  /** The hook of a method that tells how a connect goes on. */
  MethodHook finishing(String method, String descriptor) {
    return new MethodHook(method, descriptor, -1, Operation.SOCKET_CONNECT.bit(), finishing, true);
  }

  @Override
  protected @Nullable Object inject(
      Injection injection, Original original, Object self, Object[] arguments) throws Throwable {
    SocketChannel channel = (SocketChannel) self;
    if (channel.isBlocking() || !channel.isOpen() || channel.isConnected()) {
      return super.inject(injection, original, self, arguments);
    }
    Link link = links.of(self);
    link.peer(Peer.of((java.net.SocketAddress) arguments[0]));
    Connecting connecting = new Connecting(armory(), injection);
    link.connecting(connecting);
    link.mask(Link.READ | Link.WRITE | Link.CONNECT);
    WeakReference<Object> weak = new WeakReference<>(self);
    injection.later(
        Phase.BEFORE,
        SYN_TIMEOUT,
        waited -> {
          Object open = weak.get();
          if (open != null && waited != Injection.Waited.CLOSED) {
            connecting.begun(begin(waited, injection, original, open, arguments));
          }
          link.unmask(Link.READ | Link.WRITE | Link.CONNECT);
        });
    return false;
  }

  /**
   * The wait is over: what {@code finishConnect} is to fail with; null where it really connects.
   */
  private @Nullable Throwable begin(
      Injection.Waited waited,
      Injection injection,
      Original original,
      Object channel,
      Object[] arguments) {
    try {
      if (waited == Injection.Waited.TIMED_OUT) {
        return new ConnectException("Connection timed out");
      }
      if (injection.ending(Phase.BEFORE) instanceof Failure failure) {
        return thrown(failure, channel, arguments);
      }
    } catch (Throwable e) {
      OwnFailures.note(e);
    }
    try (CallScope scope = CallScope.enterOnly(operation())) {
      Object unused = original.call(channel, arguments);
      return null;
    } catch (Throwable e) {
      return e;
    }
  }

  private @Nullable Throwable thrown(Failure failure, Object channel, Object[] arguments)
      throws Throwable {
    if (failure instanceof Failure.Named named && named.error() == NamedError.CONNECT_TIMEOUT) {
      // the kernel's own, where the client has none or is slower
      return new ConnectException("Connection timed out");
    }
    Outcome outcome = failed(failure, Phase.BEFORE, channel, arguments);
    try {
      Object unused = outcome == Outcome.GO_ON ? null : outcome.get();
      return null;
    } catch (Throwable e) {
      return e;
    }
  }

  private final class Finishing implements Handler {
    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object self, @Nullable Object argument) {
      try {
        Link link = links.known(self);
        Connecting connecting = link == null ? null : link.connecting();
        if (link == null || connecting == null) {
          return null;
        }
        if (original.method().equals("isConnectionPending")) {
          return connecting.isPending() ? (it, arguments) -> true : null;
        }
        if (connecting.waits()) {
          return (it, arguments) -> false;
        }
        link.connecting(null);
        connecting.finish();
        Throwable failure = connecting.failure();
        return failure == null ? null : (it, arguments) -> fail(it, failure);
      } catch (Throwable e) {
        OwnFailures.note(e);
        return null;
      }
    }
  }

  /** As the real one, which closes the channel. */
  @SuppressWarnings("unchecked")
  private static <E extends Throwable> Object fail(Object channel, Throwable failure) throws E {
    try {
      ((SocketChannel) channel).close();
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
    throw (E) failure;
  }
}
