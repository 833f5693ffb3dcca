package dev.jinx.agent.point.socket;

import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.Peer;
import dev.jinx.agent.point.Point;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.ClassHooks;
import java.io.FileDescriptor;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketImpl;
import java.net.SocketOptions;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * {@code java.net.Socket}: the connect and the close of the implementation beneath it, and its two
 * streams, which a TLS socket passes too. The implementation connects to what is really on the
 * other end, a proxy where there is one; its reads and writes change their signatures between
 * releases, the streams do not. What a channel's {@code socket()} gives passes none of this: see
 * {@link NioChannel}.
 */
public final class JavaSocket implements Point, Wire {
  private static final String IMPLEMENTATION = "sun/nio/ch/NioSocketImpl";

  /** {@code NioSocketImpl.ST_CLOSING}; closed is more. */
  private static final int CLOSING = 4;

  private final Access access;
  private final Links links;
  private final ConnectHook connect;
  private final AcceptHook accept;
  private final ReadHook read;
  private final WriteHook write;
  private volatile @Nullable Inside inside;

  public JavaSocket(Armory armory, Access access, Exceptions exceptions) {
    this.access = access;
    this.links = new Links(armory, this, new Kernel(access));
    this.connect = new ConnectHook(armory, exceptions, links);
    this.accept = new AcceptHook(armory, exceptions, links, new Server());
    this.read = new ReadHook(armory, exceptions, links);
    this.write = new WriteHook(armory, exceptions, links);
  }

  @Override
  public List<ClassHooks> classes() {
    return List.of(
        new ClassHooks(
            "jdk-socket",
            IMPLEMENTATION,
            List.of(
                connect.on("connect", "(Ljava/net/SocketAddress;I)V", 0),
                accept.on("accept", "(Ljava/net/SocketImpl;)V", -1),
                accept.waited("accept", "(Ljava/net/SocketImpl;)V"),
                links.closing("close", "()V"))),
        new ClassHooks(
            "jdk-socket",
            "java/net/Socket$SocketInputStream",
            List.of(read.on("read", "([BII)I", -1), read.waited("read", "([BII)I"))),
        new ClassHooks(
            "jdk-socket",
            "java/net/Socket$SocketOutputStream",
            List.of(write.hook("write", "([BII)V"))));
  }

  /** The fields of the JDK's own classes that tell of a connection. */
  private record Inside(
      Class<?> nio,
      VarHandle state,
      Class<?> reader,
      VarHandle readersSocket,
      VarHandle writersSocket,
      VarHandle implementation,
      Class<?> delegating,
      VarHandle delegate,
      VarHandle descriptor,
      VarHandle address,
      VarHandle port,
      VarHandle localPort,
      MethodHandle close,
      MethodHandle write) {

    static Inside of(Access access) throws ReflectiveOperationException {
      Class<?> in = Class.forName("java.net.Socket$SocketInputStream");
      Class<?> out = Class.forName("java.net.Socket$SocketOutputStream");
      Class<?> delegating = Class.forName("java.net.DelegatingSocketImpl");
      Class<?> nio = Class.forName(IMPLEMENTATION.replace('/', '.'));
      var fields = access.in(SocketImpl.class);
      return new Inside(
          nio,
          access.in(nio).findVarHandle(nio, "state", int.class),
          in,
          access.in(in).findVarHandle(in, "parent", Socket.class),
          access.in(out).findVarHandle(out, "parent", Socket.class),
          access.in(Socket.class).findVarHandle(Socket.class, "impl", SocketImpl.class),
          delegating,
          access.in(delegating).findVarHandle(delegating, "delegate", SocketImpl.class),
          fields.findVarHandle(SocketImpl.class, "fd", FileDescriptor.class),
          fields.findVarHandle(SocketImpl.class, "address", InetAddress.class),
          fields.findVarHandle(SocketImpl.class, "port", int.class),
          fields.findVarHandle(SocketImpl.class, "localport", int.class),
          fields.findVirtual(SocketImpl.class, "close", MethodType.methodType(void.class)),
          access
              .in(nio)
              .findVirtual(
                  nio,
                  "write",
                  MethodType.methodType(void.class, byte[].class, int.class, int.class)));
    }
  }

  private final class Server implements AcceptHook.Server {
    @Override
    public void note(Object server) {} // the accepted socket itself says which end it is

    @Override
    public int port(Object server) {
      return (int) inside().localPort.get(server);
    }

    @Override
    public void discard(@Nullable Object accepted, Object[] arguments) throws Throwable {
      inside().close.invoke(arguments[0]);
    }
  }

  private Inside inside() {
    Inside known = inside;
    if (known == null) {
      try {
        known = Inside.of(access);
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException(e);
      }
      inside = known;
    }
    return known;
  }

  private Socket socket(Object stream) {
    Inside fields = inside();
    return (Socket)
        (fields.reader.isInstance(stream) ? fields.readersSocket : fields.writersSocket)
            .get(stream);
  }

  @Override
  public @Nullable Object connection(Object self) {
    if (self instanceof SocketImpl) {
      return self;
    }
    Inside fields = inside();
    Object implementation = fields.implementation.get(socket(self));
    while (fields.delegating.isInstance(implementation)) {
      implementation = fields.delegate.get(implementation);
    }
    return implementation;
  }

  @Override
  public Peer peer(Object connection, Object self) {
    Inside fields = inside();
    if (!(fields.address.get(connection) instanceof InetAddress address)) {
      return Peer.NONE;
    }
    InetSocketAddress remote = new InetSocketAddress(address, (int) fields.port.get(connection));
    // the JDK wraps the implementation of a socket that may connect, for proxies; not of an
    // accepted one
    boolean accepted =
        !(self instanceof SocketImpl) && fields.implementation.get(socket(self)) == connection;
    return accepted
        ? Peer.of(remote, new InetSocketAddress((int) fields.localPort.get(connection)))
        : Peer.of(remote);
  }

  @Override
  public boolean isClosed(Object connection) {
    Inside fields = inside();
    return fields.nio.isInstance(connection)
        && (int) fields.state.getVolatile(connection) >= CLOSING;
  }

  @Override
  public long timeout(Object connection, Object[] arguments) {
    if (arguments.length == 2) { // a connect has its own
      return TimeUnit.MILLISECONDS.toNanos((Integer) arguments[1]);
    }
    try {
      return ((SocketImpl) connection).getOption(SocketOptions.SO_TIMEOUT) instanceof Integer millis
          ? TimeUnit.MILLISECONDS.toNanos(millis)
          : 0;
    } catch (SocketException closedMeanwhile) {
      return 0;
    }
  }

  @Override
  public FileDescriptor descriptor(Object connection) {
    return (FileDescriptor) inside().descriptor.get(connection);
  }

  @Override
  public void send(Object connection, byte[] bytes) throws Throwable {
    inside().write.invoke(connection, bytes, 0, bytes.length);
  }

  @Override
  public int sendBuffer(Object connection) {
    try {
      return ((SocketImpl) connection).getOption(SocketOptions.SO_SNDBUF) instanceof Integer bytes
          ? bytes
          : 0;
    } catch (SocketException closedMeanwhile) {
      return 0;
    }
  }

  @Override
  public IOException closedMeanwhile() {
    return new SocketException("Socket closed");
  }
}
