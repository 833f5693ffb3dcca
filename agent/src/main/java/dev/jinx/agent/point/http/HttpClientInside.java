package dev.jinx.agent.point.http;

import dev.jinx.agent.effect.Response;
import dev.jinx.agent.weave.Access;
import java.io.IOException;
import java.io.InputStream;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.net.http.HttpRequest;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;
import java.util.function.LongConsumer;
import java.util.function.LongUnaryOperator;
import java.util.function.ObjLongConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The inside of {@code java.net.http.HttpClient}: all handles on its own classes, and the adapter
 * that is defined in its package.
 */
final class HttpClientInside {
  private static final String PACKAGE = "jdk/internal/net/http/";

  private final MethodHandle request;
  private final MethodHandle future;
  private final MethodHandle run;
  private final MethodHandle connectTimeout;
  private final MethodHandle http2Client;
  private final MethodHandle http2Key;
  private final MethodHandle http2Connections;
  private final MethodHandle cancelCause;
  private final MethodHandle retryable;
  private final MethodHandle discard;
  private final MethodHandle discardPooled;
  private final MethodHandle answer;
  private final MethodHandle http1Body;
  private final MethodHandle http2Body;
  private final MethodHandle exchangeOf;

  HttpClientInside(Access access, Class<?> exchange)
      throws IOException, ReflectiveOperationException {
    MethodHandles.Lookup lookup = access.in(exchange);
    define(lookup, "JinxBody");
    Class<?> body1 = define(lookup, "JinxBody1");
    Class<?> body2 = define(lookup, "JinxBody2");
    Class<?> adapter = define(lookup, "JinxExchange");
    request = find(lookup, adapter, "request", HttpRequest.class, Object.class);
    future = find(lookup, adapter, "future", CompletableFuture.class);
    run = find(lookup, adapter, "run", void.class, Object.class, Runnable.class);
    connectTimeout = find(lookup, adapter, "connectTimeout", Duration.class, Object.class);
    http2Client = find(lookup, adapter, "http2Client", Object.class, Object.class);
    http2Key = find(lookup, adapter, "http2Key", String.class, Object.class);
    Class<?> http2 = lookup.findClass("jdk.internal.net.http.Http2ClientImpl");
    http2Connections =
        access
            .in(http2)
            .findGetter(http2, "connections", Map.class)
            .asType(MethodType.methodType(Map.class, Object.class));
    cancelCause = find(lookup, adapter, "cancelCause", Throwable.class, Object.class);
    retryable = find(lookup, adapter, "retryable", Throwable.class, Throwable.class);
    discard = find(lookup, adapter, "discard", void.class, Object.class);
    discardPooled = find(lookup, adapter, "discardPooled", void.class, Object.class, Object.class);
    answer =
        find(
            lookup,
            adapter,
            "answer",
            Object.class,
            Object.class,
            boolean.class,
            int.class,
            Map.class,
            byte[].class);
    Class<?>[] flow = {
      LongUnaryOperator.class, ObjLongConsumer.class, LongConsumer.class, Supplier.class
    };
    http2Body = lookup.findStatic(body2, "of", MethodType.methodType(Object.class, flow));
    http1Body =
        lookup.findStatic(
            body1,
            "of",
            MethodType.methodType(Object[].class, flow)
                .insertParameterTypes(0, Object.class, Object.class, BiFunction.class));
    exchangeOf = find(lookup, body2, "exchange", Object.class, Object.class);
  }

  private static Class<?> define(MethodHandles.Lookup lookup, String name)
      throws IOException, ReflectiveOperationException {
    String file = PACKAGE + name + ".class";
    try (InputStream in = HttpClientInside.class.getClassLoader().getResourceAsStream(file)) {
      if (in == null) {
        throw new IOException("the jar is incomplete: " + file + " is missing");
      }
      return lookup.defineClass(in.readAllBytes());
    }
  }

  private static MethodHandle find(
      MethodHandles.Lookup lookup,
      Class<?> adapter,
      String name,
      Class<?> result,
      Class<?>... parameters)
      throws ReflectiveOperationException {
    return lookup.findStatic(adapter, name, MethodType.methodType(result, parameters));
  }

  HttpRequest request(Object exchange) {
    try {
      return (HttpRequest) request.invokeExact(exchange);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  @SuppressWarnings("unchecked")
  CompletableFuture<Object> future() {
    try {
      return (CompletableFuture<Object>) future.invokeExact();
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  void run(Object exchange, Runnable work) {
    try {
      run.invokeExact(exchange, work);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  @Nullable Duration connectTimeout(Object exchange) {
    try {
      return (Duration) connectTimeout.invokeExact(exchange);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  @Nullable Throwable cancelCause(Object exchange) {
    try {
      return (Throwable) cancelCause.invokeExact(exchange);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /** Whether the client would use an HTTP/2 connection that it has. */
  boolean isHttp2(Object exchange) {
    return http2Connection(exchange) != null;
  }

  private @Nullable Object http2Connection(Object exchange) {
    try {
      Object all = http2Client.invokeExact(exchange);
      return ((Map<?, ?>) http2Connections.invokeExact(all))
          .get((String) http2Key.invokeExact(exchange));
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /** Closes the connection that the client has and would have used. */
  void discardPooled(Object exchange) {
    try {
      discardPooled.invokeExact(exchange, http2Connection(exchange));
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  Throwable retryable(Throwable cause) {
    try {
      return (Throwable) retryable.invokeExact(cause);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  void discard(Object exchange) {
    try {
      discard.invokeExact(exchange);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  Object answer(Object exchange, Response answer) {
    try {
      return (Object)
          this.answer.invokeExact(
              exchange, isHttp2(exchange), answer.status(), answer.headers(), answer.body());
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * See {@code JinxBody1.of}.
   *
   * @return the object that receives the body, and the body; null where it comes on HTTP/2
   */
  Object @Nullable [] http1Body(
      Object exchange, Object response, ChunkFraming framing, JdkHttpBodies.Flow flow) {
    BiFunction<ByteBuffer, Long, Long> chunks = framing::pass;
    try {
      return (Object[])
          http1Body.invokeExact(
              exchange, response, chunks, flow.portion(), flow.later(), flow.passed(), flow.cut());
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /** See {@code JinxBody2.of}. */
  Object http2Body(JdkHttpBodies.Flow flow) {
    try {
      return (Object)
          http2Body.invokeExact(flow.portion(), flow.later(), flow.passed(), flow.cut());
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /** The exchange of a stream. */
  Object exchangeOf(Object stream) {
    try {
      return (Object) exchangeOf.invokeExact(stream);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }
}
