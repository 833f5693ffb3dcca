package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.fault.Lane;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.weave.Access;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import io.netty.channel.epoll.Native;
import io.netty.channel.socket.DatagramChannel;
import io.netty.channel.unix.Errors;
import io.netty.channel.unix.FileDescriptor;
import io.netty.channel.unix.Socket;
import io.netty.channel.unix.UnixChannel;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.net.ConnectException;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The adapter of {@link NettyNative}: what its transports do not say in public. */
public final class NettyNativeInside implements NettyNative.Library {
  private volatile NettyNative.@Nullable Transport transport;

  @Override
  public Object channel(Object self) {
    return self instanceof Channel.Unsafe unsafe ? unsafe.voidPromise().channel() : self;
  }

  @Override
  public NettyNative.Transport transport(Access access, Class<?> channel)
      throws ReflectiveOperationException {
    NettyNative.Transport known = transport;
    if (known == null) {
      String name = channel.getName();
      Inside in = new Inside(access, channel);
      if (name.contains(".uring.")) {
        known = new Uring(in);
      } else if (name.contains(".kqueue.")) {
        known = new KQueue(in);
      } else {
        known = new Epoll(in);
      }
      transport = known;
    }
    return known;
  }

  /** Finds what is not public in a class or above it. */
  private record Inside(Access access, Class<?> type) {
    Inside with(String nested) throws ClassNotFoundException {
      return new Inside(
          access, Class.forName(type.getName().concat(nested), false, type.getClassLoader()));
    }

    /** The class of that name above this one. */
    Inside above(String name) {
      Class<?> each = type;
      while (!each.getSimpleName().equals(name)) {
        each = each.getSuperclass();
      }
      return new Inside(access, each);
    }

    MethodHandle method(String name, Class<?> result, Class<?>... parameters)
        throws ReflectiveOperationException {
      MethodType its = MethodType.methodType(result, parameters);
      MethodHandle found = access.in(type).findVirtual(type, name, its);
      return found.asType(found.type().changeParameterType(0, Object.class));
    }

    VarHandle field(String name, Class<?> its) throws ReflectiveOperationException {
      return access.in(type).findVarHandle(type, name, its);
    }
  }

  /** What they have in common. */
  private abstract static class Common implements NettyNative.Transport {
    private static final int PART = 65_536;

    private final boolean isStream;
    private final VarHandle connecting;
    private final VarHandle asked;
    private final MethodHandle annotated;
    private final MethodHandle writeFailed;
    private final MethodHandle flush;
    private final MethodHandle shutdown;

    Common(Inside channel, Inside base) throws ReflectiveOperationException {
      isStream = !DatagramChannel.class.isAssignableFrom(channel.type);
      connecting = base.field("connectPromise", ChannelPromise.class);
      asked = base.field("requestedRemoteAddress", SocketAddress.class);
      Inside unsafe = channel.above("AbstractChannel").with("$AbstractUnsafe");
      annotated =
          unsafe.method(
              "annotateConnectException", Throwable.class, Throwable.class, SocketAddress.class);
      writeFailed = unsafe.method("handleWriteError", void.class, Throwable.class);
      flush = unsafe.method("flush0", void.class);
      shutdown =
          channel
              .access
              .in(Socket.class)
              .findStatic(
                  Socket.class,
                  "shutdown",
                  MethodType.methodType(int.class, int.class, boolean.class, boolean.class));
    }

    static Channel of(Object channel) {
      return (Channel) channel;
    }

    static Channel.Unsafe unsafe(Object channel) {
      return of(channel).unsafe();
    }

    /** Whether the application wants to read on. */
    static boolean isAutoRead(Object channel) {
      return of(channel).config().isAutoRead();
    }

    @Override
    public boolean isStream() {
      return isStream;
    }

    @Override
    public @Nullable SocketAddress remote(Object channel) {
      return of(channel).remoteAddress();
    }

    @Override
    public @Nullable SocketAddress acceptedAt(Object channel) {
      return of(channel).parent() == null ? null : of(channel).localAddress();
    }

    @Override
    public boolean isReady(Object channel, @Nullable Object argument) {
      return of(channel).isActive();
    }

    @Override
    public boolean writes(Object channel, @Nullable Object argument) {
      return argument instanceof ChannelOutboundBuffer out && !out.isEmpty();
    }

