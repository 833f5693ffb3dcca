package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.point.BlockingHook;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.Outcome;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** What the operations of all kinds of blocking sockets have in common. */
abstract class SocketHook extends BlockingHook {

  /** What Linux takes to give up on a connect that nobody answers: tcp_syn_retries 6, tcp(7). */
  private static final long SYN_TIMEOUT = TimeUnit.SECONDS.toNanos(127);

  private final Exceptions exceptions;
  final Conversations conversations;

  SocketHook(
      Armory armory, Operation operation, Exceptions exceptions, Conversations conversations) {
    super(armory, operation);
    this.exceptions = exceptions;
    this.conversations = conversations;
  }

  /** What is closed when the connection is: a {@code Socket} or a {@code SocketChannel}. */
  abstract Object socket(Object self);

  abstract boolean isClosed(Object socket);

  /** The other end. */
  abstract Peer peer(Object self, @Nullable Object argument);

  /** Nanoseconds of the caller's timeout for this call; 0 for none. */
  abstract long timeout(Object self, Object[] arguments);

  /** What a blocked call throws when another thread closes the socket. */
  abstract IOException closedMeanwhile();

  /** Makes the socket look at its end, as after a FIN of the peer. */
  abstract void shutdownInput(Object self) throws IOException;

  /** The end of the stream, in the type that the hooked method returns. */
  Object endOfStream(Object[] arguments) {
    return -1;
  }

  @Override
  public @Nullable String read(
      Field field, @Nullable String name, Object self, @Nullable Object argument) {
    return switch (field) {
      case HOST -> peer(self, argument).host();
      case PORT -> peer(self, argument).port();
      default -> null;
    };
  }

  @Override
  public boolean matches(
      Field field,
      @Nullable String name,
      TextMatcher pattern,
      Object self,
      @Nullable Object argument) {
    if (field == Field.HOST) {
      Peer peer = peer(self, argument);
      return pattern.matches(peer.name()) || pattern.matches(peer.address());
    }
    return super.matches(field, name, pattern, self, argument);
  }

  @Override
  public boolean counts(Object self, @Nullable Object argument) {
    return operation() != Operation.SOCKET_READ || conversations.isNewTurn(socket(self));
  }

  @Override
  protected long patience(Phase phase, Object self, Object[] arguments) {
    long timeout = timeout(self, arguments);
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
        timeout(self, arguments) > 0
            ? new SocketTimeoutException("Connect timed out")
            : new ConnectException("Connection timed out"));
  }

  @Override
  protected Injection.Waited await(Injection injection, Phase phase, long limit, Object self)
      throws Throwable {
    Object socket = socket(self);
    conversations.hold(socket, injection);
    try {
      if (isClosed(socket)) {
        injection.close(); // before it was held
      }
      return super.await(injection, phase, limit, self);
    } finally {
      conversations.release(socket, injection);
    }
  }

  @Override
  protected Outcome closed(Object self, Object[] arguments) {
    return Outcome.fail(closedMeanwhile());
  }

  @Override
  protected Outcome failed(Failure failure, Phase phase, Object self, Object[] arguments)
      throws IOException, ReflectiveOperationException {
    if (failure instanceof Failure.Thrown thrown) {
      return Outcome.fail(exceptions.make(thrown, self));
    }
    NamedError error = ((Failure.Named) failure).error();
    return switch (error) {
      case CONNECTION_REFUSED -> Outcome.fail(new ConnectException("Connection refused"));
      case CONNECT_TIMEOUT -> Outcome.fail(new SocketTimeoutException("Connect timed out"));
      case READ_TIMEOUT -> Outcome.fail(new SocketTimeoutException("Read timed out"));
      case UNKNOWN_HOST -> Outcome.fail(new UnknownHostException(peer(self, arguments[0]).name()));
      case CONNECTION_RESET ->
          Outcome.fail(
              operation() == Operation.SOCKET_WRITE
                  ? new SocketException("Broken pipe")
                  : new SocketException("Connection reset"));
      case UNEXPECTED_EOF -> {
        shutdownInput(self);
        yield Outcome.give(endOfStream(arguments));
      }
      default -> Outcome.GO_ON;
    };
  }
}
