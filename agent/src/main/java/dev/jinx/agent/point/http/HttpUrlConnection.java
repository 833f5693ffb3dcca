package dev.jinx.agent.point.http;

import static dev.jinx.agent.effect.Phase.AFTER;
import static dev.jinx.agent.effect.Phase.BEFORE;

import dev.jinx.agent.call.CallReader;
import dev.jinx.agent.call.Field;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Drop;
import dev.jinx.agent.effect.Ending;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.effect.Response;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.fault.OwnThread;
import dev.jinx.agent.fault.VirtualThreads;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.HookPoint;
import dev.jinx.agent.point.Point;
import dev.jinx.agent.point.WeakIdentityMap;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.MethodHook;
import dev.jinx.agent.weave.Original;
import java.io.IOException;
import java.lang.ref.Cleaner;
import java.net.ConnectException;
import java.net.HttpURLConnection;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.URL;
import java.net.UnknownHostException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * {@code HttpURLConnection}, http and https (its class for https only delegates). An exchange
 * begins with {@code plainConnect0()}, where it is decided on once:
 *
 * <ul>
 *   <li>what goes wrong while connecting is thrown there;
 *   <li>what comes instead of an answer is read from a {@link CannedSocket}, by the client's own
 *       parser, which retries and wraps as it does for a real one;
 *   <li>a latency, a drop and what comes after the real answer wait for the request to be written
 *       and its answer to be read.
 * </ul>
 *
 * The client's own retry opens a connection from within {@code parseHTTP} and is a new exchange.
 */
public final class HttpUrlConnection extends HookPoint implements Point {
  private static final String CONNECTION = "sun/net/www/protocol/http/HttpURLConnection";
  private static final String CLIENT = "sun/net/www/http/HttpClient";
  private static final String HEADERS = "Lsun/net/www/MessageHeader;";

  /** The exchange that the current thread opens a connection for. */
  private static final ThreadLocal<@Nullable Opening> OPENING = new ThreadLocal<>();

  private final Access access;
  private final Exceptions exceptions;
  private final CallReader retryReader = this::readRetry;
  private volatile @Nullable UrlConnectionInside inside;

  /** By the client that carries them, those that wait for their request or their answer. */
  private final WeakIdentityMap<Object, Waiting> waiting = new WeakIdentityMap<>();

  public HttpUrlConnection(Armory armory, Access access, Exceptions exceptions) {
    super(armory, Operation.HTTP_EXCHANGE);
    this.access = access;
    this.exceptions = exceptions;
  }

  @Override
  public String client() {
    return "urlconnection";
  }

  @Override
  public List<ClassHooks> classes() {
    String library = "jdk-urlconnection";
    return List.of(
        new ClassHooks(library, CONNECTION, List.of(on("plainConnect0", "()V", -1))),
        new ClassHooks(
            library,
            "sun/net/NetworkClient",
            List.of(also("doConnect", "(Ljava/lang/String;I)Ljava/net/Socket;", -1, new OnOpen()))),
        new ClassHooks(
            library,
            CLIENT,
            List.of(
                also(
                    "writeRequests",
                    "(" + HEADERS + "Lsun/net/www/http/PosterOutputStream;)V",
                    0,
                    new OnWrite()),
                also("parseHTTP", "(" + HEADERS + "L" + CONNECTION + ";)Z", 0, new OnRead()),
                // before the JDK gave up its progress monitor
                also(
                    "parseHTTP",
                    "(" + HEADERS + "Lsun/net/ProgressSource;L" + CONNECTION + ";)Z",
                    0,
                    new OnRead()),
                also("closeServer", "()V", -1, new OnClose()))));
  }

  private MethodHook also(String method, String descriptor, int argument, Handler handler) {
    return new MethodHook(
        method, descriptor, argument, operation().bit(), handler, !method.equals("parseHTTP"));
  }

  /**
   * @param canned null for a real connection
   */
  private record Opening(@Nullable CannedSocket canned) {}

  /** An injection on its way. */
  private static final class Waiting {
    final Injection injection;
    boolean waited;
    boolean reading;

    Waiting(Injection injection) {
      this.injection = injection;
    }
  }

