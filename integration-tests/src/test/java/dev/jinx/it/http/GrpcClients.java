package dev.jinx.it.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.jinx.it.real.Certificates;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import io.netty.channel.ChannelOption;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/** gRPC's clients and its server, without generated code: a message is a text. */
public final class GrpcClients {
  public static final MethodDescriptor<String, String> UNARY = method("Unary", MethodType.UNARY);
  static final MethodDescriptor<String, String> STREAMING =
      method("Streaming", MethodType.SERVER_STREAMING);

  private GrpcClients() {}

  private static MethodDescriptor<String, String> method(String name, MethodType type) {
    return MethodDescriptor.<String, String>newBuilder(new Text(), new Text())
        .setFullMethodName("jinx.Echo/" + name)
        .setType(type)
        .build();
  }

  private static final class Text implements MethodDescriptor.Marshaller<String> {
    @Override
    public InputStream stream(String text) {
      return new ByteArrayInputStream(text.getBytes(UTF_8));
    }

    @Override
    public String parse(InputStream in) {
      try {
        return new String(in.readAllBytes(), UTF_8);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /** What a call that failed brought along beside its status. */
  static final class Failed extends Exception {
    private static final long serialVersionUID = 1;

    Failed(StatusRuntimeException failure) {
      super(String.valueOf(failure.getTrailers()), failure);
    }
  }

  /** How a stub calls. */
  enum Style {
    BLOCKING {
      @Override
      List<String> call(ManagedChannel channel, CallOptions options) {
        return List.of(ClientCalls.blockingUnaryCall(channel, UNARY, options, "ping"));
      }
    },
    FUTURE {
      @Override
      List<String> call(ManagedChannel channel, CallOptions options) throws Exception {
        return List.of(ClientCalls.futureUnaryCall(channel.newCall(UNARY, options), "ping").get());
      }
    },
    ASYNC {
      @Override
      List<String> call(ManagedChannel channel, CallOptions options) throws Exception {
        var all = new Collected();
        ClientCalls.asyncServerStreamingCall(channel.newCall(STREAMING, options), "ping", all);
        return all.done.get();
      }
    },
    BLOCKING_STREAM {
      @Override
      List<String> call(ManagedChannel channel, CallOptions options) {
        List<String> all = new ArrayList<>();
        ClientCalls.blockingServerStreamingCall(channel, STREAMING, options, "ping")
            .forEachRemaining(all::add);
        return all;
      }
    };

    abstract List<String> call(ManagedChannel channel, CallOptions options) throws Exception;
  }

  private static final class Collected implements StreamObserver<String> {
    final CompletableFuture<List<String>> done = new CompletableFuture<>();
    private final List<String> all = new ArrayList<>();

    @Override
    public void onNext(String text) {
      all.add(text);
    }

    @Override
    public void onError(Throwable failure) {
      done.completeExceptionally(failure);
    }

    @Override
    public void onCompleted() {
      done.complete(all);
    }
  }

  /** A style on a transport. */
  record Grpc(String name, boolean shaded, Style style) {

    List<String> call(ManagedChannel channel, Duration deadline) throws Exception {
      try {
        return style.call(
            channel,
            CallOptions.DEFAULT.withDeadlineAfter(deadline.toMillis(), TimeUnit.MILLISECONDS));
      } catch (StatusRuntimeException failure) {
        throw new Failed(failure);
      } catch (ExecutionException failure) {
        throw failure.getCause() instanceof StatusRuntimeException status
            ? new ExecutionException(new Failed(status))
            : failure;
      }
    }

    ManagedChannelBuilder<?> channel(URI uri, Duration connect) {
      int millis = (int) connect.toMillis();
      String host = uri.getHost();
      int port = uri.getPort();
      return shaded
          ? io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder.forAddress(host, port)
              .withOption(
                  io.grpc.netty.shaded.io.netty.channel.ChannelOption.CONNECT_TIMEOUT_MILLIS,
                  millis)
              .usePlaintext()
          : NettyChannelBuilder.forAddress(host, port)
              .withOption(ChannelOption.CONNECT_TIMEOUT_MILLIS, millis)
              .usePlaintext();
    }

    @Override
    public String toString() {
      return name;
    }
  }

  static List<Grpc> all() {
    return List.of(
        new Grpc("gRPC netty blocking", false, Style.BLOCKING),
        new Grpc("gRPC netty future", false, Style.FUTURE),
        new Grpc("gRPC netty async, streaming", false, Style.ASYNC),
        new Grpc("gRPC netty blocking, streaming", false, Style.BLOCKING_STREAM),
        new Grpc("gRPC netty-shaded blocking", true, Style.BLOCKING),
        new Grpc("gRPC netty-shaded async, streaming", true, Style.ASYNC));
  }

  /** A channel that speaks TLS, of the JDK's kind, and trusts the tests' authority. */
  static ManagedChannel secure(URI uri) throws Exception {
    KeyStore store = Certificates.serverStore();
    var chain = store.getCertificateChain(store.aliases().nextElement());
    return NettyChannelBuilder.forAddress(uri.getHost(), uri.getPort())
        .sslContext(
            GrpcSslContexts.forClient()
                .trustManager((X509Certificate) chain[chain.length - 1])
                .build())
        .build();
  }

  /** A server that answers a unary call with its request, and a streaming one with ten. */
  public static final class Server implements AutoCloseable {
    private final io.grpc.Server server;
    private final AtomicInteger calls = new AtomicInteger();
    volatile Function<String, String> answer = text -> text;
    volatile io.grpc.Status status = io.grpc.Status.OK;

    public Server() throws IOException {
      var service =
          io.grpc.ServerServiceDefinition.builder("jinx.Echo")
              .addMethod(UNARY, ServerCalls.asyncUnaryCall((text, to) -> answer(text, to, 1)))
              .addMethod(
                  STREAMING,
                  ServerCalls.asyncServerStreamingCall((text, to) -> answer(text, to, 10)))
              .build();
      server =
          NettyServerBuilder.forAddress(new InetSocketAddress("localhost", 0))
              .addService(service)
              .build()
              .start();
    }

    private void answer(String text, StreamObserver<String> to, int times) {
      calls.incrementAndGet();
      if (!status.isOk()) {
        to.onError(status.asRuntimeException());
        return;
      }
      for (int i = 0; i < times; i++) {
        to.onNext(answer.apply(text));
      }
      to.onCompleted();
    }

    public URI uri() {
      return URI.create("http://localhost:" + server.getPort() + "/");
    }

    int calls() {
      return calls.get();
    }

    void recount() {
      calls.set(0);
    }

    void forget() {
      recount();
      answer = text -> text;
      status = io.grpc.Status.OK;
    }

    @Override
    public void close() {
      server.shutdownNow();
    }
  }
}