    @Override
    public void execute(Object channel, Runnable work) {
      of(channel).eventLoop().execute(work);
    }

    @Override
    public Object whenClosed(Object channel, Runnable then) {
      ChannelFutureListener listener = closed -> then.run();
      of(channel).closeFuture().addListener(listener);
      return listener;
    }

    @Override
    public void forget(Object channel, Object whenClosed) {
      of(channel).closeFuture().removeListener((ChannelFutureListener) whenClosed);
    }

    @Override
    public boolean isOpen(Object channel) {
      return of(channel).isOpen() && of(channel).isRegistered();
    }

    // ---- connecting

    @Override
    public long connectTimeoutMillis(Object channel) {
      return of(channel).config().getConnectTimeoutMillis();
    }

    @Override
    public void connect(NettyNative.Call call) throws Throwable {
      Object channel = call.channel();
      ChannelPromise promise = (ChannelPromise) connecting.get(channel);
      if (promise == null || promise.isDone()) {
        return;
      }
      // where the kernel refuses at once the transport closes, and would fail it by that
      connecting.set(channel, null);
      try {
        begun(channel, Boolean.TRUE.equals(call.goOn(Operation.SOCKET_CONNECT)));
        connecting.set(channel, promise);
      } catch (Throwable failure) {
        promise.tryFailure(annotated(channel, failure));
        unsafe(channel).close(unsafe(channel).voidPromise());
      }
    }

    /** What the transport does right after its call. */
    abstract void begun(Object channel, boolean connected) throws Throwable;

    private Throwable annotated(Object channel, Throwable failure) throws Throwable {
      return (Throwable)
          annotated.invoke((Object) unsafe(channel), failure, (SocketAddress) asked.get(channel));
    }

    @Override
    public void failConnect(Object channel, Throwable failure) throws Throwable {
      ChannelPromise promise = (ChannelPromise) connecting.get(channel);
      if (promise != null && promise.tryFailure(annotated(channel, failure))) {
        unsafe(channel).close(unsafe(channel).voidPromise());
      }
    }

    @Override
    public Throwable timedOut() {
      return new ConnectException(
          Errors.newIOException("finishConnect", -110 /* ETIMEDOUT, errno(3) */).getMessage());
    }

    // ---- reading

    @Override
    public boolean quieten(Object channel) throws Throwable {
      return false;
    }

    @Override
    public @Nullable Object nothingRead() {
      return null;
    }

    @Override
    public void failRead(Object channel, Throwable failure) {
      of(channel).pipeline().fireChannelReadComplete();
      of(channel).pipeline().fireExceptionCaught(failure);
      unsafe(channel).close(unsafe(channel).voidPromise());
    }

    // ---- writing

    @Override
    public void resumeWrites(Object channel) throws Throwable {
      flush.invoke((Object) unsafe(channel));
    }

    @Override
    public void failWrite(Object channel, Throwable failure) throws Throwable {
      writeFailed.invoke((Object) unsafe(channel), failure);
    }

    // ---- what stands on the whole connection

    @Override
    public @Nullable Object ready(NettyNative.Call call, Lane lane) throws Throwable {
      return call.goOnBare();
    }

    /** The transport reads as much as the buffer is long. */
    @Override
    public @Nullable Object portion(NettyNative.Call call, Lane lane) throws Throwable {
      ByteBuf bytes = (ByteBuf) call.arguments()[0];
      int at = bytes.writerIndex();
      int portion = (int) lane.portion(Math.max(1, bytes.writableBytes()));
      if (portion < bytes.writableBytes()) {
        bytes.capacity(at + portion);
      }
      Object result = call.goOnBare();
      if (result instanceof Integer got && got > 0) {
        came(bytes, at, got, lane);
      }
      return result;
    }

    static void came(ByteBuf bytes, int at, int count, Lane lane) {
      if (lane.corrupts()) {
        lane.corrupt(bytes.nioBuffer(at, count));
      }
      lane.passed(count);
    }

    @Override
    public void halt(NettyNative.Call call) {}

    @Override
    public boolean isEmpty(Object out) {
      return ((ChannelOutboundBuffer) out).isEmpty();
    }