  /** For connections that are opened and then forgotten. */
  private static final class Abandoned {
    static final Cleaner CLEANER = Cleaner.create();
  }

  // ---- reading a call

  @Override
  public @Nullable String read(
      Field field, @Nullable String name, Object self, @Nullable Object argument) {
    HttpURLConnection connection = (HttpURLConnection) self;
    return switch (field) {
      case METHOD -> connection.getRequestMethod();
      case HEADER -> name == null ? null : connection.getRequestProperty(name);
      default -> read(field, connection.getURL());
    };
  }

  private @Nullable String readRetry(
      Field field, @Nullable String name, Object client, @Nullable Object argument) {
    return switch (field) {
      case METHOD -> inside().method(client);
      case HEADER -> name == null ? null : inside().header(client, name);
      default -> read(field, inside().url(client));
    };
  }

  private static @Nullable String read(Field field, URL url) {
    return switch (field) {
      case SCHEME -> url.getProtocol();
      case HOST -> url.getHost();
      case PORT -> Integer.toString(url.getPort() == -1 ? url.getDefaultPort() : url.getPort());
      case PATH -> url.getPath();
      case QUERY -> url.getQuery();
      case CLIENT -> "urlconnection";
      default -> null;
    };
  }

  // ---- connecting

  @Override
  protected boolean concerns(Object connection, @Nullable Object argument) {
    // on a JDK with another inside this throws, and the call goes on untouched
    return inside() != null;
  }

  @Override
  protected @Nullable Object inject(
      Injection injection, Original original, Object self, Object[] arguments) throws Throwable {
    HttpURLConnection connection = (HttpURLConnection) self;
    Ending planned = injection.planned(BEFORE);
    String host = connection.getURL().getHost();
    if (isWhileConnecting(planned)) {
      failToConnect(injection, connection.getConnectTimeout(), host, connection);
      return connect(injection, original, connection, null);
    }
    CannedSocket canned =
        planned == null || planned instanceof Drop
            ? null
            : canned(injection, BEFORE, connection.getRequestMethod(), host, connection);
    return connect(injection, original, connection, canned);
  }

  /** Returns only where the fault has ended meanwhile. */
  private void failToConnect(Injection injection, int timeout, String host, Object near)
      throws Throwable {
    Throwable failure = null;
    switch (await(injection, BEFORE, nanos(timeout))) {
      case TIMED_OUT -> failure = new SocketTimeoutException("Connect timed out");
      case INTERRUPTED -> failure = new SocketException("Closed by interrupt");
      default -> {
        if (injection.ending(BEFORE) instanceof Failure named) {
          failure = spelled(named, host, near);
        }
      }
    }
    if (failure != null) {
      injection.finish();
      throw failure;
    }
  }

  private @Nullable Object connect(
      Injection injection,
      Original original,
      HttpURLConnection connection,
      @Nullable CannedSocket canned)
      throws Throwable {
    UrlConnectionInside jdk = inside();
    // what the client does after a failure: it takes no connection that is kept alive
    boolean failedBefore = jdk.failedOnce(connection);
    OPENING.set(new Opening(canned));
    boolean connected = false;
    try (CallScope scope = CallScope.enter(operation().kind())) {
      jdk.failedOnce(connection, failedBefore || canned != null);
      original.call(connection, new Object[0]);
      connected = true;
    } finally {
      OPENING.remove();
      jdk.failedOnce(connection, failedBefore);
      if (!connected) {
        injection.finish();
      }
    }
    Abandoned.CLEANER.register(connection, injection::finish);
    Object client = jdk.client(connection);
    if (client == null) {
      // answered from a cache
      injection.finish();
    } else if (canned == null) {
      waiting.put(client, new Waiting(injection));
    }
    return null;
  }

  /** A connection is opened: for an exchange that has been decided on, or for a retry. */
  private final class OnOpen implements Handler {
    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object client, @Nullable Object argument) {
      Opening current = OPENING.get();
      if (current != null) {
        CannedSocket canned = current.canned();
        return canned == null ? null : (self, arguments) -> canned;
      }
      try {
        String method = OwnThread.isCurrent() ? null : inside().method(client);
        if (method == null || method.equals("CONNECT")) {
          return null;
        }
        waiting.remove(client);
        Injection injection = armory().match(operation(), retryReader, client, null);
        return injection == null ? null : retry(injection, original, method);
      } catch (Throwable e) {
        OwnFailures.note(e);
        return null;
      }
    }

