package dev.jinx.it.tls;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.jinx.it.real.Certificates;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.ssl.SslHandler;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLEngine;

/** Netty with the JDK's engine, all of its channels on one event loop. */
final class NettyClient {
  private static final MultiThreadIoEventLoopGroup LOOP =
      new MultiThreadIoEventLoopGroup(
          1,
          work -> {
            Thread thread = new Thread(work, "netty");
            thread.setDaemon(true);
            return thread;
          },
          NioIoHandler.newFactory());

  private NettyClient() {}

  static String ask(int port) throws Exception {
    Exchange exchange = begin("localhost", port, 10_000);
    exchange.tls.handshakeFuture().sync();
    return exchange.answer.get(10, TimeUnit.SECONDS);
  }

  /** One request and its answer. */
  record Exchange(Channel channel, SslHandler tls, CompletableFuture<String> answer) {}

  static Exchange begin(String host, int port, long handshakeTimeout) throws Exception {
    SSLEngine engine = Certificates.client().createSSLEngine(host, port);
    engine.setUseClientMode(true);
    SslHandler tls = new SslHandler(engine);
    tls.setHandshakeTimeoutMillis(handshakeTimeout);
    CompletableFuture<String> answer = new CompletableFuture<>();
    Channel channel =
        new Bootstrap()
            .group(LOOP)
            .channel(NioSocketChannel.class)
            .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, 5000)
            .handler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel fresh) {
                    fresh.pipeline().addLast(tls, new Answer(answer));
                  }
                })
            .connect("localhost", port)
            .sync()
            .channel();
    var unused =
        channel.writeAndFlush(
            Unpooled.copiedBuffer("GET / HTTP/1.1\r\n\r\n", ISO_8859_1), channel.voidPromise());
    return new Exchange(channel, tls, answer);
  }

  private static final class Answer extends SimpleChannelInboundHandler<ByteBuf> {
    private final StringBuilder text = new StringBuilder();
    private final CompletableFuture<String> answer;

    Answer(CompletableFuture<String> answer) {
      this.answer = answer;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, ByteBuf received) {
      text.append(received.toString(ISO_8859_1));
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      answer.complete(text.substring(text.indexOf("\r\n\r\n") + 4));
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable failure) {
      answer.completeExceptionally(failure);
      var unused = context.close();
    }
  }
}
