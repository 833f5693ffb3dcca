package dev.jinx.agent.point.http;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.call.Kind;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.point.Adapters;
import dev.jinx.agent.point.AsyncCall;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.HookPoint;
import dev.jinx.agent.point.Point;
import dev.jinx.agent.point.tls.TlsFailures;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.Landmark;
import dev.jinx.agent.weave.MethodHook;
import dev.jinx.agent.weave.Original;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * Apache HttpClient 5, asynchronous, for HTTP/1.1 and HTTP/2. Every attempt at a request, a
 * redirect, a retry and an answered challenge included, passes {@code AsyncConnectExec.execute}
 * once, beneath what repeats and decodes and above the pool. What happens then is in the package
 * {@code apache5}.
 */
public final class ApacheHttpAsyncClient5 extends HookPoint implements Point {
  private static final String CLIENT = "apache5";

  /** What is linked against the library. */
  public interface Inside {
    /**
     * Called once, first.
     *
     * @param held to note the calls in that are held, with the reactor whose closing ends them
     */
    void open(Access access, Exceptions exceptions, Map<AsyncCall<?>, Object> held);

    /** A field of a request; {@code PATH} and {@code QUERY} both as sent, port -1 for none. */
    @Nullable String read(Field field, @Nullable String name, Object request);

    /** Takes a call of {@code AsyncConnectExec.execute} on. */
    void begin(Injection injection, Original original, Object exec, Object[] arguments);
  }

  private final Access access;
  private final Exceptions exceptions;
  private final Map<AsyncCall<?>, Object> held = new ConcurrentHashMap<>();
  private final Adapters<Inside> adapters;
  private final ClassValue<Inside> insides =
      new ClassValue<>() {
        @Override
        protected Inside computeValue(Class<?> library) {
          Inside inside = adapters.of(library);
          inside.open(access, exceptions, held);
          return inside;
        }
      };

  public ApacheHttpAsyncClient5(Armory armory, Access access, Exceptions exceptions) {
    super(armory, Operation.HTTP_EXCHANGE);
    this.access = access;
    this.exceptions = exceptions;
    this.adapters =
        new Adapters<>("dev.jinx.agent.point.http.apache5.AsyncAdapter", Inside.class, access);
  }

  @Override
  public List<ClassHooks> classes() {
    String execute =
        "(Lorg/apache/hc/core5/http/HttpRequest;"
            + "Lorg/apache/hc/core5/http/nio/AsyncEntityProducer;"
            + "Lorg/apache/hc/client5/http/async/AsyncExecChain$Scope;"
            + "Lorg/apache/hc/client5/http/async/AsyncExecChain;"
            + "Lorg/apache/hc/client5/http/async/AsyncExecCallback;)V";
    String close = "(Lorg/apache/hc/core5/io/CloseMode;)V";
    return List.of(
        new ClassHooks(
            "apache-httpclient5-async",
            "org/apache/hc/client5/http/impl/async/AsyncConnectExec",
            List.of(on("execute", execute, 0))),
        new ClassHooks(
            "apache-httpcore5-reactor",
            "org/apache/hc/core5/reactor/DefaultConnectingIOReactor",
            List.of(new MethodHook("close", close, -1, operation().bit(), new OnClose(), true))));
  }

  @Override
  public List<Landmark> landmarks() {
    String packageName = "org/apache/hc/client5/http/impl/async/";
    return List.of(
        new Landmark(
            "apache-httpclient5-async",
            packageName + "HttpAsyncClientBuilder",
            List.of(List.of(packageName + "AsyncConnectExec"))));
  }

  @Override
  public String client() {
    return CLIENT;
  }

  /** Failed TLS handshakes, for what is linked against a library. */
  public static Exception tls(NamedError error) {
    return error == NamedError.CERTIFICATE_EXPIRED
        ? TlsFailures.certificateExpired()
        : TlsFailures.handshake();
  }

  private final class OnClose implements Handler {
    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object reactor, @Nullable Object argument) {
      try {
        held.forEach(
            (call, its) -> {
              if (its == reactor) {
                call.cancel();
              }
            });
      } catch (Throwable e) {
        OwnFailures.note(e);
      }
      return null;
    }
  }

  @Override
  public @Nullable String read(
      Field field, @Nullable String name, Object exec, @Nullable Object request) {
    if (request == null) {
      return null;
    }
    Inside inside = insides.get(exec.getClass());
    return switch (field) {
      case CLIENT -> CLIENT;
      case PATH -> RequestTarget.path(inside.read(field, name, request));
      case QUERY -> RequestTarget.query(inside.read(field, name, request));
      case HOST -> RequestTarget.host(inside.read(field, name, request));
      case PORT -> {
        String port = inside.read(field, name, request);
        yield RequestTarget.port(
            inside.read(Field.SCHEME, null, request), port == null ? -1 : Integer.parseInt(port));
      }
      default -> inside.read(field, name, request);
    };
  }

  @Override
  protected @Nullable Object inject(
      Injection injection, Original original, Object exec, Object[] arguments) throws Throwable {
    try {
      insides.get(exec.getClass()).begin(injection, original, exec, arguments);
      return null;
    } catch (Throwable bugOfOurs) {
      OwnFailures.note(bugOfOurs);
      injection.finish();
    }
    try (CallScope scope = CallScope.enter(Kind.HTTP)) {
      return original.call(exec, arguments);
    }
  }
}
