package dev.jinx.it.socket;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.channel.uring.IoUring;
import io.netty.channel.uring.IoUringIoHandler;
import io.netty.channel.uring.IoUringSocketChannel;
import java.io.EOFException;
import java.net.InetSocketAddress;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/** A client on one event loop, of the JDK's channels or of those that pass nothing of the JDK. */
enum NettyTransport {
  NIO(NioSocketChannel.class) {
    @Override
    @Nullable Throwable missing() {
      return null;
    }

    @Override
    IoHandlerFactory factory() {
      return NioIoHandler.newFactory();
    }
  },
  EPOLL(EpollSocketChannel.class) {
    @Override
    @Nullable Throwable missing() {
      return Epoll.unavailabilityCause();
    }

    @Override
    IoHandlerFactory factory() {
      return EpollIoHandler.newFactory();
    }
  },
  IO_URING(IoUringSocketChannel.class) {
    @Override
    @Nullable Throwable missing() {
      return IoUring.unavailabilityCause();
    }

    @Override
    IoHandlerFactory factory() {
      return IoUringIoHandler.newFactory();
    }
  };

  private final Class<? extends Channel> channel;

  NettyTransport(Class<? extends Channel> channel) {
    this.channel = channel;
  }

  abstract @Nullable Throwable missing();

  abstract IoHandlerFactory factory();

  Loop open() {
    if (missing() != null) {
      System.err.println("SKIPPED: " + this + " is not to be had here: " + missing());
    }
    assumeThat(missing()).as("%s", this).isNull();
    return new Loop(this);
  }

  /** One event loop. */
  static final class Loop implements AutoCloseable {
    private final NettyTransport transport;
    private final MultiThreadIoEventLoopGroup group;

    private Loop(NettyTransport transport) {
      this.transport = transport;
      this.group = new MultiThreadIoEventLoopGroup(1, transport.factory());
    }

    MultiThreadIoEventLoopGroup group() {
      return group;
    }

    Talk connect(InetSocketAddress address, int timeoutMillis) throws InterruptedException {
      Answers answers = new Answers();
      return new Talk(connect(address, timeoutMillis, answers), answers);
    }

    Channel connect(InetSocketAddress address, int timeoutMillis, ChannelHandler handler)
        throws InterruptedException {
      return new Bootstrap()
          .group(group)
          .channel(transport.channel)
          .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, timeoutMillis)
          .handler(handler)
          .connect(address)
          .sync()
          .channel();
    }

    @Override
    public void close() {
      var unused = group.shutdownGracefully(0, 0, SECONDS);
    }
  }

  /** A connection of which each byte is an answer. */
  record Talk(Channel channel, Answers answers) implements AutoCloseable {
    CompletableFuture<Byte> ask() {
      CompletableFuture<Byte> answer = receive();
      var unused = channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[] {7}));
      return answer;
    }

    CompletableFuture<Byte> receive() {
      CompletableFuture<Byte> answer = new CompletableFuture<>();
      answers.waiting.add(answer);
      return answer;
    }

    @Override
    public void close() {
      channel.close().syncUninterruptibly();
    }
  }

  static final class Answers extends ChannelInboundHandlerAdapter {
    final BlockingQueue<CompletableFuture<Byte>> waiting = new LinkedBlockingQueue<>();
    private @Nullable Throwable failure;

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      ByteBuf bytes = (ByteBuf) message;
      while (bytes.isReadable()) {
        byte next = bytes.readByte();
        CompletableFuture<Byte> first = waiting.poll();
        if (first != null) {
          first.complete(next);
        }
      }
      bytes.release();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      failure = cause;
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      Throwable cause = failure == null ? new EOFException() : failure;
      for (CompletableFuture<Byte> each = waiting.poll(); each != null; each = waiting.poll()) {
        each.completeExceptionally(cause);
      }
    }
  }
}
