package dev.jinx.agent.point;

import java.lang.ref.WeakReference;
import java.nio.channels.SocketChannel;
import org.jspecify.annotations.Nullable;

/**
 * The channel that a thread has read from last. A TLS engine knows no connection, but what it is
 * given has as a rule just been read on the same thread. Noted while a fault of kind {@code tls} is
 * armed.
 */
public final class LastRead {
  private static final ThreadLocal<@Nullable WeakReference<SocketChannel>> CHANNEL =
      new ThreadLocal<>();

  private LastRead() {}

  public static void note(SocketChannel channel) {
    WeakReference<SocketChannel> known = CHANNEL.get();
    if (known == null || known.get() != channel) {
      CHANNEL.set(new WeakReference<>(channel));
    }
  }

  /** The channel that the current thread has read from last; null where none is known. */
  public static @Nullable SocketChannel channel() {
    WeakReference<SocketChannel> known = CHANNEL.get();
    SocketChannel channel = known == null ? null : known.get();
    return channel != null && channel.isOpen() ? channel : null;
  }
}
