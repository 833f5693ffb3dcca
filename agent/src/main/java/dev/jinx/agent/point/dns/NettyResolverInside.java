package dev.jinx.agent.point.dns;

import dev.jinx.agent.weave.Access;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.dns.DefaultDnsQuestion;
import io.netty.handler.codec.dns.DnsRecordType;
import io.netty.resolver.dns.DnsNameResolver;
import io.netty.resolver.dns.DnsNameResolverTimeoutException;
import io.netty.resolver.dns.DnsServerAddressStream;
import io.netty.util.concurrent.Promise;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** The adapter of {@link NettyResolver}. */
public final class NettyResolverInside implements NettyResolver.Library {
  private volatile @Nullable Handles handles;

  @Override
  public NettyResolver.LookUp lookUp(Access access, Object resolver, Object[] arguments)
      throws Throwable {
    Handles known = handles;
    if (known == null) {
      known = new Handles(access);
      handles = known;
    }
    return new Pending(known, (DnsNameResolver) resolver, arguments);
  }

  /** What is not public there. */
  private static final class Handles {
    final MethodHandle executor;
    final MethodHandle types;
    final MethodHandle servers;
    final MethodHandle searchDomains;
    final MethodHandle dots;
    final MethodHandle hostName;
    final MethodHandle searched;
    final @Nullable Throwable noSuchName;

    Handles(Access access) throws Throwable {
      Class<?> type = DnsNameResolver.class;
      MethodHandles.Lookup in = access.in(type);
      executor = in.findVirtual(type, "executor", MethodType.methodType(EventLoop.class));
      MethodType ofTypes = MethodType.methodType(DnsRecordType[].class);
      types = in.findVirtual(type, "resolveRecordTypes", ofTypes);
      MethodType stream = MethodType.methodType(DnsServerAddressStream.class, String.class);
      servers = in.findVirtual(type, "newNameServerAddressStream", stream);
      MethodType ofDomains = MethodType.methodType(String[].class);
      searchDomains = in.findVirtual(type, "searchDomains", ofDomains);
      dots = in.findVirtual(type, "ndots", MethodType.methodType(int.class));
      hostName = in.findStatic(type, "hostname", MethodType.methodType(String.class, String.class));
      Class<?> context = in.findClass("io.netty.resolver.dns.DnsResolveContext");
      Class<?> failure =
          in.findClass(context.getName().concat("$SearchDomainUnknownHostException"));
      searched =
          access
              .in(failure)
              .findConstructor(
                  failure,
                  MethodType.methodType(
                      void.class,
                      Throwable.class,
                      String.class,
                      DnsRecordType[].class,
                      String[].class));
      noSuchName = noSuchName(access.in(context), context);
    }

    /** The one that all look-ups share; older versions gave no cause. */
    private static @Nullable Throwable noSuchName(MethodHandles.Lookup in, Class<?> context)
        throws Throwable {
      try {
        return (Throwable)
            in.findStaticGetter(
                    context, "NXDOMAIN_CAUSE_QUERY_FAILED_EXCEPTION", RuntimeException.class)
                .invoke();
      } catch (NoSuchFieldException older) {
        return null;
      }
    }
  }

  private static final class Pending implements NettyResolver.LookUp {
    final Handles its;
    final DnsNameResolver resolver;
    final Object[] arguments;
    final Promise<Object> promise;

    @SuppressWarnings("unchecked")
    Pending(Handles its, DnsNameResolver resolver, Object[] arguments) {
      this.its = its;
      this.resolver = resolver;
      this.arguments = arguments;
      this.promise = (Promise<Object>) arguments[NettyResolver.PROMISE];
    }

    EventLoop loop() throws Throwable {
      return (EventLoop) its.executor.invoke(resolver);
    }

    String host() throws Throwable {
      return (String) its.hostName.invoke((String) arguments[NettyResolver.HOST]);
    }

    DnsRecordType[] types() throws Throwable {
      return (DnsRecordType[]) its.types.invoke(resolver);
    }