    @Override
    public long write(Object channel, Object out, long most, Lane lane) throws IOException {
      ChannelOutboundBuffer buffer = (ChannelOutboundBuffer) out;
      while (buffer.current() instanceof ByteBuf empty && !empty.isReadable()) {
        buffer.remove();
      }
      if (!(buffer.current() instanceof ByteBuf bytes)) {
        return buffer.isEmpty() ? 0 : -1;
      }
      int count = (int) Math.min(Math.min(bytes.readableBytes(), most), PART);
      ByteBuf copy = of(channel).alloc().directBuffer(count, count);
      try {
        copy.writeBytes(bytes, bytes.readerIndex(), count);
        ByteBuffer portion = copy.nioBuffer(0, count);
        if (lane.corrupts()) {
          lane.corrupt(portion);
        }
        int written = ((UnixChannel) channel).fd().write(portion, 0, count);
        if (written > 0) {
          buffer.removeBytes(written);
        }
        return written;
      } finally {
        copy.release();
      }
    }

    @Override
    public void swallow(Object channel, Object out, Deque<byte[]> into) {
      Integer size = of(channel).config().getOption(ChannelOption.SO_SNDBUF);
      long room = size == null ? PART : size;
      for (byte[] each : into) {
        room -= each.length;
      }
      ChannelOutboundBuffer buffer = (ChannelOutboundBuffer) out;
      while (room > 0 && buffer.current() instanceof ByteBuf bytes) {
        byte[] taken = new byte[(int) Math.min(bytes.readableBytes(), room)];
        bytes.getBytes(bytes.readerIndex(), taken);
        into.add(taken);
        room -= taken.length;
        if (taken.length == 0) {
          buffer.remove();
        } else {
          buffer.removeBytes(taken.length);
        }
      }
    }

    @Override
    public boolean send(Object channel, Deque<byte[]> taken) throws IOException {
      for (byte[] next = taken.poll(); next != null; next = taken.poll()) {
        ByteBuf copy = of(channel).alloc().directBuffer(Math.max(1, next.length));
        try {
          copy.writeBytes(next);
          int written =
              ((UnixChannel) channel).fd().write(copy.nioBuffer(0, next.length), 0, next.length);
          if (written < next.length) {
            taken.addFirst(Arrays.copyOfRange(next, Math.max(0, written), next.length));
            return false;
          }
        } finally {
          copy.release();
        }
      }
      return true;
    }

    @Override
    public int linger(Object channel, int seconds) throws IOException {
      if (((UnixChannel) channel).fd() instanceof Socket socket) {
        int before = socket.getSoLinger();
        socket.setSoLinger(seconds);
        return before;
      }
      return -1;
    }

    @Override
    public void schedule(Object channel, Runnable work, long millis) {
      var unused = of(channel).eventLoop().schedule(work, millis, TimeUnit.MILLISECONDS);
    }

    // ---- breaking

    @Override
    public void reset(Object channel) throws Throwable {
      if (((UnixChannel) channel).fd() instanceof Socket socket) {
        // connect(AF_UNSPEC), which is what resets a connection, connect(2)
        socket.disconnect();
        // after a reset of the peer's both directions are shut down: io_uring is told by that alone
        int unused = (int) shutdown.invoke(socket.intValue(), true, true);
      }
    }

    @Override
    public void end(Object channel, boolean both) throws Throwable {
      FileDescriptor socket = ((UnixChannel) channel).fd();
      int failed = (int) shutdown.invoke(socket.intValue(), true, both);
      if (failed >= 0) {
        ByteBuffer lost = ByteBuffer.allocateDirect(PART);
        while (socket.read(lost, 0, PART) > 0) {
          // what has come is lost
        }
      }
    }
  }

  /** Forgets what was asked too early: a socket has its address once it connects. */
  private static final class LocalAddress {
    private final VarHandle known;
    private final MethodHandle forget;

    LocalAddress(Inside base) throws ReflectiveOperationException {
      known = base.field("local", SocketAddress.class);
      forget = base.above("AbstractChannel").method("invalidateLocalAddress", void.class);
    }

    void begun(Object channel) throws Throwable {
      if (((UnixChannel) channel).fd() instanceof Socket socket) {
        known.setVolatile(channel, socket.localAddress());
        forget.invoke(channel);
      }
    }
  }

