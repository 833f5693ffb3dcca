package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Cut;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.Fault;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.Lane;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.fault.OwnThread;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.Outcome;
import dev.jinx.agent.weave.Original;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * A read or a write of a connection: what is decided for this turn, and what stands on the whole of
 * it.
 */
abstract class StreamHook extends SocketHook {

  /** In place of a result: faults were armed or cleared meanwhile, it is to be decided anew. */
  static final Object AGAIN = new Object();

  StreamHook(Armory armory, Operation operation, Exceptions exceptions, Links links) {
    super(armory, operation, exceptions, links);
  }

  /** Whether a call that does not block gives something that faults could be about. */
  boolean isDue(Link link, Object connection) {
    return true;
  }

  /** Whether something is to be done though nothing was decided for this call. */
  abstract boolean concerns(Link link);

  /** Carries out what stands, on the caller's thread. */
  abstract @Nullable Object blocking(
      Link link,
      boolean fresh,
      @Nullable Injection turn,
      Original original,
      Object self,
      Object[] arguments)
      throws Throwable;

  /** The same without ever holding the caller. */
  abstract @Nullable Object instantly(
      Link link,
      boolean fresh,
      @Nullable Injection turn,
      Original original,
      Object self,
      Object[] arguments)
      throws Throwable;

  @Override
  public final @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
      Original original, Object self, @Nullable Object argument) {
    try {
      boolean passes = OwnThread.isCurrent() || CallScope.isInside(operation());
      Object connection = passes ? null : wire.connection(self);
      if (connection == null || wire.isClosed(connection)) {
        return null; // a closed one says so itself
      }
      Link link = links.of(connection);
      if (!link.peer(connection, self).isKnown()) {
        return null;
      }
      if (operation() == Operation.SOCKET_READ) {
        link.decided(armory().generation());
      }
      link.line().look(armory(), this, MANAGEMENT_SPARED, self, null, link);
      boolean blocks = wire.isBlocking(connection);
      boolean fresh =
          (operation() == Operation.SOCKET_WRITE || link.isFresh())
              && (blocks || !link.isMasked(Link.READ | Link.WRITE))
              && (blocks || isDue(link, connection));
      Injection turn = fresh ? armory().match(operation(), this, this, self, null) : null;
      if (operation() == Operation.SOCKET_WRITE) {
        link.answered(false);
      }
      if (turn == null && !concerns(link)) {
        return null;
      }
      return new BiFunction<>() {
        @Override
        public @Nullable Object apply(Object it, Object[] arguments) {
          return StreamHook.this.<RuntimeException>carry(
              link, fresh, turn, blocks, original, it, arguments);
        }
      };
    } catch (Throwable e) {
      OwnFailures.note(e);
      return null;
    }
  }

  @SuppressWarnings("unchecked")
  private <E extends Throwable> @Nullable Object carry(
      Link link,
      boolean fresh,
      @Nullable Injection turn,
      boolean blocks,
      Original original,
      Object self,
      Object[] arguments)
      throws E {
    Object result;
    // what is called beneath is this very method again
    try (CallScope scope = CallScope.enterOnly(operation())) {
      result =
          blocks
              ? blocking(link, fresh, turn, original, self, arguments)
              : instantly(link, fresh, turn, original, self, arguments);
    } catch (Throwable e) {
      throw (E) e;
    }
    return result == AGAIN ? again(original, self, arguments) : result;
  }

  @SuppressWarnings("unchecked")
  private <E extends Throwable> @Nullable Object again(
      Original original, Object self, Object[] arguments) throws E {
    var ticket = enter(original, self, null);
    try {
      return ticket == null ? original.call(self, arguments) : ticket.apply(self, arguments);
    } catch (Throwable e) {
      throw (E) e;
    }
  }

  /** A turn takes what does not stand. */
  @Override
  public boolean carries(Fault fault, Object self, @Nullable Object argument) {
    return !fault.effects().stand() && super.carries(fault, self, argument);
  }

  /** Whether a turn has more to it than to wait before it goes on. */
  static boolean ends(Injection turn) {
    return turn.planned(dev.jinx.agent.effect.Phase.BEFORE) != null || turn.hasAfter();
  }

  /** Beneath an error that a turn ends with, what stands goes on. */
  @Override
  protected @Nullable Object proceed(Original original, Object self, Object[] arguments)
      throws Throwable {
    Object connection = wire.connection(self);
    return connection == null
        ? original.call(self, arguments)
        : blocking(links.of(connection), false, null, original, self, arguments);
  }

  /**
   * Cuts the connection for real where that is due: before a call that then meets it, and once so
   * many bytes have passed, as a selector, or the peer, may wait for what comes of it.
   */
  final void cutIfDue(Link link, Lane lane, @Nullable Object connection) {
    Cut cut = lane.cut();
    if (cut != null && connection != null && link.isFirstCut()) {
      links.cut(cut, connection);
    }
  }

  /** How a wait that did not come to its end ends the call; null where it did. */
  final @Nullable Outcome ended(Injection.Waited waited, Object self, Object[] arguments)
      throws Throwable {
    return switch (waited) {
      case ELAPSED -> null;
      case TIMED_OUT -> outOfPatience(dev.jinx.agent.effect.Phase.BEFORE, self, arguments);
      case INTERRUPTED -> interrupted(self, arguments);
      case CLOSED -> closed(self, arguments);
    };
  }
}
