package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.Fault;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.fault.OwnThread;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.Peer;
import dev.jinx.agent.point.socket.DatagramQueue.Datagram;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.Original;
import java.net.InetSocketAddress;
import java.net.PortUnreachableException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.DatagramChannel;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * What comes: the innermost method, that takes one datagram from the kernel, under the channel's
 * lock for reading. Whom it is from is known only then. Where it gives nothing, the JDK waits on
 * within the caller's own time limit.
 */
final class DatagramReceive extends DatagramHook {
  /** While something is late, how soon the end of its fault is noticed. */
  private static final long SLICE = TimeUnit.MILLISECONDS.toNanos(10);

  private final Access access;
  private volatile @Nullable DatagramInside inside;

  DatagramReceive(Armory armory, Access access, Exceptions exceptions, DatagramLines lines) {
    super(armory, Operation.DATAGRAM_RECEIVE, exceptions, lines);
    this.access = access;
  }

  @Override
  Peer peerAt(Object channel, InetSocketAddress sender) {
    return lines.of(channel).known(sender);
  }

  /** A selector would not be told when what is late has come. */
  @Override
  public boolean carries(Fault fault, Object channel, @Nullable Object sender) {
    return fault.effects().latency() == null || ((DatagramChannel) channel).isBlocking();
  }

  @Override
  public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
      Original original, Object channel, @Nullable Object argument) {
    if (OwnThread.isCurrent() || CallScope.isInside(operation()) || !isWanted(channel)) {
      return null;
    }
    return new Ticket() {
      @Override
      @Nullable Object call(Object it, Object[] arguments) throws Throwable {
        return receive(original, (DatagramChannel) it, arguments);
      }
    };
  }

  /** What a call gets that has waited in the kernel since before a fault was armed. */
  Handler waited() {
    return new Handler() {
      @Override
      public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
          Original original, Object channel, @Nullable Object length) {
        return length instanceof Integer bytes && bytes >= 0
            ? late(original, channel, bytes)
            : null;
      }
    };
  }

  private @Nullable Ticket late(Original original, Object channel, int length) {
    if (OwnThread.isCurrent() || CallScope.isInside(operation()) || !isWanted(channel)) {
      return null;
    }
    return new Ticket() {
      @Override
      @Nullable Object call(Object it, Object[] arguments) throws Throwable {
        ByteBuffer buffer = (ByteBuffer) arguments[0];
        int start = buffer.position() - length;
        if (isForNow((DatagramChannel) it, lines.of(it), buffer, start)) {
          return length;
        }
        buffer.position(start);
        return receive(original, (DatagramChannel) it, arguments);
      }
    };
  }

  @Override
  protected @Nullable Object inject(
      Injection injection, Original original, Object self, Object[] arguments) {
    throw new IllegalStateException(); // never asked: enter answers by itself
  }

  private int receive(Original original, DatagramChannel channel, Object[] arguments)
      throws Throwable {
    DatagramLine line = lines.of(channel);
    ByteBuffer buffer = (ByteBuffer) arguments[0];
    int start = buffer.position();
    while (true) {
      if (line.takeRefusal()) {
        throw new PortUnreachableException();
      }
      Datagram due = line.arrive();
      if (due != null) {
        inside(channel).setSender(channel, due.peer());
        int length = Math.min(due.content().length, buffer.remaining());
        buffer.put(due.content(), 0, length);
        return length;
      }
      long next = line.untilArrival();
      if (next < Long.MAX_VALUE && channel.isBlocking()) {
        long patience = Timed.remaining();
        if (patience <= 0 || !channel.isOpen()) {
          return DatagramInside.UNAVAILABLE;
        }
        // what comes meanwhile may overtake
        long wait = Math.min(SLICE, Math.min(next, patience));
        if (!inside(channel).awaitReadable(channel, wait)) {
          continue;
        }
      }
      int length = take(original, channel, arguments);
      if (length < 0 || !channel.isOpen() || isForNow(channel, line, buffer, start)) {
        return length;
      }
      buffer.position(start);
    }
  }

  private int take(Original original, Object channel, Object[] arguments) throws Throwable {
    try (CallScope scope = CallScope.enterOnly(operation())) {
      Integer length = (Integer) original.call(channel, arguments);
      return length == null ? DatagramInside.UNAVAILABLE : length;
    }
  }

  /** Whether what has come is for the caller now, and not late or lost. */
  private boolean isForNow(DatagramChannel channel, DatagramLine line, ByteBuffer buffer, int start)
      throws Throwable {
    Injection injection;
    Datagram datagram;
    try {
      InetSocketAddress sender = inside(channel).sender(channel);
      if (channel.getRemoteAddress() instanceof InetSocketAddress remote) {
        line.named(remote);
      }
      injection = armory().match(operation(), this, this, channel, sender);
      if (injection == null) {
        return true;
      }
      datagram = Datagram.of(buffer.duplicate().flip().position(start), sender);
    } catch (ClosedChannelException meanwhile) {
      return true;
    } catch (Throwable e) {
      OwnFailures.note(e);
      return true;
    }
    Fate fate = fate(injection, channel);
    if (fate.isLate()) {
      line.keep(datagram, fate.copies(), injection);
      return false;
    }
    injection.finish();
    if (fate.isLost()) {
      return false;
    }
    Throwable failure = fate.before() == null ? fate.after() : fate.before();
    if (failure != null) {
      throw failure;
    }
    if (fate.copies() > 1) {
      line.repeat(datagram);
    }
    return true;
  }

  private DatagramInside inside(Object channel) throws ReflectiveOperationException {
    DatagramInside there = inside;
    if (there == null) {
      there = new DatagramInside(channel.getClass(), access);
      inside = there;
    }
    return there;
  }

  /** The hook of the methods with a time limit: notes it for what is beneath. */
  static final class Timed implements Handler {
    private static final ThreadLocal<@Nullable Long> DEADLINE = new ThreadLocal<>();

    /** Nanoseconds that the caller still waits; {@code Long.MAX_VALUE} for ever. */
    static long remaining() {
      Long deadline = DEADLINE.get();
      return deadline == null ? Long.MAX_VALUE : deadline - System.nanoTime();
    }

    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object channel, @Nullable Object argument) {
      if (!(argument instanceof Long nanos)
          || nanos <= 0
          || DEADLINE.get() != null // the same call again
          || OwnThread.isCurrent()) {
        return null;
      }
      return new Ticket() {
        @Override
        @Nullable Object call(Object it, Object[] arguments) throws Throwable {
          DEADLINE.set(System.nanoTime() + nanos);
          try {
            return original.call(it, arguments);
          } finally {
            DEADLINE.remove();
          }
        }
      };
    }
  }
}
