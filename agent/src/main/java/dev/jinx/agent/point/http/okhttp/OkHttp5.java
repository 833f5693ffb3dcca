package dev.jinx.agent.point.http.okhttp;

import java.lang.invoke.MethodHandle;
import java.lang.reflect.Constructor;
import java.net.Socket;
import okhttp3.Route;
import okhttp3.internal.connection.BufferedSocket;
import okhttp3.internal.connection.RoutePlanner;
import okhttp3.internal.http.ExchangeCodec;
import okio.Buffer;
import okio.BufferedSink;
import okio.BufferedSource;
import org.jspecify.annotations.Nullable;

/** What only 5.x has: connecting is a plan, carried out on several threads at once. */
final class OkHttp5 {
  private final OkHttpInside inside;
  private final Constructor<?> connection;
  private final MethodHandle taskRunner;
  private final MethodHandle pool;
  private final MethodHandle listener;
  private final MethodHandle planCall;
  private final MethodHandle planConnection;

  OkHttp5(OkHttpInside inside, Handles handles, Class<?> plan) throws ReflectiveOperationException {
    this.inside = inside;
    connection = handles.required("connection.RealConnection").getConstructors()[0];
    taskRunner = handles.getter(plan, "taskRunner");
    pool = handles.getter(plan, "connectionPool");
    listener =
        handles.getter(handles.required("connection.RealConnectionPool"), "connectionListener");
    // until 5.2 by way of the connection's user
    planCall = handles.getter(plan, "call", "user");
    planConnection = handles.setter(plan, "connection");
  }

  @Nullable Object callOf(Object plan) {
    return Handles.get(planCall, plan);
  }

  static Object connected(Object plan) {
    return new RoutePlanner.ConnectResult((RoutePlanner.Plan) plan, null, null);
  }

  Object pretendTls(Object plan) {
    Route route = ((ExchangeCodec.Carrier) plan).getRoute();
    Object itsPool = Handles.present(Handles.get(pool, plan));
    Buffer nothing = new Buffer();
    Object pretended =
        Handles.make(
            connection,
            Handles.get(taskRunner, plan),
            itsPool,
            Handles.get(listener, itsPool),
            route,
            new Socket(),
            OkHttpInside.protocol(route),
            nothing,
            socket(connection, nothing, nothing));
    inside.noNewExchanges(pretended);
    Handles.set(planConnection, plan, pretended);
    return connected(plan);
  }

  /** The two streams of a connection as one, where a constructor wants them so: from 5.2 on. */
  static @Nullable Object socket(
      Constructor<?> constructor, BufferedSource source, BufferedSink sink) {
    for (Class<?> type : constructor.getParameterTypes()) {
      if (type.getSimpleName().equals("BufferedSocket")) {
        return new Streams(source, sink);
      }
    }
    return null;
  }

  private record Streams(BufferedSource getSource, BufferedSink getSink) implements BufferedSocket {
    @Override
    public void cancel() {}
  }
}
