package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Cut;
import dev.jinx.agent.effect.Ending;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.effect.Reset;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.Lane;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.Outcome;
import dev.jinx.agent.weave.MethodHook;
import dev.jinx.agent.weave.Original;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** A write. Into a silent line it goes as far as the kernel's buffer would take it. */
final class WriteHook extends StreamHook {

  WriteHook(Armory armory, Exceptions exceptions, Links links) {
    super(armory, Operation.SOCKET_WRITE, exceptions, links);
  }

  /** Open for reads too: a write begins the next turn. */
  MethodHook hook(String method, String descriptor) {
    long bits = Operation.SOCKET_WRITE.bit() | Operation.SOCKET_READ.bit();
    return new MethodHook(method, descriptor, -1, bits, this, true);
  }

  @Override
  boolean concerns(Link link) {
    return !link.line().outbound().isIdle() || link.hasBacklog() || link.isMasked(Link.WRITE);
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
      return super.inject(turn, original, self, arguments);
    }
    Object connection = wire.connection(self);
    if (connection == null) {
      return original.call(self, arguments);
    }
    Lane lane = link.line().outbound();
    Span span = new Span(arguments);
    long total = 0;
    while (span.room() > 0) {
      Cut cut = lane.cut();
      if (cut != null) {
        links.cut(cut, connection);
        return cut instanceof Reset && link.isFirstCut()
            ? count(original, total + lost(span))
            : pass(span, span.room(), original, self, total);
      }
      if (lane.isSilent() || link.hasBacklog()) {
        total += link.backlog(connection, span);
        if (!lane.isSilent()) {
          link.over();
        }
        if (span.room() == 0) {
          break;
        }
        link.awaitFlush();
      }
      Outcome early = ended(lane.await(Long.MAX_VALUE, interruptible(self)), self, arguments);
      if (early != null) {
        return early.get();
      }
      if (lane.cut() == null && !lane.isSilent() && !link.hasBacklog()) {
        long portion = lane.portion(span.room());
        Object result =
            lane.corrupts()
                ? corrupted(lane, span, portion, original, self)
                : pass(span, portion, original, self, 0);
        long done = result instanceof Number number ? number.longValue() : portion;
        lane.passed(done);
        total += done;
      }
    }
    cutIfDue(link, lane, connection);
    return count(original, total);
  }

  /** What a reset answers has been sent: the write succeeds, and the next call is told. */
  private static long lost(Span span) {
    long bytes = span.room();
    span.skip(bytes);
    return bytes;
  }

  /** The last portion is on its way when it is written; nobody waits for it to arrive. */
  private static @Nullable Object pass(
      Span span, long portion, Original original, Object self, long before) throws Throwable {
    Object result;
    try {
      result = original.call(self, span.narrowed(portion));
    } finally {
      span.widen();
    }
    long done = result instanceof Number number ? number.longValue() : portion;
    span.wrote(done);
    return result == null ? null : count(original, before + done);
  }

  private static @Nullable Object corrupted(
      Lane lane, Span span, long portion, Original original, Object self) throws Throwable {
    ByteBuffer copy = ByteBuffer.wrap(span.peek(portion));
    lane.corrupt(copy);
    Object result = original.call(self, span.of(copy));
    long done = result instanceof Number number ? number.longValue() : portion;
    span.skip(done);
    return result == null ? null : count(original, done);
  }

  /** In the type that the hooked method returns. */
  private static @Nullable Object count(Original original, long bytes) {
    return switch (original.descriptor().charAt(original.descriptor().length() - 1)) {
      case 'I' -> (Object) (int) bytes;
      case 'J' -> (Object) bytes;
      default -> null;
    };
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
    if (link.isMasked(Link.WRITE)) {
      return count(original, 0);
    }
    if (turn != null) {
      if (turn.delay(Phase.BEFORE, 1) > 0) {
        hold(link, turn);
        return count(original, 0);
      }
      return end(turn, original, self, arguments);
    }
    Object connection = wire.connection(self);
    Lane lane = link.line().outbound();
    Span span = new Span(arguments);
    if (connection == null || span.room() == 0) {
      return original.call(self, arguments);
    }
    Cut cut = lane.cut();
    if (cut != null) {
      links.cut(cut, connection);
      return cut instanceof Reset && link.isFirstCut()
          ? count(original, lost(span))
          : original.call(self, arguments);
    }
    if (lane.isSilent() || link.hasBacklog()) {
      long taken = link.backlog(connection, span);
      if (taken == 0) {
        waitUntilFree(link, lane);
      } else if (!lane.isSilent()) {
        link.over();
      }
      return count(original, taken);
    }
    if (lane.delay() > 0) {
      waitUntilFree(link, lane);
      return count(original, 0);
    }
    long portion = lane.portion(span.room());
    Object result =
        lane.corrupts()
            ? corrupted(lane, span, portion, original, self)
            : pass(span, portion, original, self, 0);
    lane.passed(result instanceof Number number ? number.longValue() : 0);
    if (span.room() == 0) {
      cutIfDue(link, lane, connection);
    }
    return result;
  }

  private static void waitUntilFree(Link link, Lane lane) {
    link.mask(Link.WRITE);
    lane.whenFree(() -> link.whenFlushed(() -> link.unmask(Link.WRITE)));
  }

  private static void hold(Link link, Injection turn) {
    link.holdTurn(
        turn,
        Link.WRITE,
        () ->
            turn.later(
                Phase.BEFORE, Long.MAX_VALUE - 1, waited -> link.endTurn(turn, Link.WRITE, false)));
  }

  private @Nullable Object end(Injection turn, Original original, Object self, Object[] arguments)
      throws Throwable {
    try {
      Ending ending = turn.ending(Phase.BEFORE);
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
