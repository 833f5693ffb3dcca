package dev.jinx.agent.point.http;

import dev.jinx.agent.effect.Ending;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.effect.Response;
import dev.jinx.agent.fault.BodyFlow;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.point.AsyncCall;
import dev.jinx.agent.point.tls.TlsFailures;
import dev.jinx.agent.weave.Original;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One attempt in the hands of an injection; its outcome is the state of the real stream. */
final class GrpcCall extends AsyncCall<Object> {
  private final Grpc point;
  private final GrpcInside client;
  private final Original original;
  private final Object transport;
  private final Executor executor;
  private final boolean hasDeadline;
  private final long connectMillis;

  // the maps' keys stand in these: they go as soon as the real call is made
  private Object @Nullable [] arguments;
  @Nullable Object delayed;
  volatile @Nullable Object stream;

  // on the transport's thread
  private final Queue<Grpc.Received> received = new ArrayDeque<>();
  private boolean decided;
  private boolean holding;
  private boolean passing;
  private boolean isCut;
  private @Nullable BodyFlow flow;

  /** The next bytes are on their way; or so many have come. */
  private boolean waiting;

  private int come;
  private volatile boolean over;

  GrpcCall(
      Grpc point, Injection injection, Original original, Object transport, Object[] arguments) {
    super(injection);
    this.point = point;
    this.client = point.inside(transport);
    this.original = original;
    this.transport = transport;
    this.arguments = arguments;
    this.executor = client.executor(transport, arguments);
    this.hasDeadline = client.hasDeadline(arguments);
    this.connectMillis = client.connectMillis(transport);
    this.delayed = client.delayed();
  }

  private Object[] arguments() {
    return Objects.requireNonNull(arguments);
  }

  @Override
  protected long patience(Phase phase, @Nullable Ending planned) {
    if (is(NamedError.CONNECT_TIMEOUT, planned)) {
      return TimeUnit.MILLISECONDS.toNanos(connectMillis);
    }
    // gRPC's own timer cancels
    return hasDeadline ? ELSEWHERE : Long.MAX_VALUE;
  }

  @Override
  protected void run(Runnable work) {
    try {
      executor.execute(work);
    } catch (RejectedExecutionException stopped) {
      work.run();
    }
  }

  /** What the attempt becomes. */
  private void become(Object real) {
    Object waiting = Objects.requireNonNull(delayed);
    point.byDelayed.remove(waiting);
    delayed = null;
    arguments = null;
    client.set(waiting, real);
  }

  @Override
  protected void goOn() throws Throwable {
    if (injection.hasAfter() || injection.flow() != null) {
      point.byHeaders.put(arguments()[1], this);
    }
    gone();
    Object real;
    try (CallScope scope = CallScope.enter(point.operation().kind())) {
      real = Objects.requireNonNull(original.call(transport, arguments()));
    }
    become(real);
  }

  @Override
  protected void answered(Response response, Phase phase) throws Throwable {
    if (phase == Phase.BEFORE) {
      become(client.answering(response, arguments(), executor));
      return;
    }
    Object state = client.state(Objects.requireNonNull(stream));
    client.run(
        state,
        () -> {
          drop();
          passing = true;
          try {
            client.answer(state, response);
          } catch (Throwable e) {
            OwnFailures.note(e);
          }
        });
  }

  @Override
  protected void failed(Failure failure, Phase phase) throws Throwable {
    fail(status(failure), phase);
  }

  private void fail(Object status, Phase phase) {
    if (phase == Phase.BEFORE) {
      become(client.failing(status, arguments()));
    } else {
      client.cancel(Objects.requireNonNull(stream), status);
    }
  }

  private Object status(Failure failure) throws ReflectiveOperationException {
    if (failure instanceof Failure.Thrown thrown) {
      return client.status(point.exceptions.make(thrown, transport));
    }
    NamedError error = ((Failure.Named) failure).error();
    return switch (error) {
      case TLS_HANDSHAKE_FAILURE -> client.handshakeFailed(TlsFailures.handshake());
      case CERTIFICATE_EXPIRED -> client.handshakeFailed(TlsFailures.certificateExpired());
      default -> client.status(error, transport, arguments);
    };
  }

  @Override
  protected void outOfPatience(Phase phase, @Nullable Ending planned) {
    fail(client.status(NamedError.CONNECT_TIMEOUT, transport, arguments()), phase);
  }

  @Override
  protected void cancelled(Phase phase, @Nullable Ending planned) {
    // the stream has told its listener by itself
    delayed = null;
    arguments = null;
  }

  @Override
  protected void discard(Object state) {}

  // ---- what arrives

  /** Whether what arrives is not to go its way at once. */
  boolean takes() {
    if (!decided) {
      decided = true;
      holding = injection.hasAfter();
      flow = injection.flow();
    }
    return !passing && !over && (holding || flow != null);
  }

  void note(Object state, Grpc.Received what) {
    received.add(what);
    if (isCut) {
      drop();
    } else if (!holding) {
      flow(state);
    } else if (received.size() == 1) {
      arrived(state);
    }
  }

  @Override
  protected void deliver(Object state) {
    client.run(
        state,
        () -> {
          holding = false;
          flow(state);
        });
  }

  /** Lets what has arrived go its way, as fast as it may. */
  private void flow(Object state) {
    if (waiting) {
      return;
    }
    while (!over) {
      Grpc.Received next = received.peek();
      if (next == null) {
        passing = flow == null;
        return;
      }
      BodyFlow slowed = flow;
      if (slowed == null || !next.method().equals(GrpcInside.DATA)) {
        received.remove();
        pass(state, next.method(), next.arguments());
      } else if (!part(state, slowed, next)) {
        return;
      }
    }
  }

  /** Passes a part of some data; false where it is yet to come, or will not. */
  private boolean part(Object state, BodyFlow slowed, Grpc.Received data) {
    Object buffer = data.arguments()[0];
    int size = client.size(buffer);
    if (size == 0) {
      received.remove();
      pass(state, data.method(), data.arguments());
      return true;
    }
    int portion = (int) slowed.portion(size);
    if (portion == 0 && slowed.cut() != null) {
      Object status = client.cut(slowed, transport);
      isCut = true;
      drop();
      client.cancel(Objects.requireNonNull(stream), status);
      return false;
    }
    int coming = portion == 0 ? size : portion;
    if (come == 0) {
      waiting = true;
      slowed.later(
          coming,
          waited ->
              client.run(
                  state,
                  () -> {
                    come = coming;
                    waiting = false;
                    flow(state);
                  }));
      return false;
    }
    int passed = Math.min(come, size);
    come = 0;
    slowed.passed(passed);
    if (passed == size) {
      received.remove();
      pass(state, data.method(), data.arguments());
    } else {
      pass(state, data.method(), new Object[] {client.part(buffer, passed), false});
    }
    return true;
  }

  private void pass(Object state, String method, Object[] with) {
    boolean before = passing;
    passing = true;
    try {
      client.receive(state, method, with);
    } catch (Throwable e) {
      OwnFailures.note(e);
    } finally {
      passing = before;
    }
  }

  private void drop() {
    for (Grpc.Received each : received) {
      if (each.method().equals(GrpcInside.DATA)) {
        client.close(each.arguments()[0]);
      }
    }
    received.clear();
  }

  /** The stream has ended. */
  void over() {
    over = true;
    cancel();
  }
}
