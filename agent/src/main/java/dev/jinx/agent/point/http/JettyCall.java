package dev.jinx.agent.point.http;

import dev.jinx.agent.call.Field;
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
import java.io.EOFException;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.channels.ClosedChannelException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** One exchange in the hands of an injection; its outcome is the receiver of the answer. */
final class JettyCall extends AsyncCall<Object> {
  private static final byte[] NOTHING = {};

  private final JettyHttpClient point;
  final JettyInside client;
  final Object destination;
  final Object exchange;
  private final Original original;
  private final Object[] arguments;
  private final List<Object> fields = new ArrayList<>();
  private final long startedAt = System.nanoTime();

  /** Stands before the destination's queue. */
  volatile boolean waits = true;

  /** The connection without a network talks HTTP/1.1. */
  private volatile boolean poses;

  private volatile boolean deferring;
  private volatile boolean decided;
  private volatile @Nullable Object receiver;
  private volatile @Nullable Runnable onOver;

  JettyCall(
      JettyHttpClient point,
      Injection injection,
      Original original,
      Object destination,
      Object[] arguments) {
    super(injection);
    this.point = point;
    this.original = original;
    this.destination = destination;
    this.arguments = arguments;
    this.exchange = arguments[0];
    this.client = point.inside(exchange);
    client.sent(exchange);
  }

  @Override
  protected long patience(Phase phase, @Nullable Ending planned) {
    long total = client.total(exchange);
    long other =
        TimeUnit.MILLISECONDS.toNanos(
            is(NamedError.CONNECT_TIMEOUT, planned)
                ? client.connectMillis(exchange)
                : client.idleMillis(exchange));
    long patience = Math.min(total, other == 0 ? Long.MAX_VALUE : other);
    // an exchange with a connection is timed by the client
    return phase == Phase.AFTER && patience != Long.MAX_VALUE ? ELSEWHERE : patience;
  }

  @Override
  protected void held() {
    point.held.put(exchange, this);
  }

  @Override
  protected void run(Runnable work) {
    try {
      client.executor(exchange).execute(work);
    } catch (RejectedExecutionException stopped) {
      work.run();
    }
  }

  @Override
  protected void goOn() {
    waits = false;
    point.held.put(exchange, this);
    try (CallScope scope = CallScope.enter(point.operation().kind())) {
      original.call(destination, arguments);
    } catch (Throwable e) {
      client.abort(exchange, e);
    }
  }

  // ---- the answer

  /** Whether the client's receiver is not to go on with that step of a real answer. */
  boolean takes(String step, Object by) {
    if (client.isInterim(exchange)) {
      return false;
    }
    if (poses && step.equals("responseBegin")) {
      client.poseAsHttp2(exchange);
    }
    if (step.equals("responseBegin") && !decided) {
      decided = true;
      deferring = injection.hasAfter();
      if (!deferring) {
        gone();
      }
    }
    if (step.equals("responseHeaders") && !deferring && receiver == null) {
      BodyFlow flow = injection.flow();
      if (flow != null) {
        supply(by, client.flowing(by, exchange, flow));
      }
    }
    return deferring;
  }

  void note(String step, Object by, Object[] with) {
    if (step.equals("responseHeader")) {
      fields.add(with[1]);
    } else if (step.equals("responseHeaders")) {
      arrived(by);
    }
  }

  private void supply(Object by, JettyInside.Body body) {
    receiver = by;
    point.bodies.put(by, new JettyHttpClient.Supply(body));
  }

  @Override
  protected void deliver(Object by) {
    deferring = false;
    try {
      client.replay(by, exchange, fields);
    } catch (Throwable e) {
      OwnFailures.note(e);
    }
  }

  /** The exchange has come to its end. */
  void over() {
    cancel();
    gone();
    Object by = receiver;
    if (by != null) {
      point.bodies.remove(by);
    }
    Runnable last = onOver;
    if (last != null) {
      run(last);
    }
  }

