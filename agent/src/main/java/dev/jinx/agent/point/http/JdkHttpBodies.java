package dev.jinx.agent.point.http;

import dev.jinx.agent.effect.Cut;
import dev.jinx.agent.effect.Reset;
import dev.jinx.agent.fault.BodyFlow;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.point.WeakIdentityMap;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.MethodHook;
import dev.jinx.agent.weave.Original;
import java.io.EOFException;
import java.io.IOException;
import java.net.SocketException;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.LongConsumer;
import java.util.function.LongUnaryOperator;
import java.util.function.ObjLongConsumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The bodies of real answers to {@code java.net.http.HttpClient} that are slow or cut, beneath its
 * parsers and its flow control. The methods that receive bytes are stood in for by {@code JinxBody}
 * of the client's own package: on HTTP/1.1 {@code Http1Response.BodyReader.tryAsyncReceive}, on
 * HTTP/2 {@code Stream.receiveDataFrame}.
 */
final class JdkHttpBodies {

  /** By the body's reader on HTTP/1.1. */
  private final WeakIdentityMap<Object, Object> byReader = new WeakIdentityMap<>();

  /** By the exchange on HTTP/2, whose frames may come before its response is known here. */
  private final WeakIdentityMap<Object, Object> byExchange = new WeakIdentityMap<>();

  private volatile @Nullable HttpClientInside client;

  MethodHook http1(long bits) {
    return new MethodHook(
        "tryAsyncReceive", "(Ljava/nio/ByteBuffer;)Z", 0, bits, new OnReceive(false), true);
  }

  MethodHook http2(long bits) {
    return new MethodHook(
        "receiveDataFrame",
        "(Ljdk/internal/net/http/frame/DataFrame;)V",
        0,
        bits,
        new OnReceive(true),
        true);
  }

  /** A flow in the terms of the JDK. */
  record Flow(
      LongUnaryOperator portion,
      ObjLongConsumer<Runnable> later,
      LongConsumer passed,
      Supplier<@Nullable IOException> cut) {

    static Flow of(BodyFlow flow) {
      return new Flow(
          flow::portion,
          (goOn, bytes) -> flow.later(bytes, waited -> goOn.run()),
          flow::passed,
          () -> lost(flow.cut()));
    }

    /** As seen on JDK 17 and 25. */
    private static @Nullable IOException lost(@Nullable Cut cut) {
      return cut == null
          ? null
          : cut instanceof Reset
              ? new SocketException("Connection reset")
              : new EOFException("EOF reached while reading");
    }
  }

  /** A real exchange begins. */
  void begin(HttpClientInside client, Object exchange, Flow flow) {
    this.client = client;
    try {
      byExchange.put(exchange, client.http2Body(flow));
    } catch (Throwable e) {
      OwnFailures.note(e);
    }
  }

  /** Its response has come, and its body may be read from now on. */
  void arrived(HttpClientInside client, Object exchange, Object response, Flow flow) {
    try {
      Object[] readerAndBody = client.http1Body(exchange, response, new ChunkFraming(), flow);
      if (readerAndBody != null) {
        byReader.put(readerAndBody[0], readerAndBody[1]);
      }
    } catch (Throwable e) {
      OwnFailures.note(e);
    }
  }

  /** Bytes of a body are received; asked of every body while any http fault is armed. */
  private final class OnReceive implements Handler {
    private final boolean http2;

    OnReceive(boolean http2) {
      this.http2 = http2;
    }

    @Override
    @SuppressWarnings("unchecked")
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object self, @Nullable Object bytes) {
      try {
        HttpClientInside inside = client;
        if (inside == null) {
          return null;
        }
        Object body = http2 ? byExchange.get(inside.exchangeOf(self)) : byReader.get(self);
        if (body == null || ((Predicate<@Nullable Object>) body).test(bytes)) {
          return null;
        }
        return (it, arguments) ->
            ((BiFunction<Object[], Function<Object, @Nullable Object>, @Nullable Object>) body)
                .apply(new Object[] {it, arguments[0]}, passed -> pass(original, it, passed));
      } catch (Throwable e) {
        OwnFailures.note(e);
        return null;
      }
    }

    private @Nullable Object pass(Original original, Object self, Object bytes) {
      try {
        return original.call(self, new Object[] {bytes});
      } catch (Throwable e) {
        Ticket.<RuntimeException>rethrow(e);
        return null;
      }
    }
  }
}
