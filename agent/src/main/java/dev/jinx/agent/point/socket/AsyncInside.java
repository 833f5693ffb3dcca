package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.weave.Access;
import java.io.FileDescriptor;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import java.nio.channels.AsynchronousChannel;
import java.nio.channels.CompletionHandler;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** What the JDK keeps to itself of an asynchronous channel. The same on JDK 17 and 25. */
final class AsyncInside {
  /** The first of the flags says so; the others are for ever. */
  private static final int UNDER_WAY = 0;

  private final Access access;
  private volatile @Nullable Handles handles;

  AsyncInside(Access access) {
    this.access = access;
  }

  /**
   * @param reading flags that keep a read from beginning
   * @param writing the same of a write
   * @param invoke runs a handler on a thread of the channel's group
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Handles(
      VarHandle fd,
      VarHandle[] reading,
      VarHandle[] writing,
      MethodHandle killReading,
      MethodHandle killWriting,
      MethodHandle killConnect,
      MethodHandle group,
      MethodHandle schedule,
      MethodHandle invoke) {}

  private Handles handles() {
    Handles known = handles;
    if (known == null) {
      try {
        known = find();
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException(e);
      }
      handles = known;
    }
    return known;
  }

  private Handles find() throws ReflectiveOperationException {
    Class<?> channel = Class.forName("sun.nio.ch.AsynchronousSocketChannelImpl");
    Class<?> group = Class.forName("sun.nio.ch.AsynchronousChannelGroupImpl");
    Class<?> groupable = Class.forName("sun.nio.ch.Groupable");
    Class<?> invoker = Class.forName("sun.nio.ch.Invoker");
    MethodHandles.Lookup channels = access.in(channel);
    MethodType nothing = MethodType.methodType(void.class);
    return new Handles(
        channels.findVarHandle(channel, "fd", FileDescriptor.class),
        flags(channels, channel, "reading", "readShutdown", "readKilled"),
        flags(channels, channel, "writing", "writeShutdown", "writeKilled"),
        channels.findVirtual(channel, "killReading", nothing),
        channels.findVirtual(channel, "killWriting", nothing),
        channels.findVirtual(channel, "killConnect", nothing),
        access.in(groupable).findVirtual(groupable, "group", MethodType.methodType(group)),
        access
            .in(group)
            .findVirtual(
                group,
                "schedule",
                MethodType.methodType(Future.class, Runnable.class, long.class, TimeUnit.class)),
        access
            .in(invoker)
            .findStatic(
                invoker,
                "invokeIndirectly",
                MethodType.methodType(
                    void.class,
                    AsynchronousChannel.class,
                    CompletionHandler.class,
                    Object.class,
                    Object.class,
                    Throwable.class)));
  }

  private static VarHandle[] flags(MethodHandles.Lookup lookup, Class<?> type, String... names)
      throws ReflectiveOperationException {
    VarHandle[] flags = new VarHandle[names.length];
    for (int i = 0; i < names.length; i++) {
      flags[i] = lookup.findVarHandle(type, names[i], boolean.class);
    }
    return flags;
  }

  /**
   * Whether a read or a write would be answered without a look at the connection.
   *
   * @param ours whether what is under way there is not the application's
   */
  boolean isBarred(Operation operation, Object channel, boolean ours) {
    Handles known = handles();
    VarHandle[] flags = operation == Operation.SOCKET_READ ? known.reading : known.writing;
    for (int i = ours ? UNDER_WAY + 1 : UNDER_WAY; i < flags.length; i++) {
      if ((boolean) flags[i].get(channel)) {
        return true;
      }
    }
    return false;
  }

  FileDescriptor descriptor(Object channel) {
    return (FileDescriptor) handles().fd.get(channel);
  }

  /** Forbids what is under way to go on, as after a timeout or a cancellation. */
  void kill(Operation operation, Object channel) throws Throwable {
    switch (operation) {
      case SOCKET_CONNECT -> handles().killConnect.invoke(channel);
      case SOCKET_READ -> handles().killReading.invoke(channel);
      default -> handles().killWriting.invoke(channel);
    }
  }

  /** Has something done by the clock of the channel's group. */
  Future<?> schedule(Object channel, Runnable work, long nanos) throws Throwable {
    Object group = handles().group.invoke(channel);
    return (Future<?>) handles().schedule.invoke(group, work, nanos, TimeUnit.NANOSECONDS);
  }

  /** Completes on a thread of the channel's group. */
  void complete(
      Object channel,
      CompletionHandler<?, ?> handler,
      @Nullable Object attachment,
      @Nullable Object value,
      @Nullable Throwable failure)
      throws Throwable {
    handles().invoke.invoke(channel, handler, attachment, value, failure);
  }
}
