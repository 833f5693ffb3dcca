package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Cut;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.Fault;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.Lane;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.fault.OwnThread;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.Outcome;
import dev.jinx.agent.point.WeakIdentityMap;
import dev.jinx.agent.weave.Original;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.InterruptedByTimeoutException;
import java.nio.channels.ReadPendingException;
import java.nio.channels.WritePendingException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** An asynchronous read or write. */
final class AsyncStreamHook extends SocketHook {
  // the arguments of the hooked method
  private static final int GATHERS = 0;
  private static final int ONE = 1;
  private static final int SEVERAL = 2;
  private static final int TIMEOUT = 3;
  private static final int UNIT = 4;
  private static final int ATTACHMENT = 5;
  private static final int HANDLER = 6;

  private final AsyncInside inside;
  private final boolean reads;
  private final WeakIdentityMap<Object, AtomicBoolean> busy = new WeakIdentityMap<>();

  AsyncStreamHook(
      Armory armory, Operation operation, Exceptions exceptions, Links links, AsyncInside inside) {
    super(armory, operation, exceptions, links);
    this.inside = inside;
    this.reads = operation == Operation.SOCKET_READ;
  }

  @Override
  public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
      Original original, Object self, @Nullable Object argument) {
    try {
      if (OwnThread.isCurrent() || CallScope.isInside(operation()) || wire.isClosed(self)) {
        return null;
      }
      Link link = links.of(self);
      if (!link.peer(self, self).isKnown()) {
        return null;
      }
      AtomicBoolean going = busy.computeIfAbsent(self, it -> new AtomicBoolean());
      if (going.get()) {
        return new Pending();
      }
      if (inside.isBarred(operation(), self, !reads && link.hasBacklog())) {
        return null; // it says why itself
      }
      link.line().look(armory(), this, Armory.Choice.ALL, self, null, link);
      boolean fresh = !reads || link.isFresh();
      Injection turn = fresh ? armory().match(operation(), this, this, self, null) : null;
      if (!reads) {
        link.answered(false);
      }
      Lane lane = reads ? link.line().inbound() : link.line().outbound();
      if (turn == null && lane.isIdle() && (reads || !link.hasBacklog())) {
        return null;
      }
      return new Ticket() {
        @Override
        @Nullable Object call(Object it, Object[] arguments) throws Throwable {
          return (reads
                  ? new Read(original, it, turn, going, arguments, lane, fresh)
                  : new Write(original, it, turn, going, arguments, lane))
              .begin();
        }
      };
    } catch (Throwable e) {
      OwnFailures.note(e);
      return null;
    }
  }

  private final class Pending extends Ticket {
    @Override
    @Nullable Object call(Object self, Object[] arguments) {
      throw reads ? new ReadPendingException() : new WritePendingException();
    }
  }

  /** A turn takes what does not stand. */
  @Override
  public boolean carries(Fault fault, Object self, @Nullable Object argument) {
    return !fault.effects().stand() && super.carries(fault, self, argument);
  }

  @Override
  protected Outcome failed(Failure failure, Phase phase, Object self, Object[] arguments)
      throws Throwable {
    if (failure instanceof Failure.Named named && named.error() == NamedError.READ_TIMEOUT) {
      inside.kill(operation(), self);
      return Outcome.fail(new InterruptedByTimeoutException());
    }
    return super.failed(failure, phase, self, arguments);
  }

  /** What reads and writes have in common. */
  private abstract class Transfer extends AsyncOperation {
    final Original original;
    final Lane lane;
    final Span span;
    private final Object[] given;
    private final long startedAt = System.nanoTime();
    private final long timeout;
    private volatile boolean underWay;

    Transfer(
        Original original,
        Object channel,
        @Nullable Injection turn,
        AtomicBoolean going,
        Object[] given,
        Lane lane) {
      super(AsyncStreamHook.this, inside, channel, turn, going, given[HANDLER], given[ATTACHMENT]);
      this.original = original;
      this.lane = lane;
      this.given = given;
      this.span = new Span(arguments());
      this.timeout = ((TimeUnit) given[UNIT]).toNanos((Long) given[TIMEOUT]);
    }

    @Override
    final Object[] arguments() {
      return given[ONE] instanceof ByteBuffer one
          ? new Object[] {one}
          : new Object[] {given[SEVERAL], 0, ((ByteBuffer[]) given[SEVERAL]).length};
    }

    @Override
    void start() throws Throwable {
      if (span.room() == 0) {
        transfer(arguments());
        return;
      }
      if (timeout > 0) {
        limit(timeout);
      }
      if (turn != null && (!reads || turn.planned(Phase.BEFORE) != null)) {
        await(turn, Phase.BEFORE, patience(), this::attempt);
      } else {
        attempt();
      }
    }

    abstract void attempt();

    /** Nanoseconds that the caller still waits; {@code Long.MAX_VALUE} for ever. */
    final long patience() {
      return timeout <= 0 ? Long.MAX_VALUE : Math.max(1, timeout - (System.nanoTime() - startedAt));
    }

    final void cutIfDue() {
      Cut cut = lane.cut();
      if (cut != null) {
        links.cut(cut, channel);
      }
    }

    /** Has the real one begin with these buffers. */
    final void transfer(Object[] buffers) throws Throwable {
      Object[] others = given.clone();
      if (buffers.length == 1) {
        others[ONE] = buffers[0];
      } else {
        int from = (Integer) buffers[1];
        others[SEVERAL] =
            java.util.Arrays.copyOfRange(
                (ByteBuffer[]) buffers[0], from, from + (Integer) buffers[2]);
      }
      others[TIMEOUT] = timeout <= 0 ? 0L : patience();
      others[UNIT] = TimeUnit.NANOSECONDS;
      others[ATTACHMENT] = null;
      others[HANDLER] = this;
      underWay = true;
      Object unused = original.call(channel, others);
    }

    @Override
    boolean isUnderWay() {
      return underWay;
    }

    @Override
    void undo() {
      underWay = false;
      span.widen();
    }

    @Override
    IOException timedOut() {
      return new InterruptedByTimeoutException();
    }

    /** In the type that the caller gets. */
    final Object count(long bytes) {
      return (Boolean) given[GATHERS] ? (Object) bytes : (Object) (int) bytes;
    }
  }

  private final class Read extends Transfer {
    private final boolean fresh;

    Read(
        Original original,
        Object channel,
        @Nullable Injection turn,
        AtomicBoolean going,
        Object[] given,
        Lane lane,
        boolean fresh) {
      super(original, channel, turn, going, given, lane);
      this.fresh = fresh;
    }

    @Override
    void attempt() {
      if (turn != null) {
        link.answered(true);
      }
      await(lane::whenFree, this::goOn);
    }

    @Override
    void call() throws Throwable {
      cutIfDue();
      transfer(span.narrowed(lane.portion(span.room())));
    }

    @Override
    void arrived(@Nullable Object value) {
      undo();
      long got = value instanceof Number number ? number.longValue() : 0;
      if (got > 0) {
        ByteBuffer bytes = span.read((int) got);
        lane.corrupt(bytes);
        lane.passed(got);
      } else if (got < 0) {
        lane.pause(link.line().slowClose());
      }
      if (fresh && (turn != null || !lane.isIdle())) {
        link.answered(true); // also where the question was written behind this read
        lane.turn();
      }
      if (turn != null) {
        await(turn, Phase.BEFORE, patience(), () -> afterwards(turn, got));
      } else if (fresh || got < 0) {
        whenThere(got);
      } else {
        finish(count(got), null);
      }
    }

    private void afterwards(Injection turn, long got) {
      await(turn, Phase.AFTER, patience(), () -> whenThere(got));
    }

    private void whenThere(long got) {
      await(
          lane::whenFree,
          () -> {
            if (link.line().isClosed()) {
              fail(wire.closedMeanwhile());
            } else {
              finish(count(got), null);
            }
          });
    }
  }

  private final class Write extends Transfer {
    private @Nullable ByteBuffer copy;

    Write(
        Original original,
        Object channel,
        @Nullable Injection turn,
        AtomicBoolean going,
        Object[] given,
        Lane lane) {
      super(original, channel, turn, going, given, lane);
    }

    @Override
    void attempt() {
      if (link.line().isClosed()) {
        fail(wire.closedMeanwhile());
        return;
      }
      if (lane.cut() == null && (lane.isSilent() || link.hasBacklog())) {
        long taken = link.backlog(channel, span);
        if (taken > 0) {
          if (!lane.isSilent()) {
            link.over();
          }
          finish(count(taken), null);
        } else {
          await(then -> lane.whenFree(() -> link.whenFlushed(then)), this::attempt);
        }
        return;
      }
      await(lane::whenFree, this::goOn);
    }

    @Override
    void call() throws Throwable {
      cutIfDue();
      long portion = lane.portion(span.room());
      if (lane.corrupts()) {
        copy = ByteBuffer.wrap(span.peek(portion));
        lane.corrupt(copy);
        transfer(span.of(copy));
      } else {
        transfer(span.narrowed(portion));
      }
    }

    @Override
    void arrived(@Nullable Object value) {
      undo();
      long done = value instanceof Number number ? number.longValue() : 0;
      if (copy != null) {
        span.skip(done);
      }
      lane.passed(done);
      if (turn != null) {
        await(turn, Phase.AFTER, patience(), () -> finish(count(done), null));
      } else {
        finish(count(done), null);
      }
    }
  }
}