  private static final class Epoll extends Common {
    private final LocalAddress addressed;
    private final MethodHandle set;
    private final MethodHandle clear;
    private final MethodHandle isSet;
    private final MethodHandle inReady;
    private final VarHandle wanted;

    Epoll(Inside channel) throws ReflectiveOperationException {
      super(channel, channel.above("AbstractEpollChannel"));
      Inside base = channel.above("AbstractEpollChannel");
      addressed = new LocalAddress(base);
      set = base.method("setFlag", void.class, int.class);
      clear = base.method("clearFlag", void.class, int.class);
      isSet = base.method("isFlagSet", boolean.class, int.class);
      Inside unsafe = base.with("$AbstractEpollUnsafe");
      inReady = unsafe.method("epollInReady", void.class);
      wanted = unsafe.field("readPending", boolean.class);
    }

    @Override
    void begun(Object channel, boolean connected) throws Throwable {
      addressed.begun(channel);
      if (connected) {
        set.invoke(channel, Native.EPOLLOUT); // so that it finds out
      }
    }

    @Override
    public boolean wantsReads(Object channel) {
      return isAutoRead(channel) || (boolean) wanted.get(unsafe(channel));
    }

    /** Errors and hang-ups cannot be masked, but be told only once. */
    @Override
    public boolean quieten(Object channel) throws Throwable {
      boolean level = !(boolean) isSet.invoke(channel, Native.EPOLLET);
      if (level) {
        set.invoke(channel, Native.EPOLLET);
      }
      return level;
    }

    @Override
    public void pauseReads(Object channel) throws Throwable {
      clear.invoke(channel, Native.EPOLLIN);
    }

    @Override
    public void resumeReads(Object channel, boolean quietened, boolean now) throws Throwable {
      if (quietened) {
        clear.invoke(channel, Native.EPOLLET);
      }
      if (wantsReads(channel)) {
        set.invoke(channel, Native.EPOLLIN);
      }
      if (now) {
        inReady.invoke((Object) unsafe(channel));
      }
    }

    @Override
    public void awaitRoom(Object channel) throws Throwable {
      set.invoke(channel, Native.EPOLLOUT);
    }

    @Override
    public void pauseWrites(Object channel) throws Throwable {
      clear.invoke(channel, Native.EPOLLOUT);
    }
  }

  private static final class KQueue extends Common {
    private final LocalAddress addressed;
    private final MethodHandle readFilter;
    private final MethodHandle writeFilter;
    private final VarHandle wanted;

    KQueue(Inside channel) throws ReflectiveOperationException {
      super(channel, channel.above("AbstractKQueueChannel"));
      Inside base = channel.above("AbstractKQueueChannel");
      addressed = new LocalAddress(base);
      readFilter = base.method("readFilter", void.class, boolean.class);
      writeFilter = base.method("writeFilter", void.class, boolean.class);
      wanted = base.with("$AbstractKQueueUnsafe").field("readPending", boolean.class);
    }

    @Override
    void begun(Object channel, boolean connected) throws Throwable {
      addressed.begun(channel);
      if (connected) {
        writeFilter.invoke(channel, true); // so that it finds out
      }
    }

    @Override
    public boolean wantsReads(Object channel) {
      return isAutoRead(channel) || (boolean) wanted.get(unsafe(channel));
    }

    @Override
    public void pauseReads(Object channel) throws Throwable {
      readFilter.invoke(channel, false);
    }

    /** The filter tells of what is there already. */
    @Override
    public void resumeReads(Object channel, boolean quietened, boolean now) throws Throwable {
      if (now) {
        readFilter.invoke(channel, true);
      }
    }

    @Override
    public void awaitRoom(Object channel) throws Throwable {
      writeFilter.invoke(channel, true);
    }

    @Override
    public void pauseWrites(Object channel) throws Throwable {
      writeFilter.invoke(channel, false);
    }
  }

  /** Here a read is asked for once the kernel has said that there is something: it is not asked. */
  private static final class Uring extends Common {
    private final VarHandle wanted;
    private final VarHandle state;
    private final byte connects;
    private final byte writing;
    private final byte awaiting;
    private final MethodHandle await;
    private final VarHandle reading;
    private final MethodHandle pollsFirst;
    private final MethodHandle readFirst;

