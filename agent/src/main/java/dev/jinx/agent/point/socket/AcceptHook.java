package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.Outcome;
import dev.jinx.agent.weave.Original;
import java.nio.ByteBuffer;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * An accept: what is to happen comes between the connection's arrival and its being handed on. Who
 * comes is not known before, so it is matched by the port that is listened on, and the side.
 */
final class AcceptHook extends SocketHook {
  private final ToIntFunction<Object> port;

  /**
   * @param port that a server listens on, 0 for none
   */
  AcceptHook(Armory armory, Exceptions exceptions, Links links, ToIntFunction<Object> port) {
    super(armory, Operation.SOCKET_ACCEPT, exceptions, links);
    this.port = port;
  }

  @Override
  public @Nullable String read(
      Field field, @Nullable String name, Object self, @Nullable Object argument) {
    return switch (field) {
      case PORT -> Integer.toString(port.applyAsInt(self));
      case SIDE -> "server";
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
    return pattern.matches(read(field, name, self, argument));
  }

  /** One that does not block has something to decide on only when somebody has come. */
  @Override
  protected boolean concerns(Object self, @Nullable Object argument) {
    if (port instanceof Accepted accepted) {
      accepted.note(self);
    }
    if (!armory().isArmed(operation())) { // the gate is open for those to be noted
      return false;
    }
    Link link = links.known(self);
    return (link == null || !link.takeHandedOn())
        && (wire.isBlocking(self) || links.kernel().isReadable(wire.descriptor(self)));
  }

  @Override
  protected @Nullable Object inject(
      Injection injection, Original original, Object self, Object[] arguments) throws Throwable {
    if (!wire.isBlocking(self)) {
      return later(injection, original, self, arguments);
    }
    armory().keepOpen(Operation.SOCKET_CLOSE); // closing the server ends the wait
    try (CallScope scope = CallScope.enterOnly(operation())) {
      Object accepted = original.call(self, arguments);
      Injection.Waited waited = await(injection, Phase.BEFORE, Long.MAX_VALUE, self);
      if (waited == Injection.Waited.CLOSED) {
        return closed(self, arguments).get();
      }
      Outcome failure = failure(injection, self);
      return failure == null ? accepted : failure.get();
    } finally {
      armory().letShut(Operation.SOCKET_CLOSE);
      injection.finish();
    }
  }

  private @Nullable Outcome failure(Injection injection, Object self) throws Throwable {
    return injection.ending(Phase.BEFORE) instanceof Failure failure
        ? failed(failure, Phase.BEFORE, self, new Object[] {ByteBuffer.allocate(0)})
        : null;
  }

  /** Nobody is there until the wait is over: then the selector is told. */
  private @Nullable Object later(
      Injection injection, Original original, Object self, Object[] arguments) throws Throwable {
    if (injection.delay(Phase.BEFORE, Long.MAX_VALUE) > 0) {
      Link link = links.of(self);
      link.holdTurn(
          injection,
          Link.READ,
          () ->
              injection.later(
                  Phase.BEFORE,
                  Long.MAX_VALUE,
                  waited -> {
                    link.handOn();
                    link.endTurn(injection, Link.READ, false);
                  }));
      return null;
    }
    try (CallScope scope = CallScope.enterOnly(operation())) {
      Object accepted = original.call(self, arguments);
      Outcome failure = failure(injection, self);
      return failure == null ? accepted : failure.get();
    } finally {
      injection.finish();
    }
  }
}