  // ---- in place of it

  @Override
  protected void answered(Response response, Phase phase) throws Throwable {
    if (phase == Phase.BEFORE) {
      leave();
      client.send(
          exchange,
          AnswerBytes.of(
              response, Objects.requireNonNull(client.read(Field.METHOD, null, exchange))),
          null);
      return;
    }
    deferring = false;
    Object by = Objects.requireNonNull(receiver);
    onOver = client.keepOut(exchange);
    boolean head = "HEAD".equals(client.read(Field.METHOD, null, exchange));
    supply(by, client.other(head ? NOTHING : response.body()));
    client.answer(
        by, exchange, response.status(), response.headers(), JettyInside.contentLength(response));
  }

  /** The exchange is not to go the real way any more. */
  private void leave() {
    waits = false;
    decided = true;
    poses = client.isHttp2(exchange);
    point.held.put(exchange, this);
    client.queued(exchange);
  }

  @Override
  protected void failed(Failure failure, Phase phase) throws Throwable {
    Throwable spelled =
        failure instanceof Failure.Thrown thrown
            ? point.exceptions.make(thrown, exchange)
            : spelled(((Failure.Named) failure).error());
    if (phase == Phase.AFTER) {
      client.abort(exchange, spelled);
      return;
    }
    leave();
    if (AsyncCall.is(NamedError.TLS_HANDSHAKE_FAILURE, failure)
        || AsyncCall.is(NamedError.CERTIFICATE_EXPIRED, failure)) {
      client.send(exchange, null, spelled);
    } else if (isWhileConnecting(failure)) {
      client.abort(exchange, spelled);
    } else {
      lose(spelled);
    }
  }

  /** The request has been sent; then the connection fails. */
  private void lose(Throwable failure) throws Exception {
    if (client.isHttp2(exchange)) {
      client.send(exchange, null, null);
      client.abort(exchange, failure);
      return;
    }
    client.closeOne(exchange);
    if (failure instanceof EOFException) {
      client.send(exchange, NOTHING, null);
    } else {
      client.send(exchange, null, null);
      client.abort(exchange, failure);
    }
  }

  /** Observed on 12.0 and 12.1: to an end point, a reset is an end. */
  private Throwable spelled(NamedError error) {
    return switch (error) {
      case CONNECTION_REFUSED -> new ConnectException("Connection refused");
      case CONNECT_TIMEOUT -> new SocketTimeoutException("Connect Timeout");
      case UNKNOWN_HOST -> new UnknownHostException(client.read(Field.HOST, null, exchange));
      case TLS_HANDSHAKE_FAILURE -> TlsFailures.handshake();
      case CERTIFICATE_EXPIRED -> TlsFailures.certificateExpired();
      case READ_TIMEOUT -> idle();
      default ->
          client.isHttp2(exchange)
              ? new ClosedChannelException()
              : new EOFException(client.connection(exchange));
    };
  }

  private TimeoutException idle() {
    long elapsed = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startedAt);
    return new TimeoutException(client.idleMessage(exchange, elapsed));
  }

  @Override
  protected void outOfPatience(Phase phase, @Nullable Ending planned) throws Exception {
    leave();
    boolean total = client.total(exchange) <= 1;
    Throwable failure =
        total
            ? new TimeoutException("Total timeout " + client.totalMillis(exchange) + " ms elapsed")
            : is(NamedError.CONNECT_TIMEOUT, planned)
                ? spelled(NamedError.CONNECT_TIMEOUT)
                : idle();
    if (isWhileConnecting(planned)) {
      client.abort(exchange, failure);
    } else {
      lose(failure);
    }
  }

  @Override
  protected void cancelled(Phase phase, @Nullable Ending planned) {
    // the client itself has failed an exchange that it has no connection for, or closed that
  }

  @Override
  protected void discard(Object by) {
    receiver = by;
  }
}
