package dev.jinx.agent.point.socket;

import dev.jinx.agent.weave.Access;
import java.io.FileDescriptor;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import java.net.InetSocketAddress;
import java.net.ProtocolFamily;
import java.nio.channels.DatagramChannel;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** What the JDK keeps to itself of a datagram channel. The names are the same on JDK 17 and 25. */
final class DatagramInside {
  /** {@code sun.nio.ch.IOStatus}: nothing there; who waits goes on waiting. */
  static final int UNAVAILABLE = -2;

  private static final long MILLISECOND = TimeUnit.MILLISECONDS.toNanos(1);

  private final VarHandle family;
  private final VarHandle source;
  private final MethodHandle decode;
  private final MethodHandle encode;
  private final MethodHandle descriptor;
  private final MethodHandle park;
  private final MethodHandle pollNow;
  private final short readable;

  /**
   * @param type the class of the channels
   */
  DatagramInside(Class<?> type, Access access) throws ReflectiveOperationException {
    MethodHandles.Lookup channel = access.in(type);
    Class<?> address = channel.findClass("sun.nio.ch.NativeSocketAddress");
    Class<?> net = channel.findClass("sun.nio.ch.Net");
    family = channel.findVarHandle(type, "family", ProtocolFamily.class);
    source = channel.findVarHandle(type, "sourceSockAddr", address);
    MethodHandles.Lookup addresses = access.in(address);
    decode =
        addresses
            .findVirtual(address, "decode", MethodType.methodType(InetSocketAddress.class))
            .asType(MethodType.methodType(InetSocketAddress.class, Object.class));
    encode =
        addresses
            .findVirtual(
                address,
                "encode",
                MethodType.methodType(int.class, ProtocolFamily.class, InetSocketAddress.class))
            .asType(
                MethodType.methodType(
                    int.class, Object.class, ProtocolFamily.class, InetSocketAddress.class));
    descriptor =
        channel
            .findVirtual(type, "getFD", MethodType.methodType(FileDescriptor.class))
            .asType(MethodType.methodType(FileDescriptor.class, Object.class));
    park =
        channel
            .findVirtual(type, "park", MethodType.methodType(void.class, int.class, long.class))
            .asType(MethodType.methodType(void.class, Object.class, int.class, long.class));
    MethodHandles.Lookup nets = access.in(net);
    pollNow =
        nets.findStatic(
            net, "pollNow", MethodType.methodType(int.class, FileDescriptor.class, int.class));
    readable = (short) nets.findStaticVarHandle(net, "POLLIN", short.class).get();
  }

  /** Who sent what has just been received; only under the channel's lock for reading. */
  InetSocketAddress sender(Object channel) throws Throwable {
    return (InetSocketAddress) decode.invokeExact(source.get(channel));
  }

  /** Lets what is handed over next come from there; only under the channel's lock for reading. */
  void setSender(Object channel, InetSocketAddress sender) throws Throwable {
    int unused =
        (int) encode.invokeExact(source.get(channel), (ProtocolFamily) family.get(channel), sender);
  }

  /**
   * Waits for a datagram as the channel itself would, at most so long, and says whether there is
   * one; also where the channel has been closed.
   */
  boolean awaitReadable(DatagramChannel channel, long nanos) throws Throwable {
    if (nanos < MILLISECOND) {
      LockSupport.parkNanos(channel, nanos); // the kernel's wait counts milliseconds
    } else {
      park.invokeExact((Object) channel, (int) readable, nanos - nanos % MILLISECOND);
    }
    if (!channel.isOpen()) {
      return true;
    }
    FileDescriptor fd = (FileDescriptor) descriptor.invokeExact((Object) channel);
    return (int) pollNow.invokeExact(fd, (int) readable) != 0;
  }
}
