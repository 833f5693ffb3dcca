package dev.jinx.agent.point.dns;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Ending;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.effect.Response;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.point.Adapters;
import dev.jinx.agent.point.AsyncCall;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.HookPoint;
import dev.jinx.agent.point.Point;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.Original;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Netty's own resolver, which never asks the JDK: every look-up of a host passes one of two methods
 * once, those that its cache and the hosts file answer too, and beneath what shares one look-up
 * among several callers. Netty's other resolver asks {@code InetAddress}. No thread is held.
 */
public final class NettyResolver extends HookPoint implements Point {
  private static final String ARGUMENTS =
      "(Ljava/lang/String;[Lio/netty/handler/codec/dns/DnsRecord;Lio/netty/util/concurrent/Promise;Lio/netty/resolver/dns/DnsCache;)V";

  /** The indices of the arguments; both are compiled into the adapter. */
  static final int HOST = 0;

  static final int PROMISE = 2;

  /** What links the library. */
  public interface Library {
    LookUp lookUp(Access access, Object resolver, Object[] arguments) throws Throwable;
  }

  /** One look-up, in Netty's words. */
  public interface LookUp {
    /** Nanoseconds after which the resolver gives up on silent servers. */
    long patience() throws Throwable;

    /** Runs work on the resolver's event loop. */
    void execute(Runnable work) throws Throwable;

    /** Calls back once the look-up has an outcome, or is cancelled. */
    void whenDone(Runnable then);

    /** The method's arguments with another promise, whose outcome comes here. */
    Object[] apart(BiConsumer<@Nullable Object, @Nullable Throwable> then) throws Throwable;

    void succeed(Object addresses);

    void fail(Throwable failure);

    /** The failure for a name that is there nowhere. */
    Throwable unknown() throws Throwable;

    /** The failure for silent servers. */
    Throwable timedOut() throws Throwable;
  }

  private final Access access;
  private final Exceptions exceptions;
  private final Adapters<Library> adapters;

  /** Set while the hooked method's own body is entered. */
  private final ThreadLocal<@Nullable Boolean> passing = new ThreadLocal<>();

  public NettyResolver(Armory armory, Access access, Exceptions exceptions) {
    super(armory, Operation.DNS_RESOLVE);
    this.access = access;
    this.exceptions = exceptions;
    this.adapters =
        new Adapters<>("dev.jinx.agent.point.dns.NettyResolverInside", Library.class, access);
  }

  @Override
  public List<ClassHooks> classes() {
    return List.of(
        new ClassHooks(
            "netty-dns",
            "io/netty/resolver/dns/DnsNameResolver",
            List.of(on("doResolve", ARGUMENTS, HOST), on("doResolveAll", ARGUMENTS, HOST))));
  }

  @Override
  protected boolean concerns(Object resolver, @Nullable Object host) {
    if (passing.get() != null) {
      passing.remove();
      return false;
    }
    return InetAddressLookUp.isLookUp((String) host);
  }

  @Override
  public @Nullable String read(
      Field field, @Nullable String name, Object resolver, @Nullable Object host) {
    return field == Field.HOST ? (String) host : null;
  }

  @Override
  protected @Nullable Object inject(
      Injection injection, Original original, Object resolver, Object[] arguments)
      throws Throwable {
    LookUp lookUp;
    try {
      lookUp = adapters.of(resolver.getClass()).lookUp(access, resolver, arguments);
    } catch (Throwable e) {
      OwnFailures.note(e);
      injection.finish();
      pass(original, resolver, arguments);
      return null;
    }
    new Held(injection, original, resolver, arguments, lookUp).begin();
    return null;
  }

  /** Only this one look-up: its outcome may set others going, on the same thread. */
  private void pass(Original original, Object resolver, Object[] arguments) throws Throwable {
    passing.set(true);
    try {
      original.call(resolver, arguments);
    } finally {
      passing.remove();
    }
  }

  private final class Held extends AsyncCall<Object> {
    final Original original;
    final Object resolver;
    final Object[] arguments;
    final LookUp lookUp;

    Held(
        Injection injection,
        Original original,
        Object resolver,
        Object[] arguments,
        LookUp lookUp) {
      super(injection);
      this.original = original;
      this.resolver = resolver;
      this.arguments = arguments;
      this.lookUp = lookUp;
    }

    @Override
    protected long patience(Phase phase, @Nullable Ending planned) throws Throwable {
      return lookUp.patience();
    }

    @Override
    protected void held() {
      lookUp.whenDone(this::cancel);
    }

    @Override
    protected void run(Runnable work) {
      try {
        lookUp.execute(work);
      } catch (RejectedExecutionException closed) {
        injection.finish();
        lookUp.fail(closed);
      } catch (Throwable e) {
        OwnFailures.note(e);
        work.run();
      }
    }

    @Override
    protected void goOn() throws Throwable {
      Object[] real = arguments;
      if (injection.hasAfter()) {
        real = lookUp.apart(this::outcome);
      } else {
        injection.finish();
      }
      try {
        pass(original, resolver, real);
      } catch (Throwable e) {
        injection.finish();
        lookUp.fail(e);
      }
    }

    private void outcome(@Nullable Object addresses, @Nullable Throwable failure) {
      if (addresses != null) {
        arrived(addresses);
      } else if (failure != null) {
        gone();
        lookUp.fail(failure);
      }
    }

    @Override
    protected void deliver(Object addresses) {
      lookUp.succeed(addresses);
    }

    @Override
    protected void failed(Failure failure, Phase phase) throws Throwable {
      lookUp.fail(
          failure instanceof Failure.Thrown thrown
              ? exceptions.make(thrown, resolver)
              : lookUp.unknown());
    }

    @Override
    protected void outOfPatience(Phase phase, @Nullable Ending planned) throws Throwable {
      lookUp.fail(lookUp.timedOut());
    }

    @Override
    protected void cancelled(Phase phase, @Nullable Ending planned) {}

    @Override
    protected void answered(Response response, Phase phase) {
      throw new IllegalStateException();
    }

    @Override
    protected void discard(Object addresses) {}
  }
}
