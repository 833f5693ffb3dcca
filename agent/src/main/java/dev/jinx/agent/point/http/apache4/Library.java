package dev.jinx.agent.point.http.apache4;

import static java.util.Objects.requireNonNull;

import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.point.AsyncCall;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.WeakIdentityMap;
import dev.jinx.agent.weave.Access;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.net.InetSocketAddress;
import java.nio.channels.Selector;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.http.conn.routing.HttpRoute;
import org.apache.http.nio.NHttpClientConnection;
import org.apache.http.nio.protocol.HttpAsyncRequestExecutor;
import org.apache.http.nio.reactor.ConnectingIOReactor;
import org.apache.http.nio.reactor.SessionRequest;
import org.apache.http.nio.reactor.SessionRequestCallback;
import org.jspecify.annotations.Nullable;

/** What is ours to reach of one copy of the library. */
final class Library {
  static final HttpAsyncRequestExecutor EXECUTOR = new HttpAsyncRequestExecutor();

  private static final InetSocketAddress NO_ADDRESS = InetSocketAddress.createUnresolved("", 0);

  private final WeakIdentityMap<ConnectingIOReactor, Turns> turns = new WeakIdentityMap<>();

  final Access access;

  final Exceptions exceptions;

  final Map<Object, AsyncCall<?>> calls;

  final Map<AsyncCall<?>, Object> held;

  private final MethodHandle route;

  private final MethodHandle request;

  private final MethodHandle connection;

  private final MethodHandle established;

  final Class<?> handlerClass;

  Library(
      Access access,
      Class<?> handler,
      Exceptions exceptions,
      Map<Object, AsyncCall<?>> calls,
      Map<AsyncCall<?>, Object> held) {
    this.access = access;
    this.exceptions = exceptions;
    this.calls = calls;
    this.held = held;
    try {
      handlerClass = handler.getSuperclass();
      MethodHandles.Lookup lookup = access.in(handlerClass);
      route = getter(lookup, "routeRef");
      request = getter(lookup, "requestRef");
      connection = getter(lookup, "managedConnRef");
      established = getter(lookup, "routeEstablished");
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  private MethodHandle getter(MethodHandles.Lookup lookup, String name)
      throws ReflectiveOperationException {
    return lookup
        .unreflectGetter(handlerClass.getDeclaredField(name))
        .asType(MethodType.methodType(Object.class, Object.class));
  }

  private static Object get(MethodHandle field, Object from) {
    try {
      return (Object) field.invokeExact(from);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  @Nullable Object request(Object handler) {
    return ((AtomicReference<?>) get(request, handler)).get();
  }

  boolean isConnected(Object handler) {
    return ((AtomicBoolean) get(established, handler)).get();
  }

  HttpRoute route(Object handler) {
    return (HttpRoute) requireNonNull(((AtomicReference<?>) get(route, handler)).get());
  }

  @Nullable NHttpClientConnection connection(Object handler) {
    return (NHttpClientConnection) held(handler).get();
  }

  /** Where a handler keeps its connection. */
  @SuppressWarnings("unchecked")
  AtomicReference<Object> held(Object handler) {
    return (AtomicReference<Object>) get(connection, handler);
  }

  /** A private field of that object's, null where it has none. */
  @Nullable Object field(Object of, String name) {
    try {
      for (Class<?> type = of.getClass(); type != null; type = type.getSuperclass()) {
        for (java.lang.reflect.Field field : type.getDeclaredFields()) {
          if (field.getName().equals(name)) {
            return access.in(type).unreflectGetter(field).invoke(of);
          }
        }
      }
      return null;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /** The work that waits for the client's reactor; one request at a time brings all of it there. */
  private static final class Turns {
    final Queue<Runnable> work = new ConcurrentLinkedQueue<>();
    final AtomicBoolean asked = new AtomicBoolean();
  }

  void onReactor(ConnectingIOReactor reactor, Runnable work) {
    Turns its = turns.computeIfAbsent(reactor, it -> new Turns());
    its.work.add(work);
    if (!its.asked.compareAndSet(false, true)) {
      return;
    }
    Runnable all =
        () -> {
          its.asked.set(false);
          for (Runnable next = its.work.poll(); next != null; next = its.work.poll()) {
            try {
              next.run();
            } catch (Throwable e) {
              // the reactor would die of it
              OwnFailures.note(e);
            }
          }
          // behind a request that fails, the reactor leaves those that follow for its next turn
          if (field(reactor, "selector") instanceof Selector selector) {
            selector.wakeup();
          }
        };
    try {
      reactor.connect(
          NO_ADDRESS,
          NO_ADDRESS,
          null,
          new SessionRequestCallback() {
            @Override
            public void completed(SessionRequest never) {
              all.run();
            }

            @Override
            public void failed(SessionRequest asItShould) {
              all.run();
            }

            @Override
            public void timeout(SessionRequest never) {
              all.run();
            }

            @Override
            public void cancelled(SessionRequest request) {
              all.run();
            }
          });
    } catch (RuntimeException closed) {
      apart(all);
    }
  }

  static void apart(Runnable work) {
    var thread = new Thread(work, "httpasyncclient-closed");
    thread.setDaemon(true);
    thread.start();
  }

  /** Lets the library end an exchange as it does on such a connection. */
  static void end(NHttpClientConnection connection, Failure failure, @Nullable Exception thrown) {
    try {
      if (thrown != null) {
        EXECUTOR.exception(connection, thrown);
      } else if (AsyncCall.is(NamedError.READ_TIMEOUT, failure)) {
        EXECUTOR.timeout(connection);
      } else {
        EXECUTOR.endOfInput(connection);
      }
    } catch (IOException | RuntimeException e) {
      EXECUTOR.exception(connection, e);
    }
  }
}
