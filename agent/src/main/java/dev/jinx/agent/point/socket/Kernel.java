package dev.jinx.agent.point.socket;

import dev.jinx.agent.weave.Access;
import java.io.FileDescriptor;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;
import org.jspecify.annotations.Nullable;

/**
 * What the JDK's own native methods can do to a connection beneath the object that stands for it,
 * so that the application then meets the real thing.
 */
final class Kernel {
  /** {@code sun.nio.ch.Net.SHUT_RD}, {@code SHUT_RDWR}. */
  private static final int SHUT_RD = 0;

  private static final int SHUT_RDWR = 2;

  private final Access access;
  private volatile @Nullable Natives natives;

  Kernel(Access access) {
    this.access = access;
  }

  /**
   * @param disconnect {@code DatagramChannelImpl.disconnect0(FileDescriptor, boolean)}
   * @param shutdown {@code Net.shutdown(FileDescriptor, int)}
   * @param poll {@code Net.poll(FileDescriptor, int, long)}
   */
  private record Natives(
      MethodHandle disconnect, MethodHandle shutdown, MethodHandle poll, int in, int out) {}

  private Natives natives() throws ReflectiveOperationException {
    Natives known = natives;
    if (known == null) {
      Class<?> net = Class.forName("sun.nio.ch.Net");
      Class<?> datagrams = Class.forName("sun.nio.ch.DatagramChannelImpl");
      var lookup = access.in(net);
      known =
          new Natives(
              access
                  .in(datagrams)
                  .findStatic(
                      datagrams,
                      "disconnect0",
                      MethodType.methodType(void.class, FileDescriptor.class, boolean.class)),
              lookup.findStatic(
                  net,
                  "shutdown",
                  MethodType.methodType(void.class, FileDescriptor.class, int.class)),
              lookup.findStatic(
                  net,
                  "poll",
                  MethodType.methodType(int.class, FileDescriptor.class, int.class, long.class)),
              (short) lookup.findStaticVarHandle(net, "POLLIN", short.class).get(),
              (short) lookup.findStaticVarHandle(net, "POLLOUT", short.class).get());
      natives = known;
    }
    return known;
  }

  /**
   * Resets a connection: the peer gets an RST, and whoever reads here gets {@code ECONNRESET}, by
   * {@code connect(AF_UNSPEC)}, which disconnects a TCP socket of Linux (tcp_disconnect in
   * net/ipv4/tcp.c).
   *
   * @return whether it could be done
   */
  boolean reset(FileDescriptor descriptor) {
    try {
      natives().disconnect.invoke(descriptor, true);
      return true;
    } catch (Throwable notOnThisSystem) {
      return false;
    }
  }

  /**
   * Ends what is read, and wakes who waits for it. The object that stands for the connection is not
   * told, as it is not of a real end either: Netty does not close a channel that says so itself.
   */
  void shutdownInput(FileDescriptor descriptor) throws Throwable {
    natives().shutdown.invoke(descriptor, SHUT_RD);
  }

  /** The same, and the peer gets a FIN, and who writes here {@code EPIPE}. */
  void shutdown(FileDescriptor descriptor) throws Throwable {
    natives().shutdown.invoke(descriptor, SHUT_RDWR);
  }

  /** Whether a read would give something at once: bytes, the end or a failure. */
  boolean isReadable(FileDescriptor descriptor) {
    try {
      Natives known = natives();
      return (int) known.poll.invoke(descriptor, known.in, 0L) != 0;
    } catch (Throwable closedMeanwhile) {
      return true;
    }
  }

  /** The event of the kernel's that says that something can be read. */
  int readable() throws ReflectiveOperationException {
    return natives().in;
  }

  /** The event of the kernel's that says that something can be written, or is connected. */
  int writable() throws ReflectiveOperationException {
    return natives().out;
  }
}
