package dev.jinx.agent.point.http;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Ending;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.effect.Response;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Fault;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.point.Adapters;
import dev.jinx.agent.point.AsyncCall;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.HookPoint;
import dev.jinx.agent.point.Point;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.Original;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Where a client that is built on Netty sets out to get a connection for one attempt at a request,
 * out of its pool or anew. What goes wrong while connecting is raised here, so that it meets also a
 * request for which a connection stands ready; all else is left to {@link NettyHttp}. A fault that
 * asks for a header is left to it, too: not every client knows its headers yet.
 */
abstract class NettyConnecting extends HookPoint implements Point {

  /** Netty's own, in milliseconds. */
  public static final long DEFAULT_CONNECT_TIMEOUT = 30_000;

  /** One attempt, in the words of its library. */
  public interface Attempt {
    /** Milliseconds that the client waits for a connection to stand; 0 for any time. */
    long connectTimeout();

    /** The class of the channel that would be connected. */
    Class<?> channel();

    /** A class of Netty's. */
    Class<?> netty();

    /** Runs work on the event loop that would connect. */
    void execute(Runnable work);

    /** Looks a host up as the client does, and goes on on the event loop. */
    void resolve(String host, int port, BiConsumer<@Nullable InetAddress, @Nullable Throwable> to);

    /** What the hooked method gives back. */
    @Nullable Object result();

    /** Called when the result is waited for: at once, or when somebody subscribes to it. */
    void begin(Runnable begun);

    /** Goes on with what the hooked method's own body has given back. */
    void follow(@Nullable Object real);

    /** Fails as where Netty's connecting fails. */
    void fail(Throwable failure);

    /** How the library passes on that TLS has failed. */
    default Throwable overTls(Throwable failure) {
      return failure;
    }
  }

  private final Adapters<NettyHttp.Netty> adapters;
  private final Exceptions exceptions;

  /** Set while the hooked method's own body is entered. */
  private final ThreadLocal<@Nullable Boolean> passing = new ThreadLocal<>();

  NettyConnecting(Armory armory, Access access, Exceptions exceptions) {
    super(armory, Operation.HTTP_EXCHANGE);
    this.adapters = NettyHttp.adapters(access);
    this.exceptions = exceptions;
  }

  /** Whether a fault is carried out here. */
  static boolean isFor(Fault fault) {
    if (fault.effects().phase() != Phase.BEFORE
        || !AsyncCall.isWhileConnecting(fault.effects().ending())) {
      return false;
    }
    for (var condition : fault.target().conditions()) {
      if (condition.field() == Field.HEADER) {
        return false;
      }
    }
    return true;
  }

  @Override
  public abstract String client();

  abstract Attempt attempt(Object self, Object[] arguments) throws Throwable;

  @Override
  protected boolean concerns(Object self, @Nullable Object argument) {
    if (passing.get() == null) {
      return true;
    }
    passing.remove();
    return false;
  }

  @Override
  public boolean carries(Fault fault, Object self, @Nullable Object argument) {
    return isFor(fault);
  }

  @Override
  protected @Nullable Object inject(
      Injection injection, Original original, Object self, Object[] arguments) throws Throwable {
    Held call;
    try {
      call = new Held(injection, original, self, arguments, attempt(self, arguments));
    } catch (Throwable e) {
      OwnFailures.note(e);
      injection.finish();
      return pass(original, self, arguments);
    }
    call.attempt.begin(call::begin);
    return call.attempt.result();
  }

  private @Nullable Object pass(Original original, Object self, Object[] arguments)
      throws Throwable {
    passing.set(true);
    try {
      return original.call(self, arguments);
    } finally {
      passing.remove();
    }
  }

  private final class Held extends AsyncCall<Object> {
    final Original original;
    final Object self;
    final Object[] arguments;
    final Attempt attempt;

    Held(Injection injection, Original original, Object self, Object[] arguments, Attempt attempt) {
      super(injection);
      this.original = original;
      this.self = self;
      this.arguments = arguments;
      this.attempt = attempt;
    }

    @Override
    protected long patience(Phase phase, @Nullable Ending planned) {
      long millis = attempt.connectTimeout();
      return millis <= 0 ? Long.MAX_VALUE : TimeUnit.MILLISECONDS.toNanos(millis);
    }

    @Override
    protected void run(Runnable work) {
      attempt.execute(work);
    }

    @Override
    protected void goOn() {
      injection.finish();
      try {
        attempt.follow(pass(original, self, arguments));
      } catch (Throwable e) {
        attempt.fail(e);
      }
    }

    @Override
    protected void failed(Failure failure, Phase phase) throws Throwable {
      NamedError error = failure instanceof Failure.Named named ? named.error() : null;
      if (error == NamedError.UNKNOWN_HOST) {
        unknownHost();
      } else if (error == NamedError.CONNECTION_REFUSED) {
        atAddress(address -> netty().connectionRefused(attempt.channel(), address));
      } else if (error == NamedError.CONNECT_TIMEOUT) {
        timedOut();
      } else {
        Throwable cause = NettyHttp.spelled(failure, exceptions, self);
        attempt.execute(() -> attempt.fail(error == null ? cause : attempt.overTls(cause)));
      }
    }

    @Override
    protected void outOfPatience(Phase phase, @Nullable Ending planned) {
      timedOut();
    }

    @Override
    protected void cancelled(Phase phase, @Nullable Ending planned) {}

    @Override
    protected void answered(Response response, Phase phase) {
      throw new IllegalStateException();
    }

    @Override
    protected void deliver(Object real) {
      throw new IllegalStateException();
    }

    @Override
    protected void discard(Object real) {}

    private NettyHttp.Netty netty() {
      return adapters.of(attempt.netty());
    }

    private String host() {
      String host = read(Field.HOST, null, self, passedOn(arguments));
      return host == null ? "" : host;
    }

    private int port() {
      String port = read(Field.PORT, null, self, passedOn(arguments));
      return port == null ? 0 : Integer.parseInt(port);
    }

    private void timedOut() {
      atAddress(
          address -> netty().connectTimedOut(attempt.channel(), attempt.connectTimeout(), address));
    }

    /** The failure of a connection to an address tells it, and so the host is looked up. */
    private void atAddress(java.util.function.Function<InetSocketAddress, Throwable> failure) {
      String host = host();
      int port = port();
      attempt.resolve(
          host,
          port,
          (address, unknown) ->
              attempt.fail(
                  failure.apply(
                      address == null
                          ? InetSocketAddress.createUnresolved(host, port)
                          : new InetSocketAddress(address, port))));
    }

    /** The failure of the client's own look-up, of a name that is there nowhere (RFC 6761). */
    private void unknownHost() {
      // never the same: a failure that was remembered is told in other words
      String invalid = Long.toHexString(System.nanoTime()) + ".jinx.invalid";
      attempt.resolve(
          invalid, port(), (address, failure) -> attempt.fail(renamed(failure, invalid)));
    }

    private Throwable renamed(@Nullable Throwable failure, String invalid) {
      String host = host();
      String message = failure instanceof UnknownHostException ? failure.getMessage() : null;
      if (failure == null || message == null) {
        return new UnknownHostException(host);
      }
      return new UnknownHostException(message.replace(invalid, host)).initCause(failure.getCause());
    }
  }

  /** The one argument that the hook passes on, out of all. */
  abstract @Nullable Object passedOn(Object[] all);
}
