package dev.jinx.agent.point.tls;

import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.point.Point;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.ClassHooks;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.Executor;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;

/**
 * {@code java.net.http.HttpClient}, where what its connection has received goes into its engine.
 */
public final class JdkHttpClientTls extends WaitingEngineHook implements Point {
  private static final String COMMON = "jdk.internal.net.http.common.";

  private final Access access;
  private volatile @Nullable Inside inside;

  public JdkHttpClientTls(Armory armory, Access access, Handshakes handshakes) {
    super(armory, handshakes);
    this.access = access;
  }

  @Override
  public List<ClassHooks> classes() {
    return List.of(
        new ClassHooks(
            "jdk-httpclient",
            "jdk/internal/net/http/common/SSLFlowDelegate$Reader",
            List.of(on("processData", "()V", -1))));
  }

  /** All handles on its own classes. */
  private static final class Inside {
    final MethodHandle engine;
    final MethodHandle executor;
    final MethodHandle received;
    final MethodHandle schedule;
    final Class<?> selecting;
    final MethodHandle apart;

    Inside(Access access, Class<?> reader) throws ReflectiveOperationException {
      MethodHandles.Lookup in = access.in(reader);
      Class<?> flow = in.findClass(COMMON.concat("SSLFlowDelegate"));
      MethodHandle flowOf =
          in.findGetter(reader, "this$0", flow).asType(MethodType.methodType(flow, Object.class));
      engine =
          MethodHandles.filterReturnValue(flowOf, in.findGetter(flow, "engine", SSLEngine.class));
      executor =
          MethodHandles.filterReturnValue(flowOf, in.findGetter(flow, "exec", Executor.class));
      received = in.findGetter(reader, "readBuf", ByteBuffer.class);
      schedule = in.findVirtual(reader, "schedule", MethodType.methodType(void.class));
      selecting =
          Class.forName(
              "jdk.internal.net.http.HttpClientImpl$DelegatingExecutor",
              false,
              reader.getClassLoader());
      apart =
          access
              .in(selecting)
              .findVirtual(
                  selecting,
                  "ensureExecutedAsync",
                  MethodType.methodType(void.class, Runnable.class));
    }
  }

  private Inside inside(Object reader) throws ReflectiveOperationException {
    Inside known = inside;
    if (known == null) {
      known = new Inside(access, reader.getClass());
      inside = known;
    }
    return known;
  }

  @Override
  SSLEngine engine(Object reader) {
    try {
      return (SSLEngine) inside(reader).engine.invokeExact(reader);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  boolean isAnswered(Object reader) throws Throwable {
    SSLEngine engine = engine(reader);
    return SunJsse.isEngine(engine)
        && !handshakes.jsse().isNegotiated(engine)
        && ((ByteBuffer) inside(reader).received.invoke(reader)).hasRemaining();
  }

  /** The client's executor runs what it gets from another thread than its selector's at once. */
  @Override
  void resume(Object reader, Object[] arguments) throws Throwable {
    Inside its = inside(reader);
    Runnable again =
        () -> {
          try {
            its.schedule.invoke(reader);
          } catch (Throwable e) {
            throw new IllegalStateException(e);
          }
        };
    Executor executor = (Executor) its.executor.invokeExact(reader);
    if (its.selecting.isInstance(executor)) {
      its.apart.invoke(executor, again);
    } else {
      executor.execute(again);
    }
  }
}
