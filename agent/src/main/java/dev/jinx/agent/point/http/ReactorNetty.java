package dev.jinx.agent.point.http;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.point.Adapters;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.Landmark;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.resolver.AddressResolver;
import io.netty.resolver.AddressResolverGroup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.List;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;
import reactor.netty.Connection;
import reactor.netty.http.client.HttpClientConfig;

/**
 * Reactor Netty, and so Spring's WebClient: each attempt, a redirect and a retry included, acquires
 * its connection once from {@code HttpConnectionProvider}.
 */
public final class ReactorNetty extends NettyConnecting {
  private static final String PROVIDER = "reactor/netty/http/client/HttpConnectionProvider";
  private static final String ACQUIRE =
      "(Lreactor/netty/transport/TransportConfig;Lreactor/netty/ConnectionObserver;Ljava/util/function/Supplier;Lio/netty/resolver/AddressResolverGroup;)Lreactor/core/publisher/Mono;";

  /** The index of what knows the request, among the arguments. */
  private static final int HANDLER = 2;

  /** What links the library. */
  public interface Library {
    @Nullable String read(Access access, Field field, Object handler);

    Attempt attempt(Object[] arguments);
  }

  private final Access access;
  private final Adapters<Library> adapters;

  public ReactorNetty(Armory armory, Access access, Exceptions exceptions) {
    super(armory, access, exceptions);
    this.access = access;
    this.adapters =
        new Adapters<>("dev.jinx.agent.point.http.ReactorNetty$Adapter", Library.class, access);
  }

  @Override
  public String client() {
    return NettyHttp.REACTOR;
  }

  @Override
  public List<ClassHooks> classes() {
    return List.of(new ClassHooks(client(), PROVIDER, List.of(on("acquire", ACQUIRE, HANDLER))));
  }

  @Override
  public List<Landmark> landmarks() {
    return List.of(
        new Landmark(client(), "reactor/netty/http/client/HttpClient", List.of(List.of(PROVIDER))));
  }

  @Override
  protected boolean concerns(Object provider, @Nullable Object handler) {
    return super.concerns(provider, handler) && handler != null;
  }

  @Override
  public @Nullable String read(
      Field field, @Nullable String name, Object provider, @Nullable Object handler) {
    if (field == Field.CLIENT) {
      return client();
    }
    if (handler == null) {
      return null;
    }
    String text = adapters.of(handler.getClass()).read(access, field, handler);
    return switch (field) {
      case SCHEME -> text != null && text.endsWith("s") ? "https" : "http";
      case PATH -> RequestTarget.path(text);
      case QUERY -> RequestTarget.query(text);
      default -> text;
    };
  }

  @Override
  Attempt attempt(Object provider, Object[] arguments) {
    return adapters.of(arguments[HANDLER].getClass()).attempt(arguments);
  }

  @Override
  @Nullable Object passedOn(Object[] all) {
    return all[HANDLER];
  }

  /** Nothing in it is private: its nested classes have no host in common there. */
  static final class Adapter implements Library {
    volatile @Nullable Handles handles;

    Handles handles(Access access, Object handler) throws ReflectiveOperationException {
      Handles known = handles;
      if (known == null) {
        known = new Handles(access, handler.getClass());
        handles = known;
      }
      return known;
    }

    @Override
    public @Nullable String read(Access access, Field field, Object handler) {
      try {
        Handles its = handles(access, handler);
        Object uri = (Object) its.uri.invokeExact(handler);
        return switch (field) {
          case METHOD -> ((HttpMethod) (Object) its.method.invokeExact(handler)).name();
          case SCHEME -> (String) (Object) its.scheme.invokeExact(uri);
          case HOST ->
              address(its, uri) instanceof InetSocketAddress it ? it.getHostString() : null;
          case PORT ->
              address(its, uri) instanceof InetSocketAddress it
                  ? Integer.toString(it.getPort())
                  : null;
          case PATH, QUERY -> (String) (Object) its.target.invokeExact(uri);
          default -> null;
        };
      } catch (Throwable e) {
        throw new IllegalStateException(e);
      }
    }

