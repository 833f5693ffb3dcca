package dev.jinx.agent.point.socket;

import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.Original;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.channels.NetworkChannel;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * Where channels are accepted, learned from each {@code accept}: a channel itself does not say
 * which end it is. The gate is always open for it, as connections live longer than faults; there
 * are few of these addresses, and nothing is kept twice.
 */
final class Accepted implements Handler, AcceptHook.Server {
  private final Set<Object> places = ConcurrentHashMap.newKeySet();

  @Override
  public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
      Original original, Object self, @Nullable Object argument) {
    note(self);
    return null;
  }

  @Override
  public void note(Object server) {
    try {
      SocketAddress local = ((NetworkChannel) server).getLocalAddress();
      if (local != null) {
        places.add(place(local));
      }
    } catch (IOException closedMeanwhile) {
      // then nothing is accepted
    } catch (Throwable e) {
      OwnFailures.note(e);
    }
  }

  @Override
  public int port(Object server) {
    try {
      return ((NetworkChannel) server).getLocalAddress() instanceof InetSocketAddress inet
          ? inet.getPort()
          : 0;
    } catch (IOException closedMeanwhile) {
      return 0;
    }
  }

  @Override
  public void discard(@Nullable Object accepted, Object[] arguments) throws IOException {
    if (accepted instanceof NetworkChannel channel) {
      channel.close();
    }
  }

  /** Whether a connection with that local address was accepted. */
  boolean has(@Nullable SocketAddress local) {
    return local != null && places.contains(place(local));
  }

  private static Object place(SocketAddress local) {
    return local instanceof InetSocketAddress inet ? (Object) inet.getPort() : local;
  }
}
