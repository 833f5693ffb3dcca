package dev.jinx.it.tls;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import dev.jinx.it.real.Certificates;
import dev.jinx.it.real.Observed;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.ssl.SslHandler;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.security.KeyStore;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;

/** A way to be an HTTPS server of one answer per connection. */
enum ServerStyle {
  SOCKET {
    @Override
    Server start(InetAddress at, KeyStore store, SSLParameters parameters, int timeout)
        throws IOException {
      SSLServerSocket server =
          (SSLServerSocket)
              Certificates.context(store).getServerSocketFactory().createServerSocket(0, 50, at);
      server.setSSLParameters(parameters);
      Server started = new Server(server.getLocalPort(), server);
      started.serve(
          () -> {
            SSLSocket socket = (SSLSocket) server.accept();
            return () -> {
              try (socket) {
                socket.setSoTimeout(timeout);
                socket.startHandshake();
                var unused = socket.getInputStream().read(new byte[1000]);
                socket.getOutputStream().write(ANSWER);
                return "done";
              }
            };
          });
      return started;
    }
  },
  /** An engine, as the servers on channels have it: Tomcat, Jetty, Undertow. */
  ENGINE {
    @Override
    Server start(InetAddress at, KeyStore store, SSLParameters parameters, int timeout)
        throws IOException {
      ServerSocketChannel server = ServerSocketChannel.open().bind(new InetSocketAddress(at, 0));
      Server started = new Server(server.socket().getLocalPort(), server);
      started.serve(
          () -> {
            SocketChannel channel = server.accept();
            return () -> {
              try (channel) {
                new EngineConnection(channel, engine(store, parameters)).answer(ANSWER);
                return "done";
              }
            };
          });
      return started;
    }
  },
  /** The JDK's own, which keeps what it sees to itself. */
  HTTPS_SERVER {
    @Override
    Server start(InetAddress at, KeyStore store, SSLParameters parameters, int timeout)
        throws IOException {
      HttpsServer server = HttpsServer.create(new InetSocketAddress(at, 0), 0);
      server.setHttpsConfigurator(
          new HttpsConfigurator(Certificates.context(store)) {
            @Override
            public void configure(HttpsParameters of) {
              of.setSSLParameters(parameters);
            }
          });
      server.createContext(
          "/",
          exchange -> {
            exchange.sendResponseHeaders(200, TlsPeer.HELLO.length());
            exchange.getResponseBody().write(TlsPeer.HELLO.getBytes(ISO_8859_1));
            exchange.close();
          });
      server.start();
      return new Server(server.getAddress().getPort(), () -> server.stop(0));
    }
  },
  /** With the JDK's engine, all of its channels on one event loop. */
  NETTY {
    @Override
    Server start(InetAddress at, KeyStore store, SSLParameters parameters, int timeout) {
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
                      SslHandler tls = new SslHandler(engine(store, parameters));
                      fresh.pipeline().addLast(tls, new Answer());
                      tls.handshakeFuture()
                          .addListener(shaken -> seen.add(Observed.of(() -> outcome(shaken))));
                    }
                  })
              .bind(at, 0)
              .syncUninterruptibly()
              .channel();
      int port = ((InetSocketAddress) server.localAddress()).getPort();
      return new Server(
          port,
          () -> {
            server.close().syncUninterruptibly();
            var unused = loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
          },
          seen);
    }

    private static String outcome(io.netty.util.concurrent.Future<?> shaken) throws Exception {
      if (shaken.cause() instanceof Exception failure) {
        throw failure;
      }
      return "done";
    }

    private static final class Answer extends SimpleChannelInboundHandler<ByteBuf> {
      @Override
      protected void channelRead0(ChannelHandlerContext context, ByteBuf received) {
        var unused =
            context
                .writeAndFlush(Unpooled.wrappedBuffer(ANSWER))
                .addListener(ChannelFutureListener.CLOSE);
      }

      @Override
      public void exceptionCaught(ChannelHandlerContext context, Throwable failure) {
        var unused = context.close();
      }
    }
  },
  /** The same with the engine of OpenSSL's, in the Netty that gRPC carries along. */
  OPENSSL {
    @Override
    Server start(InetAddress at, KeyStore store, SSLParameters parameters, int timeout)
        throws IOException {
      return ShadedServer.start(at, store, parameters, ANSWER);
    }
  };

  private static final byte[] ANSWER =
      ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\n" + TlsPeer.HELLO)
          .getBytes(ISO_8859_1);

  /**
   * @param timeout milliseconds that a blocking server waits for its client; 0 for ever
   */
  abstract Server start(InetAddress at, KeyStore store, SSLParameters parameters, int timeout)
      throws IOException;

  /** Whether it knows how its handshakes went. */
  boolean tells() {
    return this != HTTPS_SERVER;
  }

  /** Whether its handshakes can be made to wait. */
  boolean canBeHeld() {
    return this == SOCKET || this == NETTY || this == OPENSSL;
  }

  private static SSLEngine engine(KeyStore store, SSLParameters parameters) {
    SSLEngine engine = Certificates.context(store).createSSLEngine();
    engine.setUseClientMode(false);
    engine.setSSLParameters(parameters);
    return engine;
  }
}
