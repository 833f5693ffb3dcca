package dev.jinx.agent.point.http;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.point.Adapters;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.Landmark;
import io.netty.channel.Channel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.http.impl.HttpClientBase;
import io.vertx.core.http.impl.HttpClientImpl;
import io.vertx.core.http.impl.tcp.TcpHttpClientTransport;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.http.HttpClientTransport;
import io.vertx.core.net.TcpClientConfig;
import io.vertx.core.net.impl.tcp.NetClientImpl;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.net.InetAddress;
import java.util.List;
import java.util.Objects;
import java.util.function.BiConsumer;
import javax.net.ssl.SSLHandshakeException;
import org.jspecify.annotations.Nullable;

/**
 * Vert.x 5, its client and the WebClient on it: each attempt, a redirect included, asks {@code
 * HttpClientImpl.request} for a connection once.
 */
public final class Vertx extends NettyConnecting {
  private static final String CLIENT = "io/vertx/core/http/impl/HttpClientImpl";
  private static final String REQUEST =
      "(Lio/vertx/core/http/RequestOptions;)Lio/vertx/core/Future;";

  /** What links the library. */
  public interface Library {
    @Nullable String read(Access access, Field field, Object client, Object options);

    Attempt attempt(Access access, Object client, Object[] arguments) throws Throwable;
  }

  private final Access access;
  private final Adapters<Library> adapters;

  public Vertx(Armory armory, Access access, Exceptions exceptions) {
    super(armory, access, exceptions);
    this.access = access;
    this.adapters =
        new Adapters<>("dev.jinx.agent.point.http.Vertx$Adapter", Library.class, access);
  }

  @Override
  public String client() {
    return NettyHttp.VERTX;
  }

  @Override
  public List<ClassHooks> classes() {
    return List.of(new ClassHooks(client(), CLIENT, List.of(on("request", REQUEST, 0))));
  }

  @Override
  public List<Landmark> landmarks() {
    return List.of(
        new Landmark(client(), "io/vertx/core/http/HttpClientOptions", List.of(List.of(CLIENT))));
  }

  @Override
  public @Nullable String read(
      Field field, @Nullable String name, Object client, @Nullable Object options) {
    if (field == Field.CLIENT) {
      return client();
    }
    if (options == null) {
      return null;
    }
    String text = adapters.of(client.getClass()).read(access, field, client, options);
    return switch (field) {
      case PATH -> RequestTarget.path(text);
      case QUERY -> RequestTarget.query(text);
      default -> text;
    };
  }

  @Override
  Attempt attempt(Object client, Object[] arguments) throws Throwable {
    return adapters.of(client.getClass()).attempt(access, client, arguments);
  }

  @Override
  @Nullable Object passedOn(Object[] all) {
    return all[0];
  }

  /** Nothing in it is private: its nested classes have no host in common there. */
  static final class Adapter implements Library {
    volatile @Nullable Handles handles;

    Handles handles(Access access) throws ReflectiveOperationException {
      Handles known = handles;
      if (known == null) {
        known = new Handles(access);
        handles = known;
      }
      return known;
    }

    @Override
    public @Nullable String read(Access access, Field field, Object client, Object options) {
      RequestOptions its = (RequestOptions) options;
      try {
        return switch (field) {
          case METHOD -> its.getMethod().name();
          case SCHEME -> {
            Boolean ssl = its.isSsl();
            yield (ssl == null ? (boolean) handles(access).ssl.invoke(client) : ssl)
                ? "https"
                : "http";
          }
          case HOST ->
              its.getHost() == null ? (String) handles(access).host.invoke(client) : its.getHost();
          case PORT -> {
            Integer port = its.getPort();
            yield Integer.toString(port == null ? (int) handles(access).port.invoke(client) : port);
          }
          case PATH, QUERY -> its.getURI();
          default -> null;
        };
      } catch (Throwable e) {
        throw new IllegalStateException(e);
      }
    }

    @Override
    public Attempt attempt(Access access, Object client, Object[] arguments) throws Throwable {
      return new Requesting(
          handles(access), (HttpClientImpl) client, (RequestOptions) arguments[0]);
    }

    /** What is private there. */
    static final class Handles {
      final MethodHandle host;
      final MethodHandle port;
      final MethodHandle ssl;
      final MethodHandle transport;
      final MethodHandle config;

      Handles(Access access) throws ReflectiveOperationException {
        Class<?> client = HttpClientImpl.class;
        MethodHandles.Lookup in = access.in(client);
        host = in.findGetter(client, "defaultHost", String.class);
        port = in.findGetter(client, "defaultPort", int.class);
        ssl = in.findGetter(client, "defaultSsl", boolean.class);
        transport = in.findGetter(client, "tcpTransport", HttpClientTransport.class);
        config =
            access
                .in(NetClientImpl.class)
                .findGetter(NetClientImpl.class, "config", TcpClientConfig.class);
      }
    }

    static final class Requesting implements Attempt {
      final Handles its;
      final HttpClientImpl client;
      final RequestOptions options;
      final ContextInternal context;
      final Promise<HttpClientRequest> result;

      Requesting(Handles its, HttpClientImpl client, RequestOptions options) {
        this.its = its;
        this.client = client;
        this.options = options;
        context = ((HttpClientBase) client).vertx().getOrCreateContext();
        result = context.promise();
      }

      @Override
      public long connectTimeout() {
        long own =
            options.getConnectTimeout() >= 0 ? options.getConnectTimeout() : options.getTimeout();
        if (own > 0) {
          return own;
        }
        try {
          return its.transport.invoke(client) instanceof TcpHttpClientTransport tcp
              ? ((TcpClientConfig) its.config.invoke((NetClientImpl) tcp.client()))
                  .getConnectTimeout()
                  .toMillis()
              : DEFAULT_CONNECT_TIMEOUT;
        } catch (Throwable e) {
          return DEFAULT_CONNECT_TIMEOUT;
        }
      }

      @Override
      public Class<?> channel() {
        String transport = ((HttpClientBase) client).vertx().transport().getClass().getName();
        return transport.contains("Epoll") ? EpollSocketChannel.class : Channel.class;
      }

      @Override
      public Class<?> netty() {
        return Channel.class;
      }

      @Override
      public void execute(Runnable work) {
        context.nettyEventLoop().execute(work);
      }

      @Override
      public void resolve(
          String host, int port, BiConsumer<@Nullable InetAddress, @Nullable Throwable> to) {
        ((HttpClientBase) client)
            .vertx()
            .nameResolver()
            .resolve(host)
            .onComplete(
                resolved ->
                    execute(
                        () ->
                            to.accept(
                                resolved.succeeded() ? resolved.result() : null,
                                resolved.cause())));
      }

      @Override
      public Object result() {
        return result.future();
      }

      @Override
      public void begin(Runnable work) {
        work.run();
      }

      @Override
      @SuppressWarnings("unchecked")
      public void follow(@Nullable Object real) {
        ((Future<HttpClientRequest>) Objects.requireNonNull(real)).onComplete(result);
      }

      @Override
      public void fail(Throwable failure) {
        result.tryFail(failure);
      }

      @Override
      public Throwable overTls(Throwable failure) {
        return new SSLHandshakeException("Failed to create SSL connection").initCause(failure);
      }
    }
  }
}