    static Object address(Handles its, Object uri) throws Throwable {
      return (Object) its.address.invokeExact(uri);
    }

    @Override
    public Attempt attempt(Object[] arguments) {
      return new Acquiring((HttpClientConfig) arguments[0], (AddressResolverGroup<?>) arguments[3]);
    }

    /** The request, in classes of the library's that are not public. */
    static final class Handles {
      final MethodHandle uri;
      final MethodHandle method;
      final MethodHandle scheme;
      final MethodHandle address;
      final MethodHandle target;

      Handles(Access access, Class<?> handler) throws ReflectiveOperationException {
        MethodHandles.Lookup in = access.in(handler);
        Class<?> endpoint = in.findClass("reactor.netty.http.client.UriEndpoint");
        uri = object(in.findGetter(handler, "toURI", endpoint));
        method = object(in.findGetter(handler, "method", HttpMethod.class));
        MethodHandles.Lookup of = access.in(endpoint);
        scheme = object(of.findGetter(endpoint, "scheme", String.class));
        MethodType address = MethodType.methodType(SocketAddress.class);
        this.address = object(of.findVirtual(endpoint, "getRemoteAddress", address));
        MethodType target = MethodType.methodType(String.class);
        this.target = object(of.findVirtual(endpoint, "getPathAndQuery", target));
      }

      static MethodHandle object(MethodHandle handle) {
        return handle.asType(MethodType.methodType(Object.class, Object.class));
      }
    }

    static final class Acquiring implements Attempt {
      final HttpClientConfig config;
      final @Nullable AddressResolverGroup<?> resolvers;
      final EventLoopGroup loops;
      final EventLoop loop;
      final Mono<Connection> result;
      @Nullable Runnable begun;
      @Nullable MonoSink<Mono<Connection>> sink;

      Acquiring(HttpClientConfig config, @Nullable AddressResolverGroup<?> resolvers) {
        this.config = config;
        this.resolvers = resolvers;
        this.loops = config.loopResources().onClient(config.isPreferNative());
        this.loop = loops.next();
        this.result = Mono.<Mono<Connection>>create(this::subscribed).flatMap(real -> real);
      }

      void subscribed(MonoSink<Mono<Connection>> by) {
        sink = by;
        if (begun != null) {
          begun.run();
        }
      }

      @Override
      public long connectTimeout() {
        return config.options().get(ChannelOption.CONNECT_TIMEOUT_MILLIS) instanceof Integer millis
            ? millis
            : DEFAULT_CONNECT_TIMEOUT;
      }

      @Override
      public Class<?> channel() {
        return config.loopResources().onChannelClass(SocketChannel.class, loops);
      }

      @Override
      public Class<?> netty() {
        return Channel.class;
      }

      @Override
      public void execute(Runnable work) {
        loop.execute(work);
      }

      @Override
      public void resolve(
          String host, int port, BiConsumer<@Nullable InetAddress, @Nullable Throwable> to) {
        InetSocketAddress address = InetSocketAddress.createUnresolved(host, port);
        if (resolvers == null) {
          loop.execute(() -> to.accept(null, null));
          return;
        }
        @SuppressWarnings("unchecked")
        var resolver = (AddressResolver<SocketAddress>) resolvers.getResolver(loop);
        loop.execute(
            () ->
                resolver
                    .resolve(address)
                    .addListener(
                        resolved ->
                            to.accept(
                                resolved.isSuccess()
                                    ? ((InetSocketAddress) resolved.getNow()).getAddress()
                                    : null,
                                resolved.cause())));
      }

      @Override
      public Object result() {
        return result;
      }

      @Override
      public void begin(Runnable work) {
        begun = work;
      }

      @Override
      @SuppressWarnings("unchecked")
      public void follow(@Nullable Object real) {
        if (sink != null) {
          sink.success((Mono<Connection>) real);
        }
      }

      @Override
      public void fail(Throwable failure) {
        if (sink != null) {
          sink.error(failure);
        }
      }
    }
  }
}
