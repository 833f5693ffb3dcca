package dev.jinx.it.tls;

import dev.jinx.it.real.Certificates;
import dev.jinx.it.real.Observed;
import io.grpc.netty.shaded.io.netty.bootstrap.ServerBootstrap;
import io.grpc.netty.shaded.io.netty.buffer.ByteBuf;
import io.grpc.netty.shaded.io.netty.buffer.Unpooled;
import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.ChannelFutureListener;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.ChannelInitializer;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.SimpleChannelInboundHandler;
import io.grpc.netty.shaded.io.netty.channel.nio.NioIoHandler;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioServerSocketChannel;
import io.grpc.netty.shaded.io.netty.handler.ssl.ClientAuth;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslHandler;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import io.grpc.netty.shaded.io.netty.util.concurrent.Future;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.KeyStore;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLParameters;

/** Netty as gRPC carries it along, as a server with the engine of OpenSSL's. */
final class ShadedServer {

  private ShadedServer() {}

  static Server start(InetAddress at, KeyStore store, SSLParameters parameters, byte[] answer)
      throws IOException {
    SslContext context = context(store, parameters);
    var loop = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    BlockingQueue<Observed> seen = new LinkedBlockingQueue<>();
    Channel server =
        new ServerBootstrap()
            .group(loop)
            .channel(NioServerSocketChannel.class)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel fresh) {
                    SslHandler tls = context.newHandler(fresh.alloc());
                    fresh.pipeline().addLast(tls, new Answer(answer));
                    var unused =
                        tls.handshakeFuture()
                            .addListener(shaken -> seen.add(Observed.of(() -> outcome(shaken))));
                  }
                })
            .bind(at, 0)
            .syncUninterruptibly()
            .channel();
    return new Server(
        ((InetSocketAddress) server.localAddress()).getPort(),
        () -> {
          var unusedToo = server.close().syncUninterruptibly();
          var unused = loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        },
        seen);
  }

  private static SslContext context(KeyStore store, SSLParameters parameters) throws IOException {
    SslContextBuilder builder =
        SslContextBuilder.forServer(Certificates.keys(store))
            .sslProvider(SslProvider.OPENSSL)
            .trustManager(Certificates.trust(store));
    if (parameters.getNeedClientAuth()) {
      builder.clientAuth(ClientAuth.REQUIRE);
    }
    if (parameters.getCipherSuites() != null) {
      builder.ciphers(List.of(parameters.getCipherSuites())).protocols(parameters.getProtocols());
    }
    return builder.build();
  }

  private static String outcome(Future<?> shaken) throws Exception {
    if (shaken.cause() instanceof Exception failure) {
      throw failure;
    }
    return "done";
  }

  private static final class Answer extends SimpleChannelInboundHandler<ByteBuf> {
    private final byte[] answer;

    Answer(byte[] answer) {
      this.answer = answer;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, ByteBuf received) {
      var unused =
          context
              .writeAndFlush(Unpooled.wrappedBuffer(answer))
              .addListener(ChannelFutureListener.CLOSE);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable failure) {
      var unused = context.close();
    }
  }
}
