package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.Peer;
import dev.jinx.agent.point.Point;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.MethodHook;
import java.io.FileDescriptor;
import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.AsynchronousSocketChannel;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * {@code AsynchronousSocketChannel}: its platform-neutral class, which every form of a read or a
 * write passes once. No thread is held: what is late is completed by a timer, on the channel's own
 * pool.
 */
public final class AsyncChannel implements Point, Wire {
  private static final String OPERATION =
      "(ZLjava/nio/ByteBuffer;[Ljava/nio/ByteBuffer;JLjava/util/concurrent/TimeUnit;"
          + "Ljava/lang/Object;Ljava/nio/channels/CompletionHandler;)"
          + "Ljava/util/concurrent/Future;";
  private static final String HANDLER = "Ljava/lang/Object;Ljava/nio/channels/CompletionHandler;";

  private final AsyncInside inside;
  private final Accepted accepted = new Accepted();
  private final Links links;
  private final AsyncConnectHook connect;
  private final AsyncStreamHook read;
  private final AsyncStreamHook write;

  public AsyncChannel(Armory armory, Access access, Exceptions exceptions) {
    inside = new AsyncInside(access);
    links = new Links(armory, this, new Kernel(access));
    connect = new AsyncConnectHook(armory, exceptions, links, inside);
    read = new AsyncStreamHook(armory, Operation.SOCKET_READ, exceptions, links, inside);
    write = new AsyncStreamHook(armory, Operation.SOCKET_WRITE, exceptions, links, inside);
  }

  @Override
  public List<ClassHooks> classes() {
    return List.of(
        new ClassHooks(
            "jdk-async-channel",
            "sun/nio/ch/AsynchronousSocketChannelImpl",
            List.of(
                connect.on("connect", "(Ljava/net/SocketAddress;" + HANDLER + ")V", 0),
                connect.on("connect", "(Ljava/net/SocketAddress;)Ljava/util/concurrent/Future;", 0),
                stream("read", read),
                stream("write", write),
                links.closing("close", "()V"))),
        new ClassHooks(
            "jdk-async-channel",
            "sun/nio/ch/AsynchronousServerSocketChannelImpl",
            List.of(accept("(" + HANDLER + ")V"), accept("()Ljava/util/concurrent/Future;"))));
  }

  private static MethodHook stream(String method, Handler handler) {
    // a write begins the next turn; and a drop or a limit stands on both directions
    long bits = Operation.SOCKET_READ.bit() | Operation.SOCKET_WRITE.bit();
    return new MethodHook(method, OPERATION, -1, bits, handler, true);
  }

  private MethodHook accept(String descriptor) {
    return new MethodHook("accept", descriptor, -1, Operation.SOCKET_ACCEPT.bit(), accepted, true);
  }

  @Override
  public @Nullable Object connection(Object self) {
    return self;
  }

  @Override
  public Peer peer(Object connection, Object self) {
    try {
      AsynchronousSocketChannel channel = (AsynchronousSocketChannel) connection;
      return accepted.has(channel.getLocalAddress())
          ? Peer.of(channel.getRemoteAddress(), channel.getLocalAddress())
          : Peer.of(channel.getRemoteAddress());
    } catch (IOException closedMeanwhile) {
      return Peer.NONE;
    }
  }

  @Override
  public boolean isClosed(Object connection) {
    return !((AsynchronousSocketChannel) connection).isOpen();
  }

  @Override
  public boolean isBlocking(Object connection) {
    return false;
  }

  @Override
  public long timeout(Object connection, Object[] arguments) {
    return 0; // a clock of the channel's group runs for it
  }

  @Override
  public FileDescriptor descriptor(Object connection) {
    return inside.descriptor(connection);
  }

  @Override
  public void shutdownInput(Object connection) throws IOException {
    ((AsynchronousSocketChannel) connection).shutdownInput();
  }

  @Override
  public void send(Object connection, byte[] bytes) throws Throwable {
    ByteBuffer rest = ByteBuffer.wrap(bytes);
    while (rest.hasRemaining()) {
      int unused = ((AsynchronousSocketChannel) connection).write(rest).get();
    }
  }

  @Override
  public int sendBuffer(Object connection) {
    try {
      return ((AsynchronousSocketChannel) connection).getOption(StandardSocketOptions.SO_SNDBUF);
    } catch (IOException closedMeanwhile) {
      return 0;
    }
  }

  @Override
  public IOException closedMeanwhile() {
    return new AsynchronousCloseException();
  }
}
