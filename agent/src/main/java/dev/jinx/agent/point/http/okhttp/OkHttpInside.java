package dev.jinx.agent.point.http.okhttp;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.point.http.OkHttp;
import dev.jinx.agent.point.http.OkHttpAttempt;
import dev.jinx.agent.weave.Access;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Constructor;
import java.net.Socket;
import okhttp3.Connection;
import okhttp3.Headers;
import okhttp3.HttpUrl;
import okhttp3.Interceptor;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Route;
import okhttp3.internal.http.ExchangeCodec;
import okio.Buffer;
import okio.BufferedSink;
import okio.BufferedSource;
import org.jspecify.annotations.Nullable;

/**
 * The inside of OkHttp 3.14 to 5.x. What only some versions have is called where it is there, or
 * through handles; classes that only 5.x has are touched in {@link OkHttp5} alone.
 */
public final class OkHttpInside implements OkHttp.Inside {
  private final Handles handles;
  private final Class<?> connection;
  private final MethodHandle noNewExchanges;
  private final MethodHandle routeFailures;
  private final MethodHandle setRouteFailures;
  private final MethodHandle routeSelectorCall;
  private final MethodHandle lastConnection;
  private final Constructor<?> http1Codec;
  private final @Nullable Class<?> user;
  private final @Nullable MethodHandle userCall;
  private final @Nullable MethodHandle transmitter;
  private final @Nullable MethodHandle trailers;
  private final @Nullable OkHttp5 five;

  /**
   * @throws ReflectiveOperationException where this version is none of those that are known
   */
  public OkHttpInside(Access access) throws ReflectiveOperationException {
    handles = new Handles(access, ExchangeCodec.class.getClassLoader());
    connection = handles.required("connection.RealConnection");
    noNewExchanges = handles.setter(connection, "noNewExchanges");
    routeFailures = handles.getter(connection, "routeFailureCount");
    setRouteFailures = handles.setter(connection, "routeFailureCount");
    http1Codec = handles.required("http1.Http1ExchangeCodec").getConstructors()[0];
    routeSelectorCall =
        handles.getter(
            handles.required("connection.RouteSelector"), "call", "connectionUser", "user");
    user = handles.find("connection.CallConnectionUser");
    userCall = user == null ? null : handles.getter(user, "call");
    Class<?> carrier = handles.find("connection.Transmitter");
    transmitter =
        carrier == null
            ? null
            : MethodHandles.publicLookup()
                .findVirtual(
                    handles.required("http.RealInterceptorChain"),
                    "transmitter",
                    MethodType.methodType(carrier))
                .asType(MethodType.methodType(Object.class, Object.class));
    lastConnection =
        handles.getter(
            carrier == null ? handles.required("connection.RealCall") : carrier, "connection");
    Class<?> plan = handles.find("connection.ConnectPlan");
    five = plan == null ? null : new OkHttp5(this, handles, plan);
    trailers = plan == null ? findTrailers() : null;
  }

  private static MethodHandle findTrailers() throws ReflectiveOperationException {
    return MethodHandles.publicLookup()
        .findVirtual(ExchangeCodec.class, "trailers", MethodType.methodType(Headers.class));
  }

  // ---- reading a call

  @Override
  public @Nullable String read(Field field, @Nullable String name, Object chain) {
    Request request = ((Interceptor.Chain) chain).request();
    HttpUrl url = request.url();
    return switch (field) {
      case SCHEME -> url.scheme();
      case HOST -> url.host();
      case PORT -> Integer.toString(url.port());
      case METHOD -> request.method();
      case PATH -> url.encodedPath();
      case QUERY -> url.encodedQuery();
      case HEADER -> name == null ? null : request.header(name);
      default -> null;
    };
  }

  @Override
  public Object call(Object chain) {
    return ((Interceptor.Chain) chain).call();
  }

  @Override
  public Object carrier(Object chain) {
    return transmitter == null ? call(chain) : Handles.present(Handles.get(transmitter, chain));
  }

  @Override
  public @Nullable Object callOfRoutes(Object routeSelector) {
    return callOf(Handles.get(routeSelectorCall, routeSelector));
  }

  @Override
  public @Nullable Object callOfPlan(Object plan) {
    return five == null ? null : callOf(five.callOf(plan));
  }

  @Override
  public @Nullable Object callOf(@Nullable Object user) {
    return userCall != null && this.user != null && this.user.isInstance(user)
        ? Handles.get(userCall, Handles.present(user))
        : user;
  }

  @Override
  public int connectTimeout(Object chain) {
    return ((Interceptor.Chain) chain).connectTimeoutMillis();
  }

  @Override
  public int readTimeout(Object chain) {
    return ((Interceptor.Chain) chain).readTimeoutMillis();
  }

  // ---- connections

  @Override
  public void forgetConnection(Object carrier) {
    Object last = Handles.get(lastConnection, carrier);
    if (last != null) {
      noNewExchanges(last);
    }
  }

  /** No other call gets that connection; it is closed with the last that has it. */
  void noNewExchanges(Object on) {
    Handles.set(noNewExchanges, on, true);
  }

  /** The same, and its route is not tried again at once. */
  void lost(Object on) {
    noNewExchanges(on);
    Integer failures = (Integer) Handles.get(routeFailures, on);
    Handles.set(setRouteFailures, on, failures == null ? 1 : failures + 1);
  }

  @Override
  public void pretendConnected(Object unconnected) throws ReflectiveOperationException {
    Socket socket = new Socket();
    Buffer nothing = new Buffer();
    pretend(unconnected, "rawSocket", socket);
    pretend(unconnected, "socket", socket);
    pretend(unconnected, "source", nothing);
    pretend(unconnected, "sink", nothing);
    pretend(unconnected, "protocol", protocol(((Connection) unconnected).route()));
    noNewExchanges(unconnected);
  }

  private void pretend(Object on, String field, Object value) throws ReflectiveOperationException {
    Handles.set(handles.setter(connection, field), on, value);
  }

  /** What a connection would most likely have spoken. */
  static Protocol protocol(Route route) {
    Protocol known = Protocol.H2_PRIOR_KNOWLEDGE;
    return route.address().protocols().contains(known) ? known : Protocol.HTTP_1_1;
  }

  @Override
  public Object pretendTcp(Object plan) {
    return OkHttp5.connected(plan);
  }

  @Override
  public Object pretendTls(Object plan) {
    return Handles.present(five).pretendTls(plan);
  }

  // ---- codecs

  @Override
  public Object codec(
      OkHttpAttempt attempt,
      Object connection,
      Object client,
      Object chain,
      @Nullable Object real) {
    return new AttemptCodec(
        this,
        attempt,
        (Connection) connection,
        client,
        (Interceptor.Chain) chain,
        (ExchangeCodec) real);
  }

  /** A codec of the client's own, for HTTP/1.1. */
  ExchangeCodec http1(Object client, Object connection, BufferedSource source, BufferedSink sink) {
    Object socket = five == null ? null : OkHttp5.socket(http1Codec, source, sink);
    return (ExchangeCodec) Handles.make(http1Codec, client, connection, source, sink, socket);
  }

  /** The trailers of an answer, before 5.0. */
  Headers trailers(ExchangeCodec codec) throws Throwable {
    return (Headers) Handles.present(trailers).invokeExact(codec);
  }
}
