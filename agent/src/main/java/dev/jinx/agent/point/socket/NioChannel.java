package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.LastRead;
import dev.jinx.agent.point.Peer;
import dev.jinx.agent.point.Point;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.MethodHook;
import dev.jinx.agent.weave.Original;
import java.io.FileDescriptor;
import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.Channel;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SocketChannel;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * {@code SocketChannel}, of TCP and of Unix-domain sockets, and the {@code socket()} of a channel,
 * which goes past {@code java.net.Socket}. A channel in non-blocking mode belongs to a selector and
 * is never held: its readiness is masked ({@link Readiness}).
 */
public final class NioChannel implements Point, Wire {
  private static final String CLASS = "sun/nio/ch/SocketChannelImpl";

  private final Armory armory;
  private final Access access;
  private final Links links;
  private final Readiness readiness;
  private final Accepted accepted = new Accepted();
  private final ChannelConnectHook connect;
  private final AcceptHook accept;
  private final ReadHook read;
  private final WriteHook write;
  private final Descriptors descriptors = new Descriptors();

  public NioChannel(Armory armory, Access access, Exceptions exceptions) {
    Kernel kernel = new Kernel(access);
    this.armory = armory;
    this.access = access;
    this.links = new Links(armory, this, kernel);
    this.readiness = new Readiness(access, links);
    this.connect = new ChannelConnectHook(armory, exceptions, links);
    this.accept = new AcceptHook(armory, exceptions, links, accepted);
    this.read = new ReadHook(armory, exceptions, links);
    this.write = new WriteHook(armory, exceptions, links);
  }

  @Override
  public List<ClassHooks> classes() {
    return List.of(
        new ClassHooks(
            "jdk-channel",
            CLASS,
            List.of(
                connect.on("connect", "(Ljava/net/SocketAddress;)Z", 0),
                connect.on("blockingConnect", "(Ljava/net/SocketAddress;J)V", 0),
                connect.finishing("finishConnect", "()Z"),
                connect.finishing("isConnectionPending", "()Z"),
                noted("read", "(Ljava/nio/ByteBuffer;)I"),
                noted("read", "([Ljava/nio/ByteBuffer;II)J"),
                read.on("blockingRead", "([BIIJ)I", -1),
                read.waited("read", "(Ljava/nio/ByteBuffer;)I"),
                read.waited("blockingRead", "([BIIJ)I"),
                write.hook("write", "(Ljava/nio/ByteBuffer;)I"),
                write.hook("write", "([Ljava/nio/ByteBuffer;II)J"),
                write.hook("blockingWriteFully", "([BII)V"),
                readiness.failing("translateReadyOps", "(IILsun/nio/ch/SelectionKeyImpl;)Z"),
                links.closing("implCloseSelectableChannel", "()V"))),
        new ClassHooks(
            "jdk-channel",
            "sun/nio/ch/SelectionKeyImpl",
            List.of(readiness.hook("translateInterestOps", "()I"))),
        new ClassHooks(
            "jdk-channel",
            "sun/nio/ch/ServerSocketChannelImpl",
            List.of(
                accept.on("accept", "()Ljava/nio/channels/SocketChannel;", -1),
                accept.waited("accept", "()Ljava/nio/channels/SocketChannel;"),
                links.closing("implCloseSelectableChannel", "()V"))));
  }

  /** A read; and for handshakes, what tells whose bytes an engine is given. */
  private MethodHook noted(String method, String descriptor) {
    long bits = Operation.SOCKET_READ.bit() | Operation.TLS_HANDSHAKE.bit();
    return new MethodHook(method, descriptor, -1, bits, new Noted(), true);
  }

  private final class Noted implements Handler {
    @Override
    public long hits() {
      return read.hits();
    }

    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object channel, @Nullable Object argument) {
      if (armory.isOpen(Operation.TLS_HANDSHAKE)) {
        LastRead.note((SocketChannel) channel);
      }
      return armory.isOpen(Operation.SOCKET_READ) ? read.enter(original, channel, argument) : null;
    }
  }

  @Override
  public @Nullable Object connection(Object self) {
    return self;
  }

  @Override
  public Peer peer(Object connection, Object self) {
    try {
      SocketChannel channel = (SocketChannel) connection;
      return accepted.has(channel.getLocalAddress())
          ? Peer.of(channel.getRemoteAddress(), channel.getLocalAddress())
          : Peer.of(channel.getRemoteAddress());
    } catch (IOException closedMeanwhile) {
      return Peer.NONE;
    }
  }

  @Override
  public boolean isClosed(Object connection) {
    return !((Channel) connection).isOpen();
  }

  @Override
  public boolean isBlocking(Object connection) {
    return ((SelectableChannel) connection).isBlocking();
  }

  @Override
  public long timeout(Object connection, Object[] arguments) {
    // only the methods beneath a channel's socket() have one: the last parameter, in nanoseconds
    return arguments.length > 0 && arguments[arguments.length - 1] instanceof Long nanos
        ? nanos
        : 0;
  }

  @Override
  public FileDescriptor descriptor(Object connection) {
    return (FileDescriptor) descriptors.get(connection.getClass()).get(connection);
  }

  /** Of a channel and of a server. */
  private final class Descriptors extends ClassValue<VarHandle> {
    @Override
    protected VarHandle computeValue(Class<?> type) {
      try {
        return access.in(type).findVarHandle(type, "fd", FileDescriptor.class);
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  @Override
  public void send(Object connection, byte[] bytes) throws IOException {
    ByteBuffer rest = ByteBuffer.wrap(bytes);
    while (rest.hasRemaining()) {
      if (((SocketChannel) connection).write(rest) == 0) {
        // only a thread of ours waits here, for a channel that does not block
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
      }
    }
  }

  @Override
  public int sendBuffer(Object connection) {
    try {
      return ((SocketChannel) connection).getOption(StandardSocketOptions.SO_SNDBUF);
    } catch (IOException closedMeanwhile) {
      return 0;
    }
  }

  @Override
  public IOException closedMeanwhile() {
    return new AsynchronousCloseException();
  }

  @Override
  public boolean interruptible() {
    return true;
  }

  @Override
  public IOException interrupted(Object connection) throws IOException {
    ((SocketChannel) connection).close();
    return new ClosedByInterruptException();
  }

  @Override
  public void ready(Object connection, boolean isMore) {
    readiness.changed(connection, isMore);
  }
}
