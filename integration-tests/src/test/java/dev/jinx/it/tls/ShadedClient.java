package dev.jinx.it.tls;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.jinx.it.real.Certificates;
import io.grpc.netty.shaded.io.netty.bootstrap.Bootstrap;
import io.grpc.netty.shaded.io.netty.buffer.ByteBuf;
import io.grpc.netty.shaded.io.netty.buffer.ByteBufAllocator;
import io.grpc.netty.shaded.io.netty.buffer.Unpooled;
import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.ChannelInitializer;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.SimpleChannelInboundHandler;
import io.grpc.netty.shaded.io.netty.channel.nio.NioIoHandler;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioSocketChannel;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslHandler;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLEngine;

/** Netty as gRPC carries it along, with the engine of OpenSSL's that comes with it. */
final class ShadedClient {
  private static final MultiThreadIoEventLoopGroup LOOP =
      new MultiThreadIoEventLoopGroup(
          1,
          work -> {
            Thread thread = new Thread(work, "netty");
            thread.setDaemon(true);
            return thread;
          },
          NioIoHandler.newFactory());

  private ShadedClient() {}

  private static SSLEngine engine(String host, int port) throws Exception {
    return SslContextBuilder.forClient()
        .sslProvider(SslProvider.OPENSSL)
        .trustManager(Certificates.trust(Certificates.serverStore()))
        .build()
        .newEngine(ByteBufAllocator.DEFAULT, host, port);
  }

  static String ask(int port) throws Exception {
    SslHandler tls = new SslHandler(engine("localhost", port));
    CompletableFuture<String> answer = new CompletableFuture<>();
    Channel channel =
        new Bootstrap()
            .group(LOOP)
            .channel(NioSocketChannel.class)
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
    var unusedToo = tls.handshakeFuture().sync();
    return answer.get(30, TimeUnit.SECONDS);
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
