package dev.jinx.agent.point.socket;

import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.fault.Injection;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * The datagrams of one socket that are late, in one direction. Each has a delay of its own, so that
 * one may overtake another; those with the same delay stay in order, also when their fault ends.
 */
final class DatagramQueue {
  /** Past that they are lost, as in a network emulator: tc-netem(8), limit. */
  private static final int LIMIT = 1000;

  /** A datagram's content and the other end's address. */
  record Datagram(byte[] content, InetSocketAddress peer) {

    /** Of what stands between a buffer's position and its limit; moves the position. */
    static Datagram of(ByteBuffer buffer, InetSocketAddress peer) {
      byte[] content = new byte[buffer.remaining()];
      buffer.get(content);
      return new Datagram(content, peer);
    }
  }

  private static final class Late implements Comparable<Late> {
    final Datagram datagram;
    final @Nullable Injection injection;
    final long due;
    final long number;
    boolean over;

    Late(Datagram datagram, @Nullable Injection injection, long due, long number) {
      this.datagram = datagram;
      this.injection = injection;
      this.due = due;
      this.number = number;
    }

    @Override
    public int compareTo(Late other) {
      int byTime = Long.compare(due - other.due, 0);
      return byTime != 0 ? byTime : Long.compare(number, other.number);
    }

    boolean isOver() {
      return over || System.nanoTime() - due >= 0 || (injection != null && delay(injection) == 0);
    }
  }

  private final PriorityQueue<Late> late = new PriorityQueue<>();
  private long count;
  private int marked;
  private boolean closed;

  /** How long a datagram is late; {@code Long.MAX_VALUE} for one that is lost. */
  static long delay(Injection injection) {
    long before = injection.delay(Phase.BEFORE, Long.MAX_VALUE);
    long after = injection.delay(Phase.AFTER, Long.MAX_VALUE);
    return before == Long.MAX_VALUE || after == Long.MAX_VALUE
        ? Long.MAX_VALUE
        : Math.max(0, before) + Math.max(0, after);
  }

  /**
   * Holds a datagram until its delay or its fault is over.
   *
   * @param then called by the timer when that is so; not where the socket has been closed
   * @return false where there is no room, and the datagram is lost
   */
  boolean add(Datagram datagram, int copies, Injection injection, Runnable then) {
    List<Late> added = new ArrayList<>(copies);
    synchronized (this) {
      if (closed || late.size() >= LIMIT) {
        injection.finish();
        return false;
      }
      long due = System.nanoTime() + delay(injection);
      for (int i = 0; i < copies; i++) {
        added.add(new Late(datagram, injection, due, count++));
      }
      late.addAll(added);
    }
    injection.later(
        Phase.BEFORE,
        Long.MAX_VALUE,
        before ->
            injection.later(
                Phase.AFTER,
                Long.MAX_VALUE,
                after -> {
                  injection.finish();
                  if (after == Injection.Waited.ELAPSED) {
                    mark(added);
                    then.run();
                  }
                }));
    return true;
  }

  /** Puts a datagram there that is not late at all; false where there is no room. */
  synchronized boolean add(Datagram datagram) {
    if (closed || late.size() >= LIMIT) {
      return false;
    }
    return late.add(new Late(datagram, null, System.nanoTime(), count++));
  }

  private synchronized void mark(List<Late> over) {
    for (Late each : over) {
      if (late.contains(each)) {
        each.over = true;
        marked++;
      }
    }
  }

  /** Takes the first datagram whose time has come; null for none. */
  synchronized @Nullable Datagram poll() {
    Late next = late.peek();
    if (next == null) {
      return null;
    }
    if (!next.isOver()) {
      next = marked > 0 ? firstMarked() : null; // it overtakes, as its fault has ended
    }
    if (next == null) {
      return null;
    }
    late.remove(next);
    if (next.over) {
      marked--;
    }
    return next.datagram;
  }

  private @Nullable Late firstMarked() {
    Late first = null;
    for (Late each : late) {
      if (each.over && (first == null || each.compareTo(first) < 0)) {
        first = each;
      }
    }
    return first;
  }

  /** Nanoseconds until {@link #poll} has the next one; {@code Long.MAX_VALUE} for none. */
  synchronized long next() {
    Late next = late.peek();
    return next == null ? Long.MAX_VALUE : next.isOver() ? 0 : next.due - System.nanoTime();
  }

  /** The socket has been closed: all are lost. Says how many. */
  int close() {
    List<Late> gone;
    synchronized (this) {
      closed = true;
      gone = new ArrayList<>(late);
      late.clear();
      marked = 0;
    }
    for (Late each : gone) {
      if (each.injection != null) {
        each.injection.close();
      }
    }
    return gone.size();
  }
}
