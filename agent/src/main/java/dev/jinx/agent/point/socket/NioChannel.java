package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.Outcome;
import dev.jinx.agent.point.Point;
import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.MethodHook;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.SocketChannel;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * {@code SocketChannel} in blocking mode, and the {@code socket()} of a channel, which goes past
 * {@code java.net.Socket}. A channel in non-blocking mode belongs to a selector and is never held
 * here.
 */
public final class NioChannel implements Point {
  private static final String CLASS = "sun/nio/ch/SocketChannelImpl";
  private static final long SOCKET_BITS =
      Operation.SOCKET_CONNECT.bit() | Operation.SOCKET_READ.bit() | Operation.SOCKET_WRITE.bit();

  private final Conversations conversations = new Conversations();
  private final Hook connect;
  private final Hook read;
  private final Hook write;

  public NioChannel(Armory armory, Exceptions exceptions) {
    this.connect = new Hook(armory, Operation.SOCKET_CONNECT, exceptions);
    this.read = new Hook(armory, Operation.SOCKET_READ, exceptions);
    this.write = new Hook(armory, Operation.SOCKET_WRITE, exceptions);
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
                read.on("read", "(Ljava/nio/ByteBuffer;)I", -1),
                read.on("read", "([Ljava/nio/ByteBuffer;II)J", -1),
                read.on("blockingRead", "([BIIJ)I", -1),
                write("write", "(Ljava/nio/ByteBuffer;)I"),
                write("write", "([Ljava/nio/ByteBuffer;II)J"),
                write("blockingWriteFully", "([BII)V"),
                new MethodHook(
                    "implCloseSelectableChannel", "()V", -1, SOCKET_BITS, conversations, true))));
  }

  /** Open for reads too: a write begins the next turn. */
  private MethodHook write(String method, String descriptor) {
    long bits = Operation.SOCKET_WRITE.bit() | Operation.SOCKET_READ.bit();
    return new MethodHook(method, descriptor, -1, bits, write, true);
  }

  private final class Hook extends SocketHook {
    Hook(Armory armory, Operation operation, Exceptions exceptions) {
      super(armory, operation, exceptions, NioChannel.this.conversations);
    }

    @Override
    protected boolean concerns(Object self, @Nullable Object argument) {
      if (!((SocketChannel) self).isBlocking()) {
        return false;
      }
      if (operation() == Operation.SOCKET_WRITE) {
        conversations.wrote(self);
      }
      return operation() != Operation.SOCKET_CONNECT || argument instanceof InetSocketAddress;
    }

    @Override
    Object socket(Object self) {
      return self;
    }

    @Override
    boolean isClosed(Object socket) {
      return !((SocketChannel) socket).isOpen();
    }

    @Override
    Peer peer(Object self, @Nullable Object argument) {
      return argument instanceof SocketAddress address
          ? Peer.of(address)
          : conversations.peer(self, NioChannel::remote);
    }

    @Override
    long timeout(Object self, Object[] arguments) {
      // only the methods beneath a channel's socket() have one: the last parameter, in nanoseconds
      return arguments.length > 0 && arguments[arguments.length - 1] instanceof Long nanos
          ? nanos
          : 0;
    }

    @Override
    IOException closedMeanwhile() {
      return new AsynchronousCloseException();
    }

    @Override
    protected boolean interruptible(Object self) {
      return true;
    }

    @Override
    protected Outcome interrupted(Object self, Object[] arguments) throws IOException {
      ((SocketChannel) self).close();
      return Outcome.fail(new ClosedByInterruptException());
    }

    @Override
    Object endOfStream(Object[] arguments) {
      return arguments[0] instanceof ByteBuffer[] ? Long.valueOf(-1) : (Object) Integer.valueOf(-1);
    }

    @Override
    void shutdownInput(Object self) throws IOException {
      ((SocketChannel) self).shutdownInput();
    }
  }

  private static Peer remote(Object channel) {
    try {
      return Peer.of(((SocketChannel) channel).getRemoteAddress());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