    private BiFunction<Object, Object[], @Nullable Object> retry(
        Injection injection, Original original, String method) {
      return (client, arguments) ->
          HttpUrlConnection.<RuntimeException>unchecked(
              () -> {
                Ending planned = injection.planned(BEFORE);
                String host = (String) arguments[0];
                if (isWhileConnecting(planned)) {
                  failToConnect(injection, inside().connectTimeout(client), host, client);
                  planned = null;
                }
                if (planned == null || planned instanceof Drop) {
                  OPENING.set(new Opening(null));
                  try {
                    Object socket = original.call(client, arguments);
                    waiting.put(client, new Waiting(injection));
                    return socket;
                  } finally {
                    OPENING.remove();
                  }
                }
                CannedSocket canned = canned(injection, BEFORE, method, host, client);
                canned.setSoTimeout(Math.max(0, inside().readTimeout(client)));
                return canned;
              });
    }
  }

  // ---- the request and its answer

  /** The request is written: what delays it delays it before the server sees it. */
  private final class OnWrite implements Handler {
    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object client, @Nullable Object headers) {
      Waiting call = waiting.get(client);
      // the answer to a body in parts is waited for after the body
      if (call == null || call.waited || inside().isStreaming(client) || isConnect(headers)) {
        return null;
      }
      return (self, arguments) ->
          HttpUrlConnection.<RuntimeException>unchecked(
              () -> {
                await(call, BEFORE, client);
                if (!call.injection.hasAfter()) {
                  done(call, client);
                }
                return original.call(self, arguments);
              });
    }
  }

  /** The answer is read. */
  private final class OnRead implements Handler {
    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object client, @Nullable Object headers) {
      Waiting call = waiting.get(client);
      if (call == null || call.reading || "CONNECT".equals(inside().method(client))) {
        return null;
      }
      return (self, arguments) ->
          HttpUrlConnection.<RuntimeException>unchecked(
              () -> read(call, original, self, arguments));
    }
  }

  private @Nullable Object read(Waiting call, Original original, Object client, Object[] arguments)
      throws Throwable {
    UrlConnectionInside jdk = inside();
    Injection injection = call.injection;
    call.reading = true;
    try {
      if (!call.waited) {
        await(call, BEFORE, client);
      }
      Socket socket = jdk.socket(client);
      boolean retried = jdk.hasRetried(client);
      Object real = original.call(client, arguments);
      if (!injection.hasAfter() || jdk.socket(client) != socket) {
        return real;
      }
      try {
        await(call, AFTER, client);
      } catch (IOException timeout) {
        // the caller must not see a status that never came
        jdk.reset(arguments[0]);
        throw timeout;
      }
      Ending ending = injection.ending(AFTER);
      if (ending == null) {
        return real;
      }
      // the real answer is lost, and the client reads on from a connection that tells another
      String method = String.valueOf(jdk.method(client));
      CannedSocket canned = canned(injection, AFTER, method, jdk.url(client).getHost(), client);
      canned.setSoTimeout(socket.getSoTimeout());
      socket.close();
      jdk.replaceConnection(client, canned);
      jdk.hasRetried(client, retried);
      jdk.reset(arguments[0]);
      return original.call(client, arguments);
    } finally {
      done(call, client);
    }
  }

  private void done(Waiting call, Object client) {
    // a retry may have put another in its place
    if (waiting.get(client) == call) {
      waiting.remove(client);
    }
    call.injection.finish();
  }

  /** The connection is closed, perhaps by another thread while this one waits. */
  private final class OnClose implements Handler {
    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object client, @Nullable Object argument) {
      Waiting call = waiting.get(client);
      if (call != null) {
        call.injection.close();
      }
      return null;
    }
  }

  private void await(Waiting call, Phase phase, Object client) throws IOException {
    call.waited = true;
    UrlConnectionInside jdk = inside();
    Socket socket = jdk.socket(client);
    long limit = nanos(socket.getSoTimeout());
    switch (await(call.injection, phase, limit)) {
      case TIMED_OUT -> {
        jdk.close(client);
        call.injection.finish();
        throw new SocketTimeoutException("Read timed out");
      }
      case INTERRUPTED -> {
        jdk.close(client);
        call.injection.finish();
        throw new SocketException("Closed by interrupt");
      }
      default -> {
        // over, or closed: then the client finds that out by itself
      }
    }
  }

  private static Injection.Waited await(Injection injection, Phase phase, long limit) {
    return injection.await(phase, limit, VirtualThreads.isVirtual(Thread.currentThread()));
  }

  // ---- what is read from a canned socket

  private CannedSocket canned(
      Injection injection, Phase phase, String method, String host, Object near) {
    return new CannedSocket(
        injection,
        timeout -> {
          try {
            return answer(injection, phase, method, host, timeout, near);
          } finally {
            injection.finish();
          }
        });
  }

  private byte[] answer(
      Injection injection, Phase phase, String method, String host, long timeout, Object near)
      throws IOException {
    // of the second phase, only the ending is left
    Injection.Waited waited =
        phase == AFTER ? Injection.Waited.ELAPSED : await(injection, phase, timeout);
    switch (waited) {
      case TIMED_OUT -> throw new SocketTimeoutException("Read timed out");
      case INTERRUPTED -> throw new SocketException("Closed by interrupt");
      case CLOSED -> throw new SocketException("Socket closed");
      case ELAPSED -> {}
    }
    Ending ending = injection.ending(phase);
    if (ending instanceof Response response) {
      return AnswerBytes.of(response, method);
    }
    if (ending instanceof Failure failure) {
      if (failure instanceof Failure.Named named && named.error() == NamedError.UNEXPECTED_EOF) {
        return new byte[0];
      }
      HttpUrlConnection.<RuntimeException>unchecked(
          () -> {
            throw spelled(failure, host, near);
          });
    }
    // it was cleared meanwhile: the client's own retry makes the real call
    throw new SocketException("Connection reset");
  }

  // ---- failures, as observed on JDK 17 and 25

  private static boolean isWhileConnecting(@Nullable Ending ending) {
    return ending instanceof Failure.Named named && named.error().isWhileConnecting();
  }

  private Throwable spelled(Failure failure, String host, Object near) {
    if (failure instanceof Failure.Thrown thrown) {
      try {
        return exceptions.make(thrown, near);
      } catch (ReflectiveOperationException e) {
        OwnFailures.note(e);
        return new IOException(thrown.message());
      }
    }
    return switch (((Failure.Named) failure).error()) {
      case CONNECTION_REFUSED -> new ConnectException("Connection refused");
      // what the system says where the application has set no time-out
      case CONNECT_TIMEOUT -> new ConnectException("Connection timed out");
      case UNKNOWN_HOST -> new UnknownHostException(host);
      case TLS_HANDSHAKE_FAILURE -> TlsFailures.handshake();
      case CERTIFICATE_EXPIRED -> TlsFailures.certificateExpired();
      case READ_TIMEOUT -> new SocketTimeoutException("Read timed out");
      case CONNECTION_RESET -> new SocketException("Connection reset");
      default -> new SocketException(failure.summary());
    };
  }

  private static long nanos(int millis) {
    return millis <= 0 ? Long.MAX_VALUE : TimeUnit.MILLISECONDS.toNanos(millis);
  }

  private interface Body {
    @Nullable Object run() throws Throwable;
  }

  /** A ticket cannot declare what the hooked method can throw. */
  @SuppressWarnings("unchecked")
  private static <E extends Throwable> @Nullable Object unchecked(Body body) throws E {
    try {
      return body.run();
    } catch (Throwable e) {
      throw (E) e;
    }
  }

  // ---- the JDK's inside

  private boolean isConnect(@Nullable Object headers) {
    String line = headers == null ? null : inside().requestLine(headers);
    return line != null && line.startsWith("CONNECT ");
  }

  private UrlConnectionInside inside() {
    UrlConnectionInside known = inside;
    if (known == null) {
      synchronized (this) {
        known = inside;
        if (known == null) {
          try {
            known = new UrlConnectionInside(access);
          } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
          }
          inside = known;
        }
      }
    }
    return known;
  }
}
