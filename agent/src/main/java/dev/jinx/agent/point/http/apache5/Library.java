package dev.jinx.agent.point.http.apache5;

import dev.jinx.agent.point.AsyncCall;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.weave.Access;
import java.util.Map;
import org.apache.hc.client5.http.async.AsyncExecRuntime;
import org.apache.hc.core5.reactor.DefaultConnectingIOReactor;
import org.apache.hc.core5.reactor.IOReactorConfig;
import org.jspecify.annotations.Nullable;

/** What is ours to reach of one copy of the library. */
final class Library {
  /** The fields on the way from a runtime to the reactor, in all versions. */
  private static final String[] TO_THE_REACTOR = {"connectionInitiator", "connPool", "sessionPool"};

  final Access access;
  final Exceptions exceptions;
  final Map<AsyncCall<?>, Object> held;

  Library(Access access, Exceptions exceptions, Map<AsyncCall<?>, Object> held) {
    this.access = access;
    this.exceptions = exceptions;
    this.held = held;
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

  @Nullable DefaultConnectingIOReactor reactor(AsyncExecRuntime runtime) {
    Object at = runtime;
    while (at != null && !(at instanceof DefaultConnectingIOReactor)) {
      Object next = null;
      for (String name : TO_THE_REACTOR) {
        next = next == null ? field(at, name) : next;
      }
      at = next;
    }
    return (DefaultConnectingIOReactor) at;
  }

  IOReactorConfig config(@Nullable DefaultConnectingIOReactor reactor) {
    if (reactor != null && field(reactor, "workers") instanceof Object[] workers) {
      if (field(workers[0], "reactorConfig") instanceof IOReactorConfig config) {
        return config;
      }
    }
    return IOReactorConfig.DEFAULT;
  }
}
