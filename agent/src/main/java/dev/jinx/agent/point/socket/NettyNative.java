package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.point.Adapters;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.HookPoint;
import dev.jinx.agent.point.Point;
import dev.jinx.agent.point.WeakIdentityMap;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.MethodHook;
import dev.jinx.agent.weave.Original;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * Netty's native transports (epoll, io_uring, kqueue), which pass nothing of the JDK. They are hit
 * beneath their own machinery, right above the kernel: where the socket is told to connect, where
 * there is something to be read, where what has been flushed is to be written. So what is held
 * stays where it would be for real: answers in the kernel's buffers, requests in the channel's own,
 * which makes the channel unwritable; the connect timeout and a close are the transport's. What
 * fails is made to fail by the kernel. No event loop waits.
 */
public final class NettyNative implements Point {
  private static final String LIBRARY = "netty-native";
  private static final String HOME = "io.netty.";

  /** Where Netty's packages are: its own, and that of those who carry it along. */
  private static final String[] HOMES = {
    "io/netty/",
    "io/grpc/netty/shaded/io/netty/",
    "com/couchbase/client/core/deps/io/netty/",
    "org/apache/pulsar/shade/io/netty/",
  };

  private static final String WRITE = "(Lio/netty/channel/ChannelOutboundBuffer;)V";

  /** What links Netty, for one class of its. */
  public interface Library {
    /** The channel that what has a hooked method is part of. */
    Object channel(Object self);

    Transport transport(Access access, Class<?> channel) throws ReflectiveOperationException;
  }

  /** How that class of channels works. Called on the channel's event loop where nothing is said. */
  public interface Transport {
    /** Whether its connections are streams. */
    boolean isStream();

    @Nullable SocketAddress remote(Object channel);

    /** The local address of a connection that was accepted; null of one that was opened here. */
    @Nullable SocketAddress acceptedAt(Object channel);

    /** Whether a call of the hooked method that reads comes because there is something to read. */
    boolean isReady(Object channel, @Nullable Object argument);

    /** Whether a call of the hooked method that writes is going to write. */
    boolean writes(Object channel, @Nullable Object argument);

    /** Runs work on the channel's event loop; from any thread. */
    void execute(Object channel, Runnable work);

    /** Calls back once the channel is closed; from any thread. */
    Object whenClosed(Object channel, Runnable then);

    /** From any thread. */
    void forget(Object channel, Object whenClosed);

    boolean isOpen(Object channel);

    // ---- connecting

    long connectTimeoutMillis(Object channel);

    /** Lets the kernel connect now, for a connect that is under way for the transport. */
    void connect(Original original, Object channel, Object[] arguments) throws Throwable;

    void failConnect(Object channel, Throwable failure) throws Throwable;

    /** What the kernel says once it has given up. */
    Throwable timedOut();

    // ---- reading

    /** What a read that was not done gives back. */
    @Nullable Object nothingRead();

    /** Whether the application wants to read on; otherwise a read comes for the end only. */
    boolean wantsReads(Object channel);

    /** Lets the kernel say things once only; says whether that is to be undone afterwards. */
    boolean quieten(Object channel) throws Throwable;

    /** Says that there is something to read no more, until {@link #resumeReads}. */
    void pauseReads(Object channel) throws Throwable;

    /**
     * @param now whether to read what there is
     */
    void resumeReads(Object channel, boolean quietened, boolean now) throws Throwable;

    void failRead(Object channel, Throwable failure) throws Throwable;

    // ---- writing

    /** Says that there is room to write no more, until {@link #resumeWrites}. */
    void pauseWrites(Object channel) throws Throwable;

    void resumeWrites(Object channel) throws Throwable;

    void failWrite(Object channel, Throwable failure) throws Throwable;

    // ---- breaking

    /** Resets the connection: the peer gets an RST, the next call here fails like after one. */
    void reset(Object channel) throws Throwable;

    /** Makes the next read see the end, as after a FIN of the peer. */
    void end(Object channel) throws Throwable;
  }

  /** What is known of a channel; of one event loop but for {@link #answered}. */
  static final class State {
    @Nullable Peer peer;
    volatile boolean answered;
    boolean readHeld;

    /** Whether the transport would have read for the end, whatever the application wants. */
    boolean endHeld;

    boolean writeHeld;

    /** Set while what was held goes on: it has been decided on. */
    boolean passing;
  }

  private final Access access;
  private final Exceptions exceptions;
  private final Adapters<Library> adapters;
  private final WeakIdentityMap<Object, State> states = new WeakIdentityMap<>();
  private final Hook connect;
  private final Hook read;
  private final Hook write;

  public NettyNative(Armory armory, Access access, Exceptions exceptions) {
    this.access = access;
    this.exceptions = exceptions;
    this.adapters =
        new Adapters<>(
            "dev.jinx.agent.point.socket.NettyNativeInside", Library.class, access, HOME);
    this.connect = new Hook(armory, Operation.SOCKET_CONNECT);
    this.read = new Hook(armory, Operation.SOCKET_READ);
    this.write = new Hook(armory, Operation.SOCKET_WRITE);
  }

