package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Fault;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.Target;
import dev.jinx.agent.point.BlockingHook;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.Outcome;
import dev.jinx.agent.point.Peer;
import dev.jinx.agent.point.PeerReader;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** What the operations of all kinds of sockets have in common. */
abstract class SocketHook extends BlockingHook implements PeerReader {

  /** What Linux takes to give up on a connect that nobody answers: tcp_syn_retries 6, tcp(7). */
  static final long SYN_TIMEOUT = TimeUnit.SECONDS.toNanos(127);

  private final Exceptions exceptions;
  final Links links;
  final Wire wire;

  SocketHook(Armory armory, Operation operation, Exceptions exceptions, Links links) {
    super(armory, operation);
    this.exceptions = exceptions;
    this.links = links;
    this.wire = links.wire();
  }

  @Override
  public final Peer peer(Object self, @Nullable Object argument) {
    if (argument instanceof SocketAddress address) {
      return Peer.of(address);
    }
    Object connection = wire.connection(self);
    return connection == null ? Peer.NONE : links.of(connection).peer(connection, self);
  }

  /** The traffic of remote management is spared, unless it is asked for by its port or thread. */
  static final Armory.Choice MANAGEMENT_SPARED =
      new Armory.Choice() {
        @Override
        public boolean carries(Fault fault, Object self, @Nullable Object argument) {
          if (!Thread.currentThread().getName().startsWith("RMI TCP ")) {
            return true;
          }
          for (Target.Condition condition : fault.target().conditions()) {
            if (condition.field() == Field.PORT || condition.field() == Field.THREAD) {
              return true;
            }
          }
          return false;
        }
      };

  @Override
  public boolean carries(Fault fault, Object self, @Nullable Object argument) {
    return MANAGEMENT_SPARED.carries(fault, self, argument);
  }

  @Override
  protected long patience(Phase phase, Object self, Object[] arguments) {
    Object connection = wire.connection(self);
    long timeout = connection == null ? 0 : wire.timeout(connection, arguments);
    if (timeout > 0) {
      return timeout;
    }
    return operation() == Operation.SOCKET_CONNECT ? SYN_TIMEOUT : Long.MAX_VALUE;
  }

  @Override
  protected Outcome outOfPatience(Phase phase, Object self, Object[] arguments) {
    if (operation() != Operation.SOCKET_CONNECT) {
      return Outcome.fail(new SocketTimeoutException("Read timed out"));
    }
    return Outcome.fail(
        patience(phase, self, arguments) != SYN_TIMEOUT
            ? new SocketTimeoutException("Connect timed out")
            : new ConnectException("Connection timed out"));
  }

  @Override
  protected Injection.Waited await(Injection injection, Phase phase, long limit, Object self)
      throws Throwable {
    Object connection = wire.connection(self);
    if (connection == null) {
      return super.await(injection, phase, limit, self);
    }
    Link link = links.of(connection);
    link.hold(injection);
    try {
      if (wire.isClosed(connection)) {
        injection.close(); // before it was held
      }
      return super.await(injection, phase, limit, self);
    } finally {
      link.release(injection);
    }
  }

  @Override
  protected Outcome closed(Object self, Object[] arguments) {
    return Outcome.fail(wire.closedMeanwhile());
  }

  @Override
  protected boolean interruptible(Object self) {
    return wire.interruptible();
  }

  @Override
  protected Outcome interrupted(Object self, Object[] arguments) throws IOException {
    Object connection = wire.connection(self);
    return connection == null ? Outcome.GO_ON : Outcome.fail(wire.interrupted(connection));
  }

  @Override
  protected Outcome failed(Failure failure, Phase phase, Object self, Object[] arguments)
      throws Throwable {
    if (failure instanceof Failure.Thrown thrown) {
      return Outcome.fail(exceptions.make(thrown, self));
    }
    NamedError error = ((Failure.Named) failure).error();
    return switch (error) {
      case CONNECTION_REFUSED -> Outcome.fail(new ConnectException("Connection refused"));
      case CONNECT_TIMEOUT -> Outcome.fail(new SocketTimeoutException("Connect timed out"));
      case READ_TIMEOUT -> Outcome.fail(new SocketTimeoutException("Read timed out"));
      case UNKNOWN_HOST -> Outcome.fail(new UnknownHostException(peer(self, arguments[0]).name()));
      case CONNECTION_RESET -> reset(self);
      case UNEXPECTED_EOF -> end(self, arguments);
      default -> Outcome.GO_ON;
    };
  }

  /** Really resets the connection: the call itself then fails as it does. */
  final Outcome reset(Object self) {
    Object connection = wire.connection(self);
    if (connection != null) {
      links.of(connection).discard();
      if (links.kernel().reset(wire.descriptor(connection))) {
        return Outcome.GO_ON;
      }
    }
    return Outcome.fail(
        operation() == Operation.SOCKET_WRITE
            ? new SocketException("Broken pipe")
            : new SocketException("Connection reset"));
  }

  private Outcome end(Object self, Object[] arguments) throws Throwable {
    Object connection = wire.connection(self);
    if (connection != null) {
      links.endInput(connection);
    }
    boolean isLong = arguments[0] instanceof ByteBuffer[];
    return Outcome.give(isLong ? Long.valueOf(-1) : (Object) Integer.valueOf(-1));
  }
}
