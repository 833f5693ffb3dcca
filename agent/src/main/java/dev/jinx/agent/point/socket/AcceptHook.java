package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.fault.OwnThread;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.Outcome;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.MethodHook;
import dev.jinx.agent.weave.Original;
import java.nio.ByteBuffer;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * An accept: what is to happen comes between the connection's arrival and its being handed on. Who
 * comes is not known before, so it is matched by the port that is listened on, and the side.
 */
final class AcceptHook extends SocketHook {
  private final Server server;

  /** What accepts. */
  interface Server {

    /** A server accepts, whether faults are armed or not. */
    void note(Object server);

    /** The port that a server listens on, 0 for none. */
    int port(Object server);

    /** Closes a connection that was accepted: what the call has given, or was given to fill. */
    void discard(@Nullable Object accepted, Object[] arguments) throws Throwable;
  }

  AcceptHook(Armory armory, Exceptions exceptions, Links links, Server server) {
    super(armory, Operation.SOCKET_ACCEPT, exceptions, links);
    this.server = server;
  }

  /** The hook of its end, for a call that has waited since before a fault was armed. */
  MethodHook waited(String method, String descriptor) {
    return new MethodHook(
        method,
        descriptor,
        MethodHook.RESULT,
        operation().bit(),
        new Handler() {
          @Override
          public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
              Original original, Object self, @Nullable Object accepted) {
            return late(self, accepted);
          }
        },
        true);
  }

  private @Nullable BiFunction<Object, Object[], @Nullable Object> late(
      Object self, @Nullable Object accepted) {
    try {
      if (OwnThread.isCurrent()
          || !armory().isArmed(operation())
          || CallScope.isInside(operation())
          || !wire.isBlocking(self)
          || links.of(self).isDecided(armory().generation())) {
        return null;
      }
      Injection injection = armory().match(operation(), this, this, self, null);
      if (injection == null) {
        return null;
      }
      return new BiFunction<>() {
        @Override
        public @Nullable Object apply(Object it, Object[] arguments) {
          return AcceptHook.this.<RuntimeException>handOnLate(injection, it, accepted, arguments);
        }
      };
    } catch (Throwable e) {
      OwnFailures.note(e);
      return null;
    }
  }

  @Override
  public @Nullable String read(
      Field field, @Nullable String name, Object self, @Nullable Object argument) {
    return switch (field) {
      case PORT -> Integer.toString(server.port(self));
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

  @Override
  public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
      Original original, Object self, @Nullable Object argument) {
    Link link = OwnThread.isCurrent() ? null : links.known(self);
    Injection held = link == null ? null : link.takeEnding();
    if (held == null && (link == null || !link.isMasked(Link.READ))) {
      return super.enter(original, self, argument);
    }
    return new BiFunction<>() {
      @Override
      public @Nullable Object apply(Object it, Object[] arguments) {
        return held == null
            ? null // nobody is there yet
            : AcceptHook.this.<RuntimeException>accept(held, original, it, arguments);
      }
    };
  }

  /** One that does not block has something to decide on only when somebody has come. */
  @Override
  protected boolean concerns(Object self, @Nullable Object argument) {
    server.note(self);
    if (CallScope.isInside(operation()) || !armory().isArmed(operation())) {
      return false; // the gate is open for those to be noted
    }
    links.of(self).decided(armory().generation());
    return wire.isBlocking(self) || links.kernel().isReadable(wire.descriptor(self));
  }

  @Override
  protected @Nullable Object inject(
      Injection injection, Original original, Object self, Object[] arguments) throws Throwable {
    if (wire.isBlocking(self)) {
      Object accepted;
      try (CallScope scope = CallScope.enterOnly(operation())) {
        accepted = original.call(self, arguments);
      } catch (Throwable e) {
        injection.finish();
        throw e;
      }
      return handOnLate(injection, self, accepted, arguments);
    }
    if (injection.delay(Phase.BEFORE, Long.MAX_VALUE) > 0) {
      later(injection, links.of(self));
      return null;
    }
    return accept(injection, original, self, arguments);
  }

  /** After the wait. */
  @SuppressWarnings("unchecked")
  private <E extends Throwable> @Nullable Object accept(
      Injection injection, Original original, Object self, Object[] arguments) throws E {
    try (CallScope scope = CallScope.enterOnly(operation())) {
      return handOn(injection, self, original.call(self, arguments), arguments);
    } catch (Throwable e) {
      throw (E) e;
    } finally {
      injection.finish();
    }
  }

  @SuppressWarnings("unchecked")
  private <E extends Throwable> @Nullable Object handOnLate(
      Injection injection, Object self, @Nullable Object accepted, Object[] arguments) throws E {
    armory().keepOpen(Operation.SOCKET_CLOSE); // closing the server ends the wait
    try {
      if (await(injection, Phase.BEFORE, Long.MAX_VALUE, self) == Injection.Waited.CLOSED) {
        server.discard(accepted, arguments);
        return closed(self, arguments).get();
      }
      return handOn(injection, self, accepted, arguments);
    } catch (Throwable e) {
      throw (E) e;
    } finally {
      armory().letShut(Operation.SOCKET_CLOSE);
      injection.finish();
    }
  }

  /** A connection that the application never gets to see is closed. */
  private @Nullable Object handOn(
      Injection injection, Object self, @Nullable Object accepted, Object[] arguments)
      throws Throwable {
    if (injection.ending(Phase.BEFORE) instanceof Failure failure) {
      Outcome outcome = failed(failure, Phase.BEFORE, self, new Object[] {ByteBuffer.allocate(0)});
      if (outcome != Outcome.GO_ON) {
        server.discard(accepted, arguments);
        return outcome.get();
      }
    }
    return accepted;
  }

  /** Nobody is there until the wait is over: then the selector is told. */
  private static void later(Injection injection, Link link) {
    link.holdTurn(
        injection,
        Link.READ,
        () ->
            injection.later(
                Phase.BEFORE,
                Long.MAX_VALUE,
                waited -> link.endTurn(injection, Link.READ, waited != Injection.Waited.CLOSED)));
  }
}
