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
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.MethodHook;
import dev.jinx.agent.weave.Original;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import java.lang.ref.Cleaner;
import java.net.ConnectException;
import java.net.HttpURLConnection;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.URL;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
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

  private final Access access;
  private final Exceptions exceptions;
  private final CallReader retryReader = this::readRetry;
  private volatile @Nullable Inside inside;

  /** The exchange that the current thread opens a connection for. */
  private static final ThreadLocal<@Nullable Opening> OPENING = new ThreadLocal<>();

  /** By the client that carries them, those that wait for their request or their answer. */
  private final Map<Object, Waiting> waiting = Collections.synchronizedMap(new WeakHashMap<>());

  public HttpUrlConnection(Armory armory, Access access, Exceptions exceptions) {
    super(armory, Operation.HTTP_EXCHANGE);
    this.access = access;
    this.exceptions = exceptions;
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
  protected @Nullable Object inject(
      Injection injection, Original original, Object self, Object[] arguments) throws Throwable {
    HttpURLConnection connection = (HttpURLConnection) self;
    Ending planned = injection.planned(BEFORE);
    if (isWhileConnecting(planned)) {
      failToConnect(injection, connection);
      return connect(injection, original, connection, null);
    }
    CannedSocket canned =
        planned == null || planned instanceof Drop
            ? null
            : canned(
                injection,
                BEFORE,
                connection.getRequestMethod(),
                connection.getURL().getHost(),
                connection);
    return connect(injection, original, connection, canned);
  }

  private void failToConnect(Injection injection, HttpURLConnection connection) throws Throwable {
    long limit = nanos(connection.getConnectTimeout());
    Throwable failure = null;
    switch (await(injection, BEFORE, limit)) {
      case TIMED_OUT -> failure = new SocketTimeoutException("Connect timed out");
      case INTERRUPTED -> failure = new SocketException("Closed by interrupt");
      default -> {
        if (injection.ending(BEFORE) instanceof Failure named) {
          failure = spelled(named, connection.getURL().getHost(), connection);
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
    Inside jdk = inside();
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
                if (planned instanceof Failure failure && isWhileConnecting(failure)) {
                  injection.finish();
                  throw spelled(failure, (String) arguments[0], client);
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
                CannedSocket canned =
                    canned(injection, BEFORE, method, (String) arguments[0], client);
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
                  waiting.remove(client, call);
                  call.injection.finish();
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
    Inside jdk = inside();
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
      waiting.remove(client, call);
      injection.finish();
    }
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
    Inside jdk = inside();
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
      return bytes(response, method);
    }
    if (ending instanceof Failure failure) {
      if (failure instanceof Failure.Named named && named.error() == NamedError.UNEXPECTED_EOF) {
        return new byte[0];
      }
      HttpUrlConnection.<RuntimeException>raise(spelled(failure, host, near));
    }
    // it was cleared meanwhile: the client's own retry makes the real call
    throw new SocketException("Connection reset");
  }

  private static byte[] bytes(Response response, String method) {
    StringBuilder head = new StringBuilder("HTTP/1.1 ").append(response.status()).append(' ');
    head.append(reason(response.status())).append("\r\n");
    response
        .headers()
        .forEach(
            (name, values) ->
                values.forEach(
                    value -> head.append(name).append(": ").append(value).append("\r\n")));
    byte[] body = response.body();
    if (response.status() != 204 && response.status() != 304) {
      head.append("Content-Length: ").append(body.length).append("\r\n");
    }
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.writeBytes(head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1));
    if (!method.equals("HEAD")) {
      all.writeBytes(body);
    }
    return all.toByteArray();
  }

  private static String reason(int status) {
    return switch (status) {
      case 200 -> "OK";
      case 201 -> "Created";
      case 202 -> "Accepted";
      case 204 -> "No Content";
      case 301 -> "Moved Permanently";
      case 302 -> "Found";
      case 304 -> "Not Modified";
      case 400 -> "Bad Request";
      case 401 -> "Unauthorized";
      case 403 -> "Forbidden";
      case 404 -> "Not Found";
      case 408 -> "Request Timeout";
      case 409 -> "Conflict";
      case 429 -> "Too Many Requests";
      case 500 -> "Internal Server Error";
      case 502 -> "Bad Gateway";
      case 503 -> "Service Unavailable";
      case 504 -> "Gateway Timeout";
      default -> "";
    };
  }

  // ---- failures, as observed on JDK 17 and 25

  private static boolean isWhileConnecting(@Nullable Ending ending) {
    return ending instanceof Failure.Named named
        && switch (named.error()) {
          case CONNECTION_REFUSED,
              CONNECT_TIMEOUT,
              UNKNOWN_HOST,
              TLS_HANDSHAKE_FAILURE,
              CERTIFICATE_EXPIRED ->
              true;
          default -> false;
        };
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

  @SuppressWarnings("unchecked")
  private static <E extends Throwable> void raise(Throwable failure) throws E {
    throw (E) failure;
  }

  // ---- the JDK's inside

  private boolean isConnect(@Nullable Object headers) {
    String line = headers == null ? null : inside().requestLine(headers);
    return line != null && line.startsWith("CONNECT ");
  }

  private Inside inside() {
    Inside known = inside;
    if (known == null) {
      synchronized (this) {
        known = inside;
        if (known == null) {
          try {
            known = new Inside(access);
          } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
          }
          inside = known;
        }
      }
    }
    return known;
  }

  /** All handles on the JDK's own classes. */
  private static final class Inside {
    private final Class<?> clientType = Class.forName(CLIENT.replace('/', '.'));
    private final VarHandle client;
    private final VarHandle failedOnce;
    private final VarHandle requests;
    private final VarHandle url;
    private final VarHandle streaming;
    private final VarHandle retried;
    private final VarHandle socket;
    private final VarHandle output;
    private final MethodHandle close;
    private final MethodHandle readTimeout;
    private final MethodHandle key;
    private final MethodHandle value;
    private final MethodHandle reset;

    Inside(Access access) throws ReflectiveOperationException {
      Class<?> connection = Class.forName(CONNECTION.replace('/', '.'));
      Class<?> network = Class.forName("sun.net.NetworkClient");
      Class<?> headers = Class.forName("sun.net.www.MessageHeader");
      MethodHandles.Lookup inConnection = access.in(connection);
      client = inConnection.findVarHandle(connection, "http", clientType);
      failedOnce = inConnection.findVarHandle(connection, "failedOnce", boolean.class);
      MethodHandles.Lookup inClient = access.in(clientType);
      requests = inClient.findVarHandle(clientType, "requests", headers);
      url = inClient.findVarHandle(clientType, "url", URL.class);
      streaming = inClient.findVarHandle(clientType, "streaming", boolean.class);
      retried = inClient.findVarHandle(clientType, "failedOnce", boolean.class);
      MethodHandles.Lookup inNetwork = access.in(network);
      socket = inNetwork.findVarHandle(network, "serverSocket", Socket.class);
      output = inNetwork.findVarHandle(network, "serverOutput", PrintStream.class);
      close = of(inClient, clientType, "closeServer", void.class);
      readTimeout = of(inNetwork, network, "getReadTimeout", int.class);
      MethodHandles.Lookup inHeaders = access.in(headers);
      key = of(inHeaders, headers, "getKey", String.class, int.class);
      value = of(inHeaders, headers, "findValue", String.class, String.class);
      reset = of(inHeaders, headers, "reset", void.class);
    }

    private static MethodHandle of(
        MethodHandles.Lookup lookup,
        Class<?> type,
        String name,
        Class<?> result,
        Class<?>... parameters)
        throws ReflectiveOperationException {
      MethodHandle handle =
          lookup.findVirtual(type, name, MethodType.methodType(result, parameters));
      return handle.asType(handle.type().changeParameterType(0, Object.class));
    }

    @Nullable Object client(Object connection) {
      return client.get(connection);
    }

    boolean failedOnce(Object connection) {
      return (boolean) failedOnce.get(connection);
    }

    void failedOnce(Object connection, boolean failed) {
      failedOnce.set(connection, failed);
    }

    URL url(Object client) {
      return (URL) url.get(client);
    }

    boolean isStreaming(Object client) {
      return (boolean) streaming.get(client);
    }

    boolean hasRetried(Object client) {
      return (boolean) retried.get(client);
    }

    void hasRetried(Object client, boolean yes) {
      retried.set(client, yes);
    }

    Socket socket(Object client) {
      return (Socket) socket.get(client);
    }

    /**
     * The method of the request that a client has written; null before, and for other protocols.
     */
    @Nullable String method(Object client) {
      Object headers = clientType.isInstance(client) ? requests.get(client) : null;
      String line = headers == null ? null : requestLine(headers);
      return line == null ? null : line.substring(0, Math.max(0, line.indexOf(' ')));
    }

    @Nullable String header(Object client, String name) {
      try {
        return (String) value.invokeExact((Object) requests.get(client), name);
      } catch (Throwable e) {
        throw new IllegalStateException(e);
      }
    }

    @Nullable String requestLine(Object headers) {
      try {
        return (String) key.invokeExact(headers, 0);
      } catch (Throwable e) {
        throw new IllegalStateException(e);
      }
    }

    int readTimeout(Object client) {
      try {
        return (int) readTimeout.invokeExact(client);
      } catch (Throwable e) {
        throw new IllegalStateException(e);
      }
    }

    void reset(Object headers) {
      try {
        reset.invokeExact(headers);
      } catch (Throwable e) {
        throw new IllegalStateException(e);
      }
    }

    void close(Object client) {
      try {
        close.invokeExact(client);
      } catch (Throwable e) {
        throw new IllegalStateException(e);
      }
    }

    void replaceConnection(Object client, CannedSocket canned) {
      socket.set(client, canned);
      output.set(client, new PrintStream(canned.getOutputStream(), false, StandardCharsets.UTF_8));
    }
  }
}
