package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Fault;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.Lane;
import dev.jinx.agent.fault.Line;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.point.Adapters;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.HookPoint;
import dev.jinx.agent.point.Netty;
import dev.jinx.agent.point.Peer;
import dev.jinx.agent.point.PeerReader;
import dev.jinx.agent.point.Point;
import dev.jinx.agent.point.WeakIdentityMap;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.MethodHook;
import dev.jinx.agent.weave.Original;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
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
    void connect(Call call) throws Throwable;

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

    // ---- what stands on the whole connection

    /** Reads no more than the lane lets pass; the hooked method is the one told to read. */
    @Nullable Object ready(Call call, Lane lane) throws Throwable;

    /** The same where the hooked method is the one that reads, or has read. */
    @Nullable Object portion(Call call, Lane lane) throws Throwable;

    /** A read that would have gone on does not. */
    void halt(Call call);

    /** Writes no more than that many bytes; says how many, -1 for a file. */
    long write(Object channel, Object out, long most, Lane lane) throws Throwable;

    /** Whether anything is to be written. */
    boolean isEmpty(Object out);

    /** Has the transport write on once the kernel has room. */
    void awaitRoom(Object channel) throws Throwable;

    /** Takes what the kernel's send buffer would, until {@link #send}. */
    void swallow(Object channel, Object out, Deque<byte[]> into) throws Throwable;

    /** Sends what was taken, as far as the kernel has room; says whether that was all. */
    boolean send(Object channel, Deque<byte[]> taken) throws Throwable;

    /** Sets {@code SO_LINGER}, as {@code -1} for none; gives what it was. */
    int linger(Object channel, int seconds) throws Throwable;

    /** Runs work on the channel's event loop after some milliseconds. */
    void schedule(Object channel, Runnable work, long millis);

    // ---- breaking

    /** Resets the connection: the peer gets an RST, the next call here fails like after one. */
    void reset(Object channel) throws Throwable;

    /**
     * Makes the next read see the end, as after a FIN of the peer.
     *
     * @param both whether the peer gets one, too
     */
    void end(Object channel, boolean both) throws Throwable;
  }

  /** What is known of a channel; of one event loop but for {@link #answered}. */
  public static final class State {
    @Nullable Peer peer;
    volatile boolean answered;
    boolean readHeld;

    /** Whether the transport would have read for the end, whatever the application wants. */
    boolean endHeld;

    boolean writeHeld;

    /** What goes on next, having been decided on. */
    @Nullable Operation passes;

    /** What goes on next, with all that stands carried out. */
    @Nullable Original bare;

    /** {@code SO_LINGER} while something is taken. */
    int linger;

    /** Whether the end has been held already. */
    boolean endLate;

    final Line line = new Line();
    boolean watched;

    /** Whether a write has been answered by a reset. */
    boolean wasReset;

    /** What was written into a silent line. */
    final Deque<byte[]> taken = new ArrayDeque<>();
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
            "dev.jinx.agent.point.socket.NettyNativeInside", Library.class, access, Netty.PACKAGE);
    this.connect = new Hook(armory, Operation.SOCKET_CONNECT);
    this.read = new Hook(armory, Operation.SOCKET_READ);
    this.write = new Hook(armory, Operation.SOCKET_WRITE);
  }

  @Override
  public List<ClassHooks> classes() {
    List<ClassHooks> all = new ArrayList<>();
    for (String home : Netty.HOMES) {
      String epoll = home.concat("channel/epoll/AbstractEpoll");
      String kqueue = home.concat("channel/kqueue/AbstractKQueue");
      String uring = home.concat("channel/uring/AbstractIoUring");
      String write = WRITE.replace("io/netty/", home);
      String into = "(L".concat(home).concat("buffer/ByteBuf;)I");
      hook(
          all,
          epoll,
          "Channel",
          connect("doConnect0", "(Ljava/net/SocketAddress;)Z"),
          portion("doReadBytes", into));
      hook(all, epoll, "StreamChannel", write("doWrite", write));
      hook(all, epoll, "StreamChannel$EpollStreamUnsafe", read.on("epollInReady", "()V", -1));
      hook(
          all,
          kqueue,
          "Channel",
          connect("doConnect0", "(Ljava/net/SocketAddress;Ljava/net/SocketAddress;)Z"),
          portion("doReadBytes", into));
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
      hook(
          all,
          uring,
          "StreamChannel$IoUringStreamUnsafe",
          read.on("scheduleRead0", "(ZZ)I", 0),
          portion("readComplete0", "(BIISI)V"));
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

  private MethodHook portion(String method, String descriptor) {
    return new MethodHook(method, descriptor, -1, Operation.SOCKET_READ.bit(), new Portion(), true);
  }

  private Transport transport(Object channel) throws ReflectiveOperationException {
    return adapters.of(channel.getClass()).transport(access, channel.getClass());
  }

  private final class Hook extends HookPoint implements PeerReader {
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
      if (operation() == Operation.SOCKET_CONNECT) {
        return super.enter(original, self, argument);
      }
      try {
        Object channel = channel(self);
        Transport transport = transport(channel);
        boolean reads = operation() == Operation.SOCKET_READ;
        if (!transport.isStream()) {
          return null;
        }
        State state = state(channel);
        if (state.bare == original) {
          state.bare = null;
          return null;
        }
        if (reads ? state.readHeld : state.writeHeld) {
          return (it, arguments) -> masked(transport, channel, state, argument);
        }
        boolean passes = state.passes == operation();
        if (passes) {
          state.passes = null;
        }
        if (reads ? !transport.isOpen(channel) : !transport.writes(channel, argument)) {
          return null;
        }
        boolean due = !reads || transport.isReady(channel, argument);
        boolean fresh = due && (!reads || !state.answered);
        state.line.look(armory(), this, Armory.Choice.ALL, self, argument, () -> {});
        Injection turn =
            fresh && !passes ? armory().match(operation(), this, this, self, argument) : null;
        Lane lane = reads ? state.line.inbound() : state.line.outbound();
        if (!reads) {
          state.answered = false;
        } else if (fresh && !lane.isIdle()) {
          state.answered = true;
          lane.turn();
        }
        if (turn == null && lane.isIdle() && state.taken.isEmpty()) {
          return null;
        }
        return (it, arguments) ->
            this.<RuntimeException>carryOut(
                new Call(transport, channel, state, original, it, arguments), turn, lane);
      } catch (Throwable e) {
        OwnFailures.note(e);
        return null;
      }
    }

    private @Nullable Object masked(
        Transport transport, Object channel, State state, @Nullable Object argument) {
      try {
        if (operation() == Operation.SOCKET_READ) {
          state.endHeld |= !transport.wantsReads(channel);
          transport.pauseReads(channel);
          return transport.nothingRead();
        }
        transport.pauseWrites(channel);
        if (argument != null && !state.taken.isEmpty()) {
          transport.swallow(channel, argument, state.taken);
        }
      } catch (Throwable e) {
        OwnFailures.note(e);
      }
      return null;
    }

    @SuppressWarnings("unchecked")
    private <E extends Throwable> @Nullable Object carryOut(
        Call call, @Nullable Injection turn, Lane lane) throws E {
      try {
        if (turn != null) {
          return new NettyNativeCall.Turn(turn, exceptions, call, operation()).carryOut();
        }
        NettyNativeLane stands = new NettyNativeLane(armory(), call, lane);
        return operation() == Operation.SOCKET_READ ? stands.read() : stands.write();
      } catch (Throwable e) {
        throw (E) e;
      }
    }

    @Override
    protected boolean concerns(Object self, @Nullable Object argument) {
      try {
        State state = states.get(self);
        if (state != null && state.passes == operation()) {
          state.passes = null;
          return false;
        }
        return argument instanceof InetSocketAddress && transport(self).isStream();
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException(e);
      }
    }

    /** A turn takes what does not stand. */
    @Override
    public boolean carries(Fault fault, Object self, @Nullable Object argument) {
      return operation() == Operation.SOCKET_CONNECT || !fault.effects().stand();
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

    @Override
    public Peer peer(Object self, @Nullable Object argument) {
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
    protected @Nullable Object inject(
        Injection injection, Original original, Object self, Object[] arguments) throws Throwable {
      Call call;
      try {
        call = new Call(transport(self), self, state(self), original, self, arguments);
      } catch (Throwable e) {
        OwnFailures.note(e);
        injection.finish();
        return original.call(self, arguments);
      }
      return new NettyNativeCall.Connect(injection, exceptions, call).carryOut();
    }
  }

  /** A call of a hooked method. */
  public record Call(
      Transport transport,
      Object channel,
      State state,
      Original original,
      Object self,
      Object[] arguments) {

    /** Lets it go on, having been decided on. */
    public @Nullable Object goOn(Operation operation) throws Throwable {
      state.passes = operation;
      try {
        return original.call(self, arguments);
      } finally {
        if (state.passes == operation) {
          state.passes = null;
        }
      }
    }

    /** Lets it go on, with all that stands carried out. */
    public @Nullable Object goOnBare() throws Throwable {
      state.bare = original;
      try {
        return original.call(self, arguments);
      } finally {
        if (state.bare == original) {
          state.bare = null;
        }
      }
    }
  }

  /** Beneath a read that may go on: how much of it. */
  private final class Portion implements Handler {
    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object self, @Nullable Object argument) {
      try {
        Object channel = adapters.of(self.getClass()).channel(self);
        State state = states.get(channel);
        if (state == null || state.line.inbound().isIdle()) {
          return null;
        }
        if (state.bare == original) {
          state.bare = null;
          return null;
        }
        Transport transport = transport(channel);
        return (it, arguments) ->
            this.<RuntimeException>read(
                new Call(transport, channel, state, original, it, arguments));
      } catch (Throwable e) {
        OwnFailures.note(e);
        return null;
      }
    }

    @SuppressWarnings("unchecked")
    private <E extends Throwable> @Nullable Object read(Call call) throws E {
      try {
        return new NettyNativeLane(read.armory(), call, call.state.line.inbound()).portion();
      } catch (Throwable e) {
        throw (E) e;
      }
    }
  }
}
