package dev.jinx.agent.point.http;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.point.Adapters;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.Landmark;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.function.BiConsumer;
import org.asynchttpclient.AsyncHandler;
import org.asynchttpclient.AsyncHttpClientConfig;
import org.asynchttpclient.Request;
import org.asynchttpclient.netty.NettyResponseFuture;
import org.asynchttpclient.netty.channel.ChannelManager;
import org.asynchttpclient.netty.channel.ConnectionSemaphore;
import org.asynchttpclient.netty.channel.NettyConnectListener;
import org.asynchttpclient.netty.request.NettyRequestSender;
import org.asynchttpclient.proxy.ProxyServer;
import org.asynchttpclient.util.ProxyUtils;
import org.jspecify.annotations.Nullable;

/**
 * AsyncHttpClient 3: each attempt, a redirect and a retry included, begins once at {@code
 * NettyRequestSender.sendRequest}.
 */
public final class AsyncHttpClient extends NettyConnecting {
  private static final String SENDER = "org/asynchttpclient/netty/request/NettyRequestSender";
  private static final String SEND =
      "(Lorg/asynchttpclient/Request;Lorg/asynchttpclient/AsyncHandler;Lorg/asynchttpclient/netty/NettyResponseFuture;)Lorg/asynchttpclient/ListenableFuture;";

  /** What links the library. */
  public interface Library {
    @Nullable String read(Field field, Object request);

    Attempt attempt(Access access, Object sender, Object[] arguments) throws Throwable;
  }

  private final Access access;
  private final Adapters<Library> adapters;

  public AsyncHttpClient(Armory armory, Access access, Exceptions exceptions) {
    super(armory, access, exceptions);
    this.access = access;
    this.adapters =
        new Adapters<>("dev.jinx.agent.point.http.AsyncHttpClient$Adapter", Library.class, access);
  }

  @Override
  public String client() {
    return NettyHttp.ASYNC;
  }

  @Override
  public List<ClassHooks> classes() {
    return List.of(new ClassHooks(client(), SENDER, List.of(on("sendRequest", SEND, 0))));
  }

  @Override
  public List<Landmark> landmarks() {
    return List.of(
        new Landmark(
            client(), "org/asynchttpclient/DefaultAsyncHttpClient", List.of(List.of(SENDER))));
  }

  @Override
  public @Nullable String read(
      Field field, @Nullable String name, Object sender, @Nullable Object request) {
    if (field == Field.CLIENT) {
      return client();
    }
    String text = request == null ? null : adapters.of(sender.getClass()).read(field, request);
    return switch (field) {
      case SCHEME -> text != null && text.endsWith("s") ? "https" : "http";
      case HOST -> RequestTarget.host(text);
      case PATH -> RequestTarget.path(text);
      case QUERY -> text == null ? null : RequestTarget.query("?" + text);
      default -> text;
    };
  }

  @Override
  Attempt attempt(Object sender, Object[] arguments) throws Throwable {
    return adapters.of(sender.getClass()).attempt(access, sender, arguments);
  }

  @Override
  @Nullable Object passedOn(Object[] all) {
    return all[0];
  }

  /** Nothing in it is private: its nested classes have no host in common there. */
  static final class Adapter implements Library {
    volatile @Nullable Handles handles;

    @Override
    public @Nullable String read(Field field, Object request) {
      Request it = (Request) request;
      return switch (field) {
        case METHOD -> it.getMethod();
        case SCHEME -> it.getUri().getScheme();
        case HOST -> it.getUri().getHost();
        case PORT -> Integer.toString(it.getUri().getExplicitPort());
        case PATH -> it.getUri().getNonEmptyPath();
        case QUERY -> it.getUri().getQuery();
        default -> null;
      };
    }

    @Override
    public Attempt attempt(Access access, Object sender, Object[] arguments) throws Throwable {
      Handles known = handles;
      if (known == null) {
        known = new Handles(access);
        handles = known;
      }
      return new Sending(known, (NettyRequestSender) sender, arguments);
    }

    /** What is private there. */
    static final class Handles {
      final MethodHandle config;
      final MethodHandle channels;
      final MethodHandle semaphore;
      final MethodHandle bootstrap;
      final MethodHandle newFuture;
      final MethodHandle startClock;
      final MethodHandle resolve;

