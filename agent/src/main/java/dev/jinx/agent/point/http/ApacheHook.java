package dev.jinx.agent.point.http;

import static dev.jinx.agent.effect.Phase.AFTER;
import static dev.jinx.agent.effect.Phase.BEFORE;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Cut;
import dev.jinx.agent.effect.Drop;
import dev.jinx.agent.effect.Ending;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.Limit;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.effect.Response;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.BodyFlow;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.fault.VirtualThreads;
import dev.jinx.agent.point.Adapters;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.HeldCalls;
import dev.jinx.agent.point.HookPoint;
import dev.jinx.agent.point.tls.TlsFailures;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.MethodHook;
import dev.jinx.agent.weave.Original;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * An exchange of Apache HttpClient 4 or 5, all on its caller's thread. It is decided on where the
 * client's chain leaves retries, redirects and decoding behind, and carried out in steps of the
 * client's own, so that leases, keep-alive and retries are its own work:
 *
 * <ul>
 *   <li>the operator that connects fails, or connects to nobody where nobody is to be asked;
 *   <li>the executor that sends a request and receives its answer waits, and what comes in place of
 *       an answer is read by the client's parser from a {@link StandInSocket}.
 * </ul>
 */
final class ApacheHook extends HookPoint {
  /** The exchange that the current thread is in. */
  private static final ThreadLocal<@Nullable Exchange> CURRENT = new ThreadLocal<>();

  private final String name;
  private final Exceptions exceptions;
  private final Adapters<ApacheClient> adapters;
  private final HeldCalls held = new HeldCalls();

  /**
   * @param name the value of {@code target.client}
   * @param adapter the class of the library's {@link ApacheClient}
   */
  ApacheHook(Armory armory, Access access, Exceptions exceptions, String name, String adapter) {
    super(armory, Operation.HTTP_EXCHANGE);
    this.name = name;
    this.exceptions = exceptions;
    this.adapters = new Adapters<>(adapter, ApacheClient.class, access);
  }

  private static final class Exchange {
    final ApacheClient client;
    final Injection injection;
    final Object[] arguments;
    boolean connecting;
    boolean executing;
    @Nullable Skipped skipped;

    Exchange(ApacheClient client, Injection injection, Object[] arguments) {
      this.client = client;
      this.injection = injection;
      this.arguments = arguments;
    }

    boolean isOf(@Nullable Object request) {
      for (Object argument : arguments) {
        if (argument == request) {
          return true;
        }
      }
      return false;
    }
  }

  /** A connect that has been left out. */
  private record Skipped(
      Original original, Object operator, Object[] arguments, StandInSocket standIn) {}

  // ---- the exchange

  @Override
  public @Nullable String read(
      Field field, @Nullable String name, Object self, @Nullable Object argument) {
    if (argument == null) {
      return null;
    }
    ApacheClient client = client(self);
    return switch (field) {
      case SCHEME -> client.scheme(argument);
      case HOST -> RequestTarget.host(client.host(argument));
      case PORT -> RequestTarget.port(client.scheme(argument), client.port(argument));
      case METHOD -> client.method(argument);
      case PATH -> RequestTarget.path(relative(client.target(argument)));
      case QUERY -> RequestTarget.query(client.target(argument));
      case HEADER -> name == null ? null : client.header(name, argument);
      case CLIENT -> this.name;
      default -> null;
    };
  }

  /** A target without the authority that a proxy needs. */
  private static @Nullable String relative(@Nullable String target) {
    int authority = target == null || target.startsWith("/") ? -1 : target.indexOf("://");
    if (target == null || authority < 0) {
      return target;
    }
    int path = target.indexOf('/', authority + 3);
    return path < 0 ? "/" : target.substring(path);
  }

  @Override
  protected @Nullable Object inject(
      Injection injection, Original original, Object self, Object[] arguments) throws Throwable {
    Exchange outer = CURRENT.get();
    CURRENT.set(new Exchange(client(self), injection, arguments));
    // a connect that was left out is to be made up for, also where the fault is cleared meanwhile
    armory().keepOpen(operation());
    try (CallScope scope = CallScope.enter(operation().kind())) {
      return original.call(self, arguments);
    } finally {
      armory().letShut(operation());
      if (outer == null) {
        CURRENT.remove();
      } else {
        CURRENT.set(outer);
      }
      injection.finish();
    }
  }

  private ApacheClient client(Object self) {
    return adapters.of(self.getClass());
  }