  @Override
  public List<ClassHooks> classes() {
    List<ClassHooks> all = new ArrayList<>();
    for (String home : HOMES) {
      String epoll = home.concat("channel/epoll/AbstractEpoll");
      String kqueue = home.concat("channel/kqueue/AbstractKQueue");
      String uring = home.concat("channel/uring/AbstractIoUring");
      String write = WRITE.replace("io/netty/", home);
      hook(all, epoll, "Channel", connect("doConnect0", "(Ljava/net/SocketAddress;)Z"));
      hook(all, epoll, "StreamChannel", write("doWrite", write));
      hook(all, epoll, "StreamChannel$EpollStreamUnsafe", read.on("epollInReady", "()V", -1));
      hook(
          all,
          kqueue,
          "Channel",
          connect("doConnect0", "(Ljava/net/SocketAddress;Ljava/net/SocketAddress;)Z"));
      hook(all, kqueue, "StreamChannel", write("doWrite", write));
      String handle = "channel/kqueue/KQueueRecvByteAllocatorHandle";
      hook(
          all,
          kqueue,
          "StreamChannel$KQueueStreamUnsafe",
          read.on("readReady", "(L".concat(home).concat(handle).concat(";)V"), -1));
      hook(
          all,
          uring,
          "Channel",
          connect("submitConnect", "(Ljava/net/InetSocketAddress;)V"),
          write("scheduleWriteIfNeeded", write.replace(")", "Z)")));
      hook(all, uring, "StreamChannel$IoUringStreamUnsafe", read.on("scheduleRead0", "(ZZ)I", 0));
    }
    return all;
  }

  private static void hook(List<ClassHooks> all, String start, String end, MethodHook... methods) {
    all.add(new ClassHooks(LIBRARY, start.concat(end), List.of(methods)));
  }

  private MethodHook connect(String method, String descriptor) {
    return connect.on(method, descriptor, 0);
  }

  /** Open for reads too: a write begins the next turn. */
  private MethodHook write(String method, String descriptor) {
    long bits = Operation.SOCKET_WRITE.bit() | Operation.SOCKET_READ.bit();
    return new MethodHook(method, descriptor, 0, bits, write, true);
  }

  private Transport transport(Object channel) throws ReflectiveOperationException {
    return adapters.of(channel.getClass()).transport(access, channel.getClass());
  }

  private final class Hook extends HookPoint {
    Hook(Armory armory, Operation operation) {
      super(armory, operation);
    }

    private Object channel(Object self) {
      return operation() == Operation.SOCKET_READ
          ? adapters.of(self.getClass()).channel(self)
          : self;
    }

    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object self, @Nullable Object argument) {
      try {
        Object channel = channel(self);
        State state = states.get(channel);
        if (state != null && !state.passing) {
          if (operation() == Operation.SOCKET_READ && state.readHeld) {
            Transport transport = transport(channel);
            state.endHeld |= !transport.wantsReads(channel);
            transport.pauseReads(channel);
            return (it, arguments) -> transport.nothingRead();
          } else if (operation() == Operation.SOCKET_WRITE && state.writeHeld) {
            transport(channel).pauseWrites(channel);
            return (it, arguments) -> null;
          }
        }
      } catch (Throwable e) {
        OwnFailures.note(e);
        return null;
      }
      return super.enter(original, self, argument);
    }

    @Override
    protected boolean concerns(Object self, @Nullable Object argument) {
      try {
        Object channel = channel(self);
        Transport transport = transport(channel);
        State state = states.get(channel);
        if (!transport.isStream() || (state != null && state.passing)) {
          return false;
        }
        return switch (operation()) {
          case SOCKET_CONNECT -> argument instanceof InetSocketAddress;
          case SOCKET_READ -> transport.isReady(channel, argument);
          default -> {
            boolean writes = transport.writes(channel, argument);
            if (writes && state != null) {
              state.answered = false;
            }
            yield writes;
          }
        };
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException(e);
      }
    }

    private State state(Object channel) {
      return states.computeIfAbsent(channel, it -> new State());
    }

    /** A read begins a new turn where nothing has come yet for what was written. */
    @Override
    public boolean counts(Object self, @Nullable Object argument) {
      if (operation() != Operation.SOCKET_READ) {
        return true;
      }
      State state = state(channel(self));
      boolean fresh = !state.answered;
      state.answered = true;
      return fresh;
    }

    private Peer peer(Object self, @Nullable Object argument) {
      if (operation() == Operation.SOCKET_CONNECT) {
        return Peer.of((SocketAddress) argument);
      }
      Object channel = channel(self);
      State state = state(channel);
      Peer peer = state.peer;
      if (peer == null) {
        try {
          Transport transport = transport(channel);
          peer = Peer.of(transport.remote(channel), transport.acceptedAt(channel));
        } catch (ReflectiveOperationException e) {
          throw new IllegalStateException(e);
        }
        state.peer = peer;
      }
      return peer;
    }

    @Override
    public @Nullable String read(
        Field field, @Nullable String name, Object self, @Nullable Object argument) {
      return switch (field) {
        case HOST -> peer(self, argument).host();
        case PORT -> peer(self, argument).port();
        case SIDE -> peer(self, argument).side();
        default -> null;
      };
    }

    @Override
    public boolean matches(
        Field field,
        @Nullable String name,
        TextMatcher pattern,
        Object self,
        @Nullable Object argument) {
      if (field == Field.HOST) {
        Peer peer = peer(self, argument);
        return pattern.matches(peer.name(), peer.address());
      }
      return super.matches(field, name, pattern, self, argument);
    }

    @Override
    protected @Nullable Object inject(
        Injection injection, Original original, Object self, Object[] arguments) throws Throwable {
      Object channel = channel(self);
      Transport transport;
      try {
        transport = transport(channel);
      } catch (Throwable e) {
        OwnFailures.note(e);
        injection.finish();
        return original.call(self, arguments);
      }
      NettyNativeCall call =
          operation() == Operation.SOCKET_CONNECT
              ? new NettyNativeCall.Connect(
                  injection, exceptions, transport, channel, original, arguments)
              : new NettyNativeCall.Turn(
                  injection,
                  exceptions,
                  transport,
                  channel,
                  original,
                  self,
                  arguments,
                  state(channel),
                  operation());
      return call.carryOut();
    }
  }
}
