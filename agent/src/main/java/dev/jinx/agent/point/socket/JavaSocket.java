package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.Point;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.MethodHook;
import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * {@code java.net.Socket}: {@code connect} and its two streams, which a TLS socket passes too. The
 * implementation beneath ({@code NioSocketImpl}) changes its signatures between releases, the
 * streams do not. What a channel's {@code socket()} gives passes none of this: see {@link
 * NioChannel}.
 */
public final class JavaSocket implements Point {
  private static final long SOCKET_BITS =
      Operation.SOCKET_CONNECT.bit() | Operation.SOCKET_READ.bit() | Operation.SOCKET_WRITE.bit();

  private final Conversations conversations = new Conversations();
  private final Access access;
  private final Hook connect;
  private final Hook read;
  private final Hook write;

  public JavaSocket(Armory armory, Access access, Exceptions exceptions) {
    this.access = access;
    this.connect = new Hook(armory, Operation.SOCKET_CONNECT, exceptions);
    this.read = new Hook(armory, Operation.SOCKET_READ, exceptions);
    this.write = new Hook(armory, Operation.SOCKET_WRITE, exceptions);
  }

  @Override
  public List<ClassHooks> classes() {
    return List.of(
        new ClassHooks(
            "jdk-socket",
            "java/net/Socket",
            List.of(
                connect.on("connect", "(Ljava/net/SocketAddress;I)V", 0),
                new MethodHook("close", "()V", -1, SOCKET_BITS, conversations, true))),
        new ClassHooks(
            "jdk-socket",
            "java/net/Socket$SocketInputStream",
            List.of(read.on("read", "([BII)I", -1))),
        new ClassHooks(
            "jdk-socket",
            "java/net/Socket$SocketOutputStream",
            // open for reads too: a write begins the next turn
            List.of(
                new MethodHook(
                    "write",
                    "([BII)V",
                    -1,
                    Operation.SOCKET_WRITE.bit() | Operation.SOCKET_READ.bit(),
                    write,
                    true))));
  }

  private final class Hook extends SocketHook {
    private volatile @Nullable VarHandle parent;

    Hook(Armory armory, Operation operation, Exceptions exceptions) {
      super(armory, operation, exceptions, JavaSocket.this.conversations);
    }

    @Override
    protected boolean concerns(Object self, @Nullable Object argument) {
      if (operation() == Operation.SOCKET_CONNECT) {
        return argument instanceof InetSocketAddress;
      }
      Socket socket = socket(self);
      if (operation() == Operation.SOCKET_WRITE) {
        conversations.wrote(socket);
      }
      // a closed one says so itself
      return !socket.isClosed();
    }

    @Override
    Socket socket(Object self) {
      if (self instanceof Socket socket) {
        return socket;
      }
      VarHandle field = parent;
      if (field == null) {
        try {
          field = access.in(self.getClass()).findVarHandle(self.getClass(), "parent", Socket.class);
        } catch (ReflectiveOperationException e) {
          throw new IllegalStateException(e);
        }
        parent = field;
      }
      return (Socket) field.get(self);
    }

    @Override
    boolean isClosed(Object socket) {
      return ((Socket) socket).isClosed();
    }

    @Override
    Peer peer(Object self, @Nullable Object argument) {
      return argument instanceof SocketAddress address
          ? Peer.of(address)
          : conversations.peer(socket(self), it -> Peer.of(((Socket) it).getRemoteSocketAddress()));
    }

    @Override
    long timeout(Object self, Object[] arguments) {
      return switch (operation()) {
        case SOCKET_CONNECT -> TimeUnit.MILLISECONDS.toNanos((Integer) arguments[1]);
        case SOCKET_READ -> soTimeout(socket(self));
        default -> 0;
      };
    }

    private static long soTimeout(Socket socket) {
      try {
        return TimeUnit.MILLISECONDS.toNanos(socket.getSoTimeout());
      } catch (SocketException closedMeanwhile) {
        return 0;
      }
    }

    @Override
    IOException closedMeanwhile() {
      return new SocketException("Socket closed");
    }

    @Override
    void shutdownInput(Object self) throws IOException {
      socket(self).shutdownInput();
    }
  }
}