    Uring(Inside channel) throws ReflectiveOperationException {
      super(channel, channel.above("AbstractIoUringChannel"));
      Inside base = channel.above("AbstractIoUringChannel");
      wanted = base.field("readPending", boolean.class);
      state = base.field("ioState", byte.class);
      connects = mask(base, "CONNECT_SCHEDULED");
      writing = mask(base, "WRITE_SCHEDULED");
      awaiting = mask(base, "POLL_OUT_SCHEDULED");
      await = base.method("schedulePollOut", void.class);
      Inside stream = channel.above("AbstractIoUringStreamChannel").with("$IoUringStreamUnsafe");
      reading = stream.field("readBuffer", ByteBuf.class);
      pollsFirst = base.method("isPollInFirst", boolean.class);
      readFirst = base.with("$AbstractUringUnsafe").method("scheduleFirstReadIfNeeded", void.class);
    }

    private static byte mask(Inside base, String name) throws ReflectiveOperationException {
      return (byte)
          (int) base.access.in(base.type).findStaticVarHandle(base.type, name, int.class).get();
    }

    /** With a ring of buffers it reads ahead. */
    @Override
    public boolean isReady(Object channel, @Nullable Object first) {
      try {
        return Boolean.TRUE.equals(first)
            && super.isReady(channel, first)
            && (boolean) pollsFirst.invoke(channel);
      } catch (Throwable e) {
        OwnFailures.note(e);
        return false;
      }
    }

    @Override
    public boolean writes(Object channel, @Nullable Object argument) {
      return ((byte) state.get(channel) & writing) == 0 && super.writes(channel, argument);
    }

    @Override
    void begun(Object channel, boolean connected) {
      state.set(channel, (byte) ((byte) state.get(channel) | connects));
    }

    @Override
    public boolean wantsReads(Object channel) {
      return isAutoRead(channel) || (boolean) wanted.get(channel);
    }

    @Override
    public Object nothingRead() {
      return 0;
    }

    @Override
    public void pauseReads(Object channel) {}

    @Override
    public void resumeReads(Object channel, boolean quietened, boolean now) throws Throwable {
      if (now) {
        readFirst.invoke((Object) unsafe(channel));
      }
    }

    @Override
    public void pauseWrites(Object channel) {}

    @Override
    public void awaitRoom(Object channel) throws Throwable {
      if (((byte) state.get(channel) & awaiting) == 0) {
        await.invoke(channel);
      }
    }

    /** The transport asks the kernel for as much as the buffer is long that it gets. */
    @Override
    public @Nullable Object ready(NettyNative.Call call, Lane lane) throws Throwable {
      ChannelConfig config = of(call.channel()).config();
      ByteBufAllocator real = config.getAllocator();
      config.setAllocator(narrow(real, lane));
      try {
        return call.goOnBare();
      } finally {
        config.setAllocator(real);
      }
    }

    private static ByteBufAllocator narrow(ByteBufAllocator real, Lane lane) {
      InvocationHandler narrowing =
          (proxy, method, arguments) -> {
            if (method.getName().endsWith("uffer")
                && arguments != null
                && arguments.length == 1
                && arguments[0] instanceof Integer size) {
              return real.directBuffer((int) lane.portion(Math.max(1, size)));
            }
            return method.invoke(real, arguments);
          };
      return (ByteBufAllocator)
          Proxy.newProxyInstance(
              ByteBufAllocator.class.getClassLoader(),
              new Class<?>[] {ByteBufAllocator.class},
              narrowing);
    }

    /** Here it has read: the arguments tell how much. */
    @Override
    public @Nullable Object portion(NettyNative.Call call, Lane lane) throws Throwable {
      ByteBuf bytes = (ByteBuf) reading.get(call.self());
      if (call.arguments()[1] instanceof Integer got && got > 0 && bytes != null) {
        came(bytes, bytes.writerIndex(), got, lane);
      }
      return call.goOnBare();
    }

    @Override
    public void halt(NettyNative.Call call) {
      if (Boolean.FALSE.equals(call.arguments()[0])) {
        Channel channel = of(call.channel());
        channel.unsafe().recvBufAllocHandle().readComplete();
        channel.pipeline().fireChannelReadComplete();
      }
    }
  }
}