    DnsServerAddressStream servers() throws Throwable {
      return (DnsServerAddressStream) its.servers.invoke(resolver, host());
    }

    /** The servers are asked one after the other, for all types at once. */
    @Override
    public long patience() throws Throwable {
      long millis = resolver.queryTimeoutMillis();
      return millis <= 0
          ? Long.MAX_VALUE
          : TimeUnit.MILLISECONDS.toNanos(millis) * Math.max(1, servers().size());
    }

    @Override
    public void execute(Runnable work) throws Throwable {
      loop().execute(work);
    }

    @Override
    @SuppressWarnings("FutureReturnValueIgnored") // it is the promise
    public void whenDone(Runnable then) {
      promise.addListener(done -> then.run());
    }

    @Override
    @SuppressWarnings("FutureReturnValueIgnored") // it is the promise
    public Object[] apart(BiConsumer<@Nullable Object, @Nullable Throwable> then) throws Throwable {
      Promise<Object> real = loop().newPromise();
      real.addListener(done -> then.accept(real.getNow(), real.cause()));
      promise.addListener(
          done -> {
            if (done.isCancelled()) {
              real.cancel(false);
            }
          });
      Object[] others = arguments.clone();
      others[NettyResolver.PROMISE] = real;
      return others;
    }

    @Override
    public void succeed(Object addresses) {
      promise.trySuccess(addresses);
    }

    @Override
    public void fail(Throwable failure) {
      promise.tryFailure(failure);
    }

    @Override
    public Throwable unknown() throws Throwable {
      String host = host();
      UnknownHostException failure = failure(host, its.noSuchName);
      // the name as it is comes last where it has few dots, and its failure is the one told
      return isSearched(host) && hasDots(host) ? searched(failure, host) : failure;
    }

    @Override
    public Throwable timedOut() throws Throwable {
      String host = host();
      boolean isSearched = isSearched(host);
      String asked = isSearched && !hasDots(host) ? host + '.' + domains()[0] : host;
      UnknownHostException failure = failure(host, silence(asked));
      return isSearched ? searched(failure, host) : failure;
    }

    Throwable silence(String asked) throws Throwable {
      DnsServerAddressStream servers = servers();
      InetSocketAddress last = servers.next();
      for (int i = 1; i < servers.size(); i++) {
        last = servers.next();
      }
      DnsRecordType[] types = types();
      var question = new DefaultDnsQuestion(asked, types[types.length - 1]);
      int id = ThreadLocalRandom.current().nextInt(1 << 16);
      return new DnsNameResolverTimeoutException(
          last,
          question,
          "["
              + id
              + ": "
              + last
              + "] "
              + question
              + " query '"
              + id
              + "' via UDP timed out after "
              + resolver.queryTimeoutMillis()
              + " milliseconds (no stack trace available)");
    }

    /** As {@code DnsResolveContext.finishResolve}, with each server asked for each type. */
    UnknownHostException failure(String host, @Nullable Throwable cause) throws Throwable {
      DnsRecordType[] types = types();
      int most = resolver.maxQueriesPerResolve();
      int tries = Math.min(most, types.length * servers().size());
      String after =
          tries <= 1
              ? ""
              : tries < most
                  ? " after " + tries + " queries "
                  : ". Exceeded max queries per resolve " + most + " ";
      var failure =
          new UnknownHostException(
              "Failed to resolve '" + host + "' " + Arrays.toString(types) + after);
      if (cause != null) {
        failure.initCause(cause);
      }
      return failure;
    }

    String[] domains() throws Throwable {
      return (String[]) its.searchDomains.invoke(resolver);
    }

    int dots() throws Throwable {
      return (int) its.dots.invoke(resolver);
    }

    boolean isSearched(String host) throws Throwable {
      return domains().length > 0 && dots() != 0 && !host.endsWith(".");
    }

    boolean hasDots(String host) throws Throwable {
      return host.chars().filter(c -> c == '.').count() >= dots();
    }

    Throwable searched(UnknownHostException failure, String host) throws Throwable {
      return (Throwable) its.searched.invoke((Throwable) failure, host, types(), domains());
    }
  }
}
