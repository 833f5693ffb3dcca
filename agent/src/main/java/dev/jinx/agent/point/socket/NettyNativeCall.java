package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Ending;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.effect.Response;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.point.AsyncCall;
import dev.jinx.agent.point.Exceptions;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.UnknownHostException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A connect, a turn or a write of {@link NettyNative} in the hands of an injection. */
abstract class NettyNativeCall extends AsyncCall<Object> {
  /** Stands for what has come, and lies with the kernel. */
  private static final Object THERE = new Object();

  final Exceptions exceptions;
  final NettyNative.Call call;
  final NettyNative.Transport transport;
  final Object channel;
  private @Nullable Object whenClosed;

  NettyNativeCall(Injection injection, Exceptions exceptions, NettyNative.Call call) {
    super(injection);
    this.exceptions = exceptions;
    this.call = call;
    this.transport = call.transport();
    this.channel = call.channel();
  }

  /** Carries the injection out; the result stands for the hooked method's. */
  abstract @Nullable Object carryOut() throws Throwable;

  abstract void proceed() throws Throwable;

  abstract void fail(Throwable failure) throws Throwable;

  @Override
  protected long patience(Phase phase, @Nullable Ending planned) {
    return ELSEWHERE;
  }

  @Override
  protected void run(Runnable work) {
    try {
      transport.execute(channel, work);
    } catch (RejectedExecutionException loopHasEnded) {
      injection.finish();
    }
  }

  @Override
  protected void held() {
    whenClosed = transport.whenClosed(channel, this::cancel);
  }

  @Override
  protected void released() {
    Object there = whenClosed;
    if (there != null) {
      transport.forget(channel, there);
    }
  }

  @Override
  protected void goOn() {
    arrived(THERE);
  }

  @Override
  protected void deliver(Object real) {
    try {
      proceed();
    } catch (Throwable e) {
      OwnFailures.note(e);
    }
  }

  @Override
  protected void discard(Object real) {}

  @Override
  protected void failed(Failure failure, Phase phase) throws Throwable {
    fail(
        failure instanceof Failure.Thrown thrown
            ? exceptions.make(thrown, channel)
            : new IOException(failure.summary()));
  }

  @Override
  protected void outOfPatience(Phase phase, @Nullable Ending planned) throws Throwable {
    fail(transport.timedOut());
  }

  @Override
  protected void cancelled(Phase phase, @Nullable Ending planned) {}

  @Override
  protected void answered(Response response, Phase phase) {
    throw new IllegalStateException();
  }

  /**
   * For the transport the connect is under way meanwhile: its timeout runs, and a close or a cancel
   * ends it.
   */
  static final class Connect extends NettyNativeCall {
    /** What Linux takes to give up on a connect that nobody answers: tcp_syn_retries 6, tcp(7). */
    private static final long SYN_TIMEOUT = TimeUnit.SECONDS.toNanos(127);

    Connect(Injection injection, Exceptions exceptions, NettyNative.Call call) {
      super(injection, exceptions, call);
    }

    @Override
    @Nullable Object carryOut() {
      // only once the transport knows that it connects
      run(this::begin);
      return call.original().descriptor().endsWith("Z") ? false : null;
    }

    @Override
    protected long patience(Phase phase, @Nullable Ending planned) {
      return transport.connectTimeoutMillis(channel) > 0 ? ELSEWHERE : SYN_TIMEOUT;
    }

    @Override
    void proceed() throws Throwable {
      if (transport.isOpen(channel)) {
        transport.connect(call);
      }
    }

    @Override
    void fail(Throwable failure) throws Throwable {
      if (transport.isOpen(channel)) {
        transport.failConnect(channel, failure);
      }
    }

    @Override
    protected void failed(Failure failure, Phase phase) throws Throwable {
      if (is(NamedError.CONNECTION_REFUSED, failure)) {
        // so that errno, words and clean-up are the transport's own
        call.arguments()[0] = Nobody.ADDRESS;
        proceed();
      } else if (is(NamedError.UNKNOWN_HOST, failure)) {
        fail(new UnknownHostException(((InetSocketAddress) call.arguments()[0]).getHostString()));
      } else if (is(NamedError.CONNECT_TIMEOUT, failure)) {
        fail(transport.timedOut());
      } else {
        super.failed(failure, phase);
      }
    }
  }

  /** A port on which nobody listens, and that nobody else can get. */
  private static final class Nobody {
    @SuppressWarnings("unused") // keeps the port
    private static final Socket BOUND = new Socket();

    static final InetSocketAddress ADDRESS;

    static {
      try {
        BOUND.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        ADDRESS = (InetSocketAddress) BOUND.getLocalSocketAddress();
      } catch (IOException e) {
        throw new ExceptionInInitializerError(e);
      }
    }
  }

  /** A read or a write. */
  static final class Turn extends NettyNativeCall {
    private final Operation operation;
    private final NettyNativeHold hold;
    private boolean direct = true;
    private @Nullable Object result;
    private @Nullable Throwable thrown;

    Turn(Injection injection, Exceptions exceptions, NettyNative.Call call, Operation operation) {
      super(injection, exceptions, call);
      this.operation = operation;
      this.hold = new NettyNativeHold(call, operation);
      this.result = hold.nothing();
    }

    @Override
    @Nullable Object carryOut() throws Throwable {
      begin();
      direct = false;
      Throwable failure = thrown;
      if (failure != null) {
        throw failure;
      }
      return result;
    }

    @Override
    protected void held() {
      super.held();
      hold.begin();
    }

    @Override
    void proceed() throws Throwable {
      if (hold.isOn()) {
        hold.end();
      } else if (transport.isOpen(channel)) {
        callOriginal();
      }
    }

    /** What it throws is the transport's, not ours. */
    private void callOriginal() {
      try {
        result = call.goOn(operation);
      } catch (Throwable e) {
        thrown = e;
      }
    }

    @Override
    void fail(Throwable failure) throws Throwable {
      hold.forget();
      if (!transport.isOpen(channel)) {
        return;
      }
      if (operation == Operation.SOCKET_READ) {
        transport.failRead(channel, failure);
      } else if (direct) {
        thrown = failure;
      } else {
        transport.failWrite(channel, failure);
      }
    }

    @Override
    protected void failed(Failure failure, Phase phase) throws Throwable {
      if (is(NamedError.CONNECTION_RESET, failure)) {
        if (transport.isOpen(channel)) {
          transport.reset(channel);
        }
        proceed();
      } else if (is(NamedError.UNEXPECTED_EOF, failure)) {
        if (transport.isOpen(channel)) {
          transport.end(channel, false);
        }
        proceed();
      } else {
        super.failed(failure, phase);
      }
    }

    @Override
    protected void cancelled(Phase phase, @Nullable Ending planned) {
      hold.forget();
    }
  }
}