      Handles(Access access) throws ReflectiveOperationException {
        Class<?> sender = NettyRequestSender.class;
        MethodHandles.Lookup in = access.in(sender);
        config = in.findGetter(sender, "config", AsyncHttpClientConfig.class);
        channels = in.findGetter(sender, "channelManager", ChannelManager.class);
        semaphore = in.findGetter(sender, "connectionSemaphore", ConnectionSemaphore.class);
        bootstrap =
            access
                .in(ChannelManager.class)
                .findGetter(ChannelManager.class, "httpBootstrap", Bootstrap.class);
        Class<?> future = NettyResponseFuture.class;
        newFuture =
            in.findVirtual(
                sender,
                "newNettyRequestAndResponseFuture",
                MethodType.methodType(
                    future,
                    Request.class,
                    AsyncHandler.class,
                    future,
                    ProxyServer.class,
                    boolean.class));
        startClock =
            in.findVirtual(
                sender,
                "scheduleRequestTimeout",
                MethodType.methodType(void.class, future, InetSocketAddress.class));
        resolve =
            in.findVirtual(
                sender,
                "resolveHostname",
                MethodType.methodType(
                    Future.class, Request.class, InetSocketAddress.class, AsyncHandler.class));
      }
    }

    static final class Sending implements Attempt {
      final Handles its;
      final NettyRequestSender sender;
      final Request request;
      final AsyncHandler<?> handler;
      final NettyResponseFuture<?> future;
      final ChannelManager channels;
      final AsyncHttpClientConfig config;
      final EventLoop loop;

      Sending(Handles its, NettyRequestSender sender, Object[] arguments) throws Throwable {
        this.its = its;
        this.sender = sender;
        request = (Request) arguments[0];
        handler = (AsyncHandler<?>) arguments[1];
        config = (AsyncHttpClientConfig) its.config.invoke(sender);
        channels = (ChannelManager) its.channels.invoke(sender);
        loop = channels.getEventLoopGroup().next();
        if (arguments[2] == null) {
          ProxyServer proxy = ProxyUtils.getProxyServer(config, request);
          Object made = its.newFuture.invoke(sender, request, handler, null, proxy, false);
          arguments[2] = made;
        }
        future = (NettyResponseFuture<?>) arguments[2];
        its.startClock.invoke(
            sender,
            future,
            InetSocketAddress.createUnresolved(
                request.getUri().getHost(), request.getUri().getExplicitPort()));
      }

      @Override
      public long connectTimeout() {
        return config.getConnectTimeout().toMillis();
      }

      @Override
      public Class<?> channel() {
        try {
          String bootstrap = ((Bootstrap) its.bootstrap.invoke(channels)).config().toString();
          return bootstrap.contains("Epoll") ? EpollSocketChannel.class : Channel.class;
        } catch (Throwable e) {
          return Channel.class;
        }
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
        // a resolver may block, as the JDK's does, which is the client's own choice by default
        GlobalEventExecutor.INSTANCE.execute(
            () -> {
              InetSocketAddress address = InetSocketAddress.createUnresolved(host, port);
              try {
                ((Future<?>) its.resolve.invoke(sender, request, address, handler))
                    .addListener(
                        resolved ->
                            loop.execute(
                                () ->
                                    to.accept(
                                        resolved.isSuccess() ? first(resolved.getNow()) : null,
                                        resolved.cause())));
              } catch (Throwable e) {
                loop.execute(() -> to.accept(null, e));
              }
            });
      }

      static @Nullable InetAddress first(Object addresses) {
        List<?> list = (List<?>) addresses;
        return list.isEmpty() ? null : ((InetSocketAddress) list.get(0)).getAddress();
      }

      @Override
      @SuppressWarnings("FutureReturnValueIgnored") // it is the method's result
      public Object result() {
        return future;
      }

      @Override
      public void begin(Runnable work) {
        work.run();
      }

      @Override
      public void follow(@Nullable Object real) {
        // the same future
      }

      @Override
      public void fail(Throwable failure) {
        if (future.isDone()) {
          return;
        }
        if (failure instanceof UnknownHostException) {
          sender.abort(null, future, failure);
          return;
        }
        try {
          ConnectionSemaphore semaphore = (ConnectionSemaphore) its.semaphore.invoke(sender);
          new NettyConnectListener<>(future, sender, channels, semaphore).onFailure(null, failure);
        } catch (Throwable e) {
          sender.abort(null, future, e);
        }
      }
    }
  }
}