  // ---- the steps

  MethodHook connected() {
    return step("isEndpointConnected", "()Z", -1, true, new OnConnected());
  }

  MethodHook connect(String descriptor, boolean required) {
    return step("connect", descriptor, 0, required, new OnConnect());
  }

  MethodHook execute(String descriptor) {
    return step("execute", descriptor, 0, true, new OnExecute());
  }

  MethodHook close(String method, String descriptor) {
    return step(method, descriptor, -1, true, new OnClose());
  }

  private MethodHook step(
      String method, String descriptor, int argument, boolean required, Handler handler) {
    return new MethodHook(method, descriptor, argument, operation().bit(), handler, required);
  }

  private interface Step {
    @Nullable Object run(Object self, Object[] arguments) throws Throwable;
  }

  private static BiFunction<Object, Object[], @Nullable Object> ticket(Step step) {
    return (self, arguments) -> ApacheHook.<RuntimeException>unchecked(step, self, arguments);
  }

  /** A ticket cannot declare what the hooked method can throw. */
  @SuppressWarnings("unchecked")
  private static <E extends Throwable> @Nullable Object unchecked(
      Step step, Object self, Object[] arguments) throws E {
    try {
      return step.run(self, arguments);
    } catch (Throwable e) {
      throw (E) e;
    }
  }

