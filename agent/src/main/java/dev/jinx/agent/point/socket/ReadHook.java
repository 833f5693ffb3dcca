package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Ending;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.Lane;
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
 * A read. An answer's latency counts from when its first byte is there: what the peer itself takes
 * comes before.
 */
final class ReadHook extends StreamHook {

  ReadHook(Armory armory, Exceptions exceptions, Links links) {
    super(armory, Operation.SOCKET_READ, exceptions, links);
  }

  /**
   * The hook of a read's end. One that has waited in the kernel since before a fault was armed
   * (that is where an idle connection's reader is) has what came taken from it, and reads once
   * more.
   */
  MethodHook waited(String method, String descriptor) {
    return new MethodHook(
        method,
        descriptor,
        MethodHook.RESULT,
        operation().bit(),
        new Handler() {
          @Override
          public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
              Original original, Object self, @Nullable Object result) {
            return late(original, self, result);
          }
        },
        true);
  }

  private @Nullable BiFunction<Object, Object[], @Nullable Object> late(
      Original original, Object self, @Nullable Object result) {
    try {
      if (OwnThread.isCurrent() || CallScope.isInside(operation())) {
        return null;
      }
      int got = ((Number) result(result)).intValue();
      Object connection = wire.connection(self);
      if (got == 0 || connection == null || !wire.isBlocking(connection)) {
        return null;
      }
      Link link = links.of(connection);
      if (link.isDecided(armory().generation())) {
        return null;
      }
      BiFunction<Object, Object[], @Nullable Object> ticket = enter(original, self, null);
      if (ticket == null || got < 0) {
        return ticket;
      }
      return new BiFunction<>() {
        @Override
        public @Nullable Object apply(Object it, Object[] arguments) {
          link.unread().putBack(Span.undo(arguments, got));
          return ticket.apply(it, arguments);
        }
      };
    } catch (Throwable e) {
      OwnFailures.note(e);
      return null;
    }
  }

  @Override
  boolean isDue(Link link, Object connection) {
    return links.kernel().isReadable(wire.descriptor(connection));
  }

  @Override
  boolean concerns(Link link) {
    return !link.line().inbound().isIdle()
        || link.stash().isAny()
        || link.unread().isAny()
        || link.isMasked(Link.READ)
        || link.hasEnding()
        || link.isEnded();
  }

  @Override
  @Nullable Object blocking(
      Link link,
      boolean fresh,
      @Nullable Injection turn,
      Original original,
      Object self,
      Object[] arguments)
      throws Throwable {
    if (turn != null) {
      link.answered(true);
      if (ends(turn)) {
        return super.inject(turn, original, self, arguments);
      }
    }
    try {
      return read(link, fresh, turn, original, self, arguments);
    } finally {
      if (turn != null) {
        turn.finish();
      }
    }
  }

  private Object read(
      Link link,
      boolean fresh,
      @Nullable Injection turn,
      Original original,
      Object self,
      Object[] arguments)
      throws Throwable {
    Span span = new Span(arguments);
    if (span.room() == 0) {
      return result(original.call(self, arguments));
    }
    int stashed = link.stash().read(span);
    if (stashed > 0) {
      return count(arguments, stashed);
    }
    Lane lane = link.line().inbound();
    long began = System.nanoTime();
    long patience = patience(Phase.BEFORE, self, arguments);
    Outcome early = ended(lane.await(patience, interruptible(self)), self, arguments);
    if (early != null) {
      return result(early.get());
    }
    Object connection = wire.connection(self);
    cutIfDue(link, lane, connection);
    if (link.isEnded()) {
      return count(arguments, -1);
    }
    Object[] fewer = span.narrowed(lane.portion(span.room()));
    long got;
    try {
      got = link.unread().read(new Span(fewer));
      if (got == 0) {
        got = ((Number) result(original.call(self, fewer))).longValue();
      }
    } finally {
      span.widen();
    }
    if (got > 0 && turn == null && !link.isDecided(armory().generation())) {
      link.unread().putBack(Span.undo(fewer, (int) got));
      return AGAIN;
    }
    if (got > 0) {
      ByteBuffer bytes = span.read((int) got);
      lane.corrupt(bytes);
      lane.passed(got);
      cutIfDue(link, lane, connection);
    } else if (got < 0) {
      lane.pause(link.isFirstEnd() ? link.line().slowClose() : 0);
    }
    if (!fresh && got >= 0) {
      return count(arguments, got);
    }
    if (fresh && !lane.isIdle()) {
      link.answered(true);
      lane.turn();
    }
    Injection.Waited waited = Injection.Waited.ELAPSED;
    if (turn != null) {
      waited = await(turn, Phase.BEFORE, rest(patience, began), self);
    }
    if (waited == Injection.Waited.ELAPSED) {
      waited = lane.await(rest(patience, began), interruptible(self));
    }
    Outcome late = ended(waited, self, arguments);
    if (late != null) {
      if (got > 0) {
        link.stash().putBack(span.takeBack((int) got));
      }
      return result(late.get());
    }
    return count(arguments, got);
  }

  private static long rest(long patience, long began) {
    return patience == Long.MAX_VALUE
        ? patience
        : Math.max(1, patience - (System.nanoTime() - began));
  }

  /** In the type that the hooked method returns. */
  private static Object count(Object[] arguments, long bytes) {
    return arguments[0] instanceof ByteBuffer[] ? (Object) bytes : (Object) (int) bytes;
  }

  private static Object result(@Nullable Object value) {
    if (value == null) {
      throw new IllegalStateException();
    }
    return value;
  }

  @Override
  @Nullable Object instantly(
      Link link,
      boolean fresh,
      @Nullable Injection turn,
      Original original,
      Object self,
      Object[] arguments)
      throws Throwable {
    if (link.isMasked(Link.READ)) {
      return count(arguments, 0);
    }
    int stashed = link.stash().read(new Span(arguments)); // it has been a blocking one
    if (stashed > 0) {
      return count(arguments, stashed);
    }
    Injection ending = link.takeEnding();
    if (ending != null) {
      return end(ending, original, self, arguments);
    }
    if (turn != null) {
      link.answered(true);
      long delay = turn.delay(Phase.BEFORE, 1);
      if (delay > 0) {
        hold(link, turn);
        return count(arguments, 0);
      }
      return end(turn, original, self, arguments);
    }
    Lane lane = link.line().inbound();
    if (fresh && !lane.isIdle()) {
      link.answered(true);
      lane.turn();
    }
    Object connection = wire.connection(self);
    cutIfDue(link, lane, connection);
    if (link.isEnded()) {
      return count(arguments, -1);
    }
    if (lane.cut() == null && lane.delay() > 0) {
      return notYet(link, arguments);
    }
    Span span = new Span(arguments);
    if (span.room() == 0) {
      return original.call(self, arguments);
    }
    try {
      Object[] fewer = span.narrowed(lane.portion(span.room()));
      long got = link.unread().read(new Span(fewer));
      if (got == 0) {
        got = ((Number) result(original.call(self, fewer))).longValue();
      }
      if (got > 0) {
        lane.corrupt(span.read((int) got));
        lane.passed(got);
        cutIfDue(link, lane, connection);
      } else if (got < 0 && link.line().slowClose() > 0 && link.isFirstEnd()) {
        lane.pause(link.line().slowClose());
        return notYet(link, arguments);
      }
      return count(arguments, got);
    } finally {
      span.widen();
    }
  }

  private static Object notYet(Link link, Object[] arguments) {
    link.mask(Link.READ);
    link.line().inbound().whenFree(() -> link.unmask(Link.READ));
    return count(arguments, 0);
  }

  /** A timeout of the client's own ends a wait that no deadline of the channel's does. */
  private static void hold(Link link, Injection turn) {
    link.holdTurn(
        turn,
        Link.READ,
        () ->
            turn.later(
                Phase.BEFORE,
                Long.MAX_VALUE - 1,
                waited ->
                    link.endTurn(
                        turn,
                        Link.READ,
                        waited != Injection.Waited.CLOSED && turn.ending(Phase.BEFORE) != null)));
  }

  private @Nullable Object end(Injection turn, Original original, Object self, Object[] arguments)
      throws Throwable {
    try {
      Ending ending = turn.ending(Phase.BEFORE);
      if (ending == null) {
        ending = turn.ending(Phase.AFTER);
      }
      if (ending instanceof Failure failure) {
        Outcome outcome = failed(failure, Phase.BEFORE, self, arguments);
        if (outcome != Outcome.GO_ON) {
          return outcome.get();
        }
      }
      return original.call(self, arguments);
    } finally {
      turn.finish();
    }
  }
}
