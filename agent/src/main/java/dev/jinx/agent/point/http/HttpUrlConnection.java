package dev.jinx.agent.point.http;

import static dev.jinx.agent.effect.Phase.BEFORE;

import dev.jinx.agent.call.CallReader;
import dev.jinx.agent.call.Field;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Drop;
import dev.jinx.agent.effect.Ending;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.fault.OwnThread;
import dev.jinx.agent.point.AsyncCall;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.HookPoint;
import dev.jinx.agent.point.Point;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.MethodHook;
import dev.jinx.agent.weave.Original;
import java.lang.ref.Cleaner;
import java.net.HttpURLConnection;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.URL;
import java.util.Iterator;
import java.util.List;
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

  private final UrlConnectionInside.Lazy inside;
  private final UrlConnectionAnswer answers;
  private final UrlConnectionExchanges exchanges;
  private final RetryReader retryReader = new RetryReader();

  public HttpUrlConnection(Armory armory, Access access, Exceptions exceptions) {
    super(armory, Operation.HTTP_EXCHANGE);
    this.inside = new UrlConnectionInside.Lazy(access);
    this.answers = new UrlConnectionAnswer(exceptions);
    this.exchanges = new UrlConnectionExchanges(inside, answers);
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
                    exchanges.new OnWrite()),
                also(
                    "parseHTTP",
                    "(" + HEADERS + "L" + CONNECTION + ";)Z",
                    0,
                    exchanges.new OnRead()),
                // before the JDK gave up its progress monitor
                also(
                    "parseHTTP",
                    "(" + HEADERS + "Lsun/net/ProgressSource;L" + CONNECTION + ";)Z",
                    0,
                    exchanges.new OnRead()),
                also("closeServer", "()V", -1, exchanges.new OnClose()))));
  }

  private MethodHook also(String method, String descriptor, int argument, Handler handler) {
    return new MethodHook(
        method, descriptor, argument, operation().bit(), handler, !method.equals("parseHTTP"));
  }

  /**
   * @param canned null for a real connection
   */
  private record Opening(@Nullable CannedSocket canned) {}

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
      case HEADER -> name == null ? null : first(inside.get().headers(connection, name));
      default -> read(field, connection.getURL());
    };
  }

  @Override
  public boolean matches(
      Field field,
      @Nullable String name,
      CallReader.TextMatcher pattern,
      Object self,
      @Nullable Object argument) {
    return field == Field.HEADER && name != null
        ? RequestTarget.anyMatches(inside.get().headers(self, name), pattern)
        : super.matches(field, name, pattern, self, argument);
  }

  private static @Nullable String read(Field field, URL url) {
    return switch (field) {
      case SCHEME -> url.getProtocol();
      case HOST -> RequestTarget.host(url.getHost());
      case PORT -> RequestTarget.port(url.getProtocol(), url.getPort());
      case PATH -> RequestTarget.path(url.getPath());
      case QUERY -> url.getQuery() == null ? null : RequestTarget.decoded(url.getQuery());
      case CLIENT -> "urlconnection";
      default -> null;
    };
  }

  private static @Nullable String first(Iterator<String> values) {
    return values.hasNext() ? values.next() : null;
  }

  /** Of the client's own retry only the connection is at hand, with the request it has written. */
  private final class RetryReader implements CallReader {
    @Override
    public @Nullable String read(
        Field field, @Nullable String name, Object client, @Nullable Object argument) {
      return switch (field) {
        case METHOD -> inside.get().method(client);
        case HEADER -> name == null ? null : first(inside.get().written(client, name));
        default -> HttpUrlConnection.read(field, inside.get().url(client));
      };
    }

    @Override
    public boolean matches(
        Field field,
        @Nullable String name,
        CallReader.TextMatcher pattern,
        Object client,
        @Nullable Object argument) {
      return field == Field.HEADER && name != null
          ? RequestTarget.anyMatches(inside.get().written(client, name), pattern)
          : CallReader.super.matches(field, name, pattern, client, argument);
    }
  }

  // ---- connecting

  @Override
  protected boolean concerns(Object connection, @Nullable Object argument) {
    // on a JDK with another inside this throws, and the call goes on untouched
    return inside.get() != null;
  }

  @Override
  protected @Nullable Object inject(
      Injection injection, Original original, Object self, Object[] arguments) throws Throwable {
    HttpURLConnection connection = (HttpURLConnection) self;
    Ending planned = injection.planned(BEFORE);
    String host = connection.getURL().getHost();
    if (AsyncCall.isWhileConnecting(planned)) {
      failToConnect(injection, connection.getConnectTimeout(), host, connection);
      return connect(injection, original, connection, null, false);
    }
    CannedSocket canned =
        planned == null || planned instanceof Drop
            ? null
            : answers.socket(injection, BEFORE, connection.getRequestMethod(), host, connection);
    return connect(injection, original, connection, canned, planned instanceof Failure);
  }

  /** Returns only where the fault has ended meanwhile. */
  private void failToConnect(Injection injection, int timeout, String host, Object near)
      throws Throwable {
    Throwable failure = null;
    switch (UrlConnectionAnswer.await(injection, BEFORE, UrlConnectionAnswer.nanos(timeout))) {
      case TIMED_OUT -> failure = new SocketTimeoutException("Connect timed out");
      case INTERRUPTED -> failure = new SocketException("Closed by interrupt");
      default -> {
        if (injection.ending(BEFORE) instanceof Failure named) {
          failure = answers.spelled(named, host, near);
        }
      }
    }
    if (failure != null) {
      injection.finish();
      throw failure;
    }
  }

  /**
   * @param breaks whether a connection that is kept alive would be the one to break
   */
  private @Nullable Object connect(
      Injection injection,
      Original original,
      HttpURLConnection connection,
      @Nullable CannedSocket canned,
      boolean breaks)
      throws Throwable {
    UrlConnectionInside jdk = inside.get();
    // what the client does after a failure: it takes no connection that is kept alive
    boolean failedBefore = jdk.failedOnce(connection);
    OPENING.set(new Opening(canned));
    boolean connected = false;
    try (CallScope scope = CallScope.enter(operation().kind())) {
      jdk.failedOnce(connection, failedBefore || (canned != null && !breaks));
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
    } else {
      if (canned != null && jdk.socket(client) != canned) {
        jdk.socket(client).close();
        canned.setSoTimeout(Math.max(0, connection.getReadTimeout()));
        jdk.replaceConnection(client, canned);
      }
      exchanges.begin(client, injection, canned != null);
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
        String method = OwnThread.isCurrent() ? null : inside.get().method(client);
        if (method == null || method.equals("CONNECT")) {
          return null;
        }
        exchanges.forget(client);
        Injection injection = armory().match(operation(), retryReader, client, null);
        return injection == null ? null : retry(injection, original, method);
      } catch (Throwable e) {
        OwnFailures.note(e);
        return null;
      }
    }

    private BiFunction<Object, Object[], @Nullable Object> retry(
        Injection injection, Original original, String method) {
      return Ticket.of(
          (client, arguments) -> {
            Ending planned = injection.planned(BEFORE);
            String host = (String) arguments[0];
            if (AsyncCall.isWhileConnecting(planned)) {
              failToConnect(injection, inside.get().connectTimeout(client), host, client);
              planned = null;
            }
            if (planned == null || planned instanceof Drop) {
              OPENING.set(new Opening(null));
              try {
                Object socket = original.call(client, arguments);
                exchanges.begin(client, injection, false);
                return socket;
              } finally {
                OPENING.remove();
              }
            }
            CannedSocket canned = answers.socket(injection, BEFORE, method, host, client);
            canned.setSoTimeout(Math.max(0, inside.get().readTimeout(client)));
            exchanges.begin(client, injection, true);
            return canned;
          });
    }
  }
}