  /** Whether the leased connection stands: not where it is to fail to connect. */
  private static final class OnConnected implements Handler {
    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object runtime, @Nullable Object argument) {
      Exchange exchange = CURRENT.get();
      if (exchange == null
          || exchange.connecting
          || !isWhileConnecting(exchange.injection.planned(BEFORE))) {
        return null;
      }
      return ticket(
          (self, arguments) -> {
            exchange.client.disconnect(self);
            return false;
          });
    }
  }

  /** A connection is opened. */
  private final class OnConnect implements Handler {
    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object operator, @Nullable Object connection) {
      Exchange exchange = CURRENT.get();
      if (exchange == null || exchange.connecting || exchange.executing) {
        return null;
      }
      exchange.connecting = true;
      return ticket((self, arguments) -> connect(exchange, original, self, arguments));
    }
  }

  /** A request is sent: that of the exchange, or one to a proxy that connects. */
  private final class OnExecute implements Handler {
    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object executor, @Nullable Object request) {
      Exchange exchange = CURRENT.get();
      if (exchange == null || exchange.executing) {
        return null;
      }
      if (!exchange.isOf(request)) {
        return exchange.skipped == null
            ? null
            : ticket(
                (self, arguments) -> {
                  connectNow(exchange);
                  return original.call(self, arguments);
                });
      }
      exchange.executing = true;
      return ticket((self, arguments) -> execute(exchange, original, self, arguments));
    }
  }

  /** A connection is closed, perhaps by another thread while its own waits. */
  private final class OnClose implements Handler {
    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object connection, @Nullable Object argument) {
      try {
        Socket socket = client(connection).socket(connection);
        if (socket != null) {
          held.close(socket);
        }
      } catch (Throwable e) {
        OwnFailures.note(e);
      }
      return null;
    }
  }

  // ---- connecting

  private @Nullable Object connect(
      Exchange exchange, Original original, Object operator, Object[] arguments) throws Throwable {
    Ending planned = exchange.injection.planned(BEFORE);
    boolean fails = isWhileConnecting(planned);
    if (fails || (planned != null && !(planned instanceof Drop))) {
      var standIn = new StandInSocket(exchange.injection, InputStream.nullInputStream());
      if (bind(exchange, standIn, arguments)) {
        if (!fails) {
          exchange.skipped = new Skipped(original, operator, arguments, standIn);
          return null;
        }
        failToConnect(exchange, arguments);
      }
    }
    return original.call(operator, arguments);
  }

  private static boolean bind(Exchange exchange, StandInSocket standIn, Object[] arguments) {
    try {
      exchange.client.bind(arguments[0], standIn);
      standIn.setSoTimeout(exchange.client.readTimeout(arguments));
      return true;
    } catch (IOException closed) {
      return false;
    } catch (Throwable e) {
      OwnFailures.note(e);
      return false;
    }
  }

  /** Returns only where the fault has ended meanwhile. */
  private void failToConnect(Exchange exchange, Object[] arguments) throws Throwable {
    Throwable failure = null;
    try {
      failure = failureToConnect(exchange, arguments);
    } catch (Throwable e) {
      OwnFailures.note(e);
    }
    if (failure != null) {
      throw failure;
    }
  }

  private @Nullable Throwable failureToConnect(Exchange exchange, Object[] arguments)
      throws ReflectiveOperationException {
    ApacheClient client = exchange.client;
    Injection injection = exchange.injection;
    // a name is looked up on no clock of the client's
    long limit =
        is(injection.planned(BEFORE), NamedError.UNKNOWN_HOST)
            ? Long.MAX_VALUE
            : client.connectPatience(arguments);
    Throwable failure =
        switch (injection.await(BEFORE, limit, isInterruptible())) {
          case TIMED_OUT -> new SocketTimeoutException("Connect timed out");
          case INTERRUPTED -> new SocketException("Closed by interrupt");
          case CLOSED -> new SocketException("Socket closed");
          case ELAPSED ->
              injection.ending(BEFORE) instanceof Failure named
                  ? spelled(named, exchange, arguments)
                  : null;
        };
    return failure instanceof IOException io ? client.notConnected(io, arguments) : failure;
  }

  /** Makes up for a connect that has been left out. */
  private static void connectNow(Exchange exchange) throws Throwable {
    Skipped skipped = exchange.skipped;
    if (skipped != null) {
      exchange.skipped = null;
      skipped.original.call(skipped.operator, skipped.arguments);
      Socket socket = exchange.client.socket(skipped.arguments[0]);
      if (socket != null) {
        socket.setSoTimeout(skipped.standIn.getSoTimeout());
      }
    }
  }

  // ---- the request and its answer

  private @Nullable Object execute(
      Exchange exchange, Original original, Object executor, Object[] arguments) throws Throwable {
    if (isWhileConnecting(exchange.injection.planned(BEFORE))) {
      // there was a connection to be used again
      failToConnect(exchange, arguments);
    }
    Object standIn = standIn(exchange, BEFORE, arguments);
    if (standIn != null) {
      boolean unconnected = exchange.skipped != null;
      Object answer = original.call(executor, with(standIn, arguments));
      if (unconnected) {
        exchange.client.close(arguments[1]);
      }
      return answer;
    }
    connectNow(exchange);
    Object real = original.call(executor, arguments);
    standIn = exchange.injection.hasAfter() ? standIn(exchange, AFTER, arguments) : null;
    if (standIn != null) {
      exchange.client.close(arguments[1]);
      return exchange.client.receive(arguments[0], standIn);
    }
    return flowing(exchange, real, arguments[1]);
  }

  private static Object[] with(Object connection, Object[] arguments) {
    Object[] changed = arguments.clone();
    changed[1] = connection;
    return changed;
  }

  /** A connection that tells what is told in place of an answer; null where the real one is. */
  private @Nullable Object standIn(Exchange exchange, Phase phase, Object[] arguments) {
    try {
      InputStream told = told(exchange, phase, arguments);
      return told == null
          ? null
          : exchange.client.connection(new StandInSocket(exchange.injection, told));
    } catch (Throwable e) {
      OwnFailures.note(e);
      return null;
    }
  }

  private @Nullable InputStream told(Exchange exchange, Phase phase, Object[] arguments)
      throws ReflectiveOperationException {
    Injection injection = exchange.injection;
    switch (await(injection, phase, exchange.client.socket(arguments[1]))) {
      case TIMED_OUT -> {
        return new Broken(new SocketTimeoutException("Read timed out"));
      }
      case INTERRUPTED -> {
        return new Broken(new SocketException("Closed by interrupt"));
      }
      case CLOSED -> {
        return new Broken(new SocketException("Socket closed"));
      }
      case ELAPSED -> {}
    }
    Ending ending = injection.ending(phase);
    if (ending instanceof Response response) {
      String method = exchange.client.method(arguments[0]);
      return new ByteArrayInputStream(AnswerBytes.of(response, String.valueOf(method)));
    }
    if (is(ending, NamedError.UNEXPECTED_EOF)) {
      return InputStream.nullInputStream();
    }
    return ending instanceof Failure failure
        ? new Broken(spelled(failure, exchange, arguments))
        : null;
  }

  private Injection.Waited await(Injection injection, Phase phase, @Nullable Socket socket) {
    if (socket == null) {
      // closed meanwhile: the client finds that out by itself
      return Injection.Waited.ELAPSED;
    }
    held.hold(socket, injection);
    try {
      return injection.await(phase, patience(socket), isInterruptible());
    } finally {
      held.release(socket, injection);
    }
  }

  private static long patience(Socket socket) {
    try {
      int millis = socket.getSoTimeout();
      return millis <= 0 ? Long.MAX_VALUE : TimeUnit.MILLISECONDS.toNanos(millis);
    } catch (SocketException e) {
      return Long.MAX_VALUE;
    }
  }

  private static boolean isInterruptible() {
    return VirtualThreads.isVirtual(Thread.currentThread());
  }

  /** A stream of which nothing can be read. */
  private static final class Broken extends InputStream {
    private final Throwable failure;

    Broken(Throwable failure) {
      this.failure = failure;
    }

    @Override
    public int read() {
      throw ApacheHook.<RuntimeException>sneaky(failure);
    }

    @Override
    public int read(byte[] to, int offset, int length) {
      return read();
    }
  }

  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
  private static <E extends Throwable> E sneaky(Throwable failure) throws E {
    throw (E) failure;
  }

  // ---- bodies

  private @Nullable Object flowing(Exchange exchange, @Nullable Object answer, Object connection) {
    BodyFlow flow = exchange.injection.flow();
    if (flow == null || answer == null) {
      return answer;
    }
    try {
      Socket socket = exchange.client.socket(connection);
      if (socket == null) {
        return answer;
      }
      var reader = new BodyReader(exchange, connection, socket, answer);
      return exchange.client.with(body -> new HeldBody(body, flow, reader), answer);
    } catch (Throwable e) {
      OwnFailures.note(e);
      return answer;
    }
  }

  /** A body that ends with its connection. */
  private final class HeldBody extends FaultyBody {
    private final BodyReader reader;

    HeldBody(InputStream real, BodyFlow flow, BodyReader reader) {
      super(real, flow, reader);
      this.reader = reader;
    }

    @Override
    public int read(byte[] to, int offset, int length) throws IOException {
      held.hold(reader.socket, reader.injection);
      try {
        return super.read(to, offset, length);
      } finally {
        held.release(reader.socket, reader.injection);
      }
    }

    @Override
    public void close() throws IOException {
      // what is left of a body is read before its connection is used again: not that of a cut one
      if (!reader.cut) {
        super.close();
      }
    }
  }

  private static final class BodyReader implements FaultyBody.Reader {
    private final ApacheClient client;
    private final Injection injection;
    private final Object connection;
    private final Socket socket;
    private final Object answer;
    private boolean cut;

    BodyReader(Exchange exchange, Object connection, Socket socket, Object answer) {
      this.client = exchange.client;
      this.injection = exchange.injection;
      this.connection = connection;
      this.socket = socket;
      this.answer = answer;
    }

    @Override
    public long patience() {
      return ApacheHook.patience(socket);
    }

    @Override
    public void outOfPatience() throws IOException {
      throw new SocketTimeoutException("Read timed out");
    }

    @Override
    public void cut(Cut how) throws IOException {
      cut = true;
      client.close(connection);
      if (!(how instanceof Limit)) {
        throw new SocketException("Connection reset");
      }
      client.endEarly(answer, how.after());
    }
  }

  // ---- failures, as observed on JDK 17 and 25

  private static boolean isWhileConnecting(@Nullable Ending ending) {
    return ending instanceof Failure.Named named && named.error().isWhileConnecting();
  }

  private static boolean is(@Nullable Ending ending, NamedError error) {
    return ending instanceof Failure.Named named && named.error() == error;
  }

  private Throwable spelled(Failure failure, Exchange exchange, Object[] arguments)
      throws ReflectiveOperationException {
    if (failure instanceof Failure.Thrown thrown) {
      return exceptions.make(thrown, arguments[1]);
    }
    return switch (((Failure.Named) failure).error()) {
      case CONNECTION_REFUSED -> new ConnectException("Connection refused");
      // what the system says where the application has set no time-out
      case CONNECT_TIMEOUT -> new ConnectException("Connection timed out");
      case UNKNOWN_HOST ->
          new UnknownHostException(
              exchange.client.firstHop(arguments) + ": Name or service not known");
      case TLS_HANDSHAKE_FAILURE -> TlsFailures.handshake();
      case CERTIFICATE_EXPIRED -> TlsFailures.certificateExpired();
      case READ_TIMEOUT -> new SocketTimeoutException("Read timed out");
      case CONNECTION_RESET -> new SocketException("Connection reset");
      default -> new SocketException(failure.summary());
    };
  }
}
