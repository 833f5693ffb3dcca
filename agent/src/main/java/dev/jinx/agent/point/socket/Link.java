package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.Line;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.fault.OwnThread;
import dev.jinx.agent.point.Peer;
import java.lang.ref.WeakReference;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * What is known of a connection while faults are armed: the faults that stand on it, the calls that
 * are held, whose turn it is. One answer is many reads (a dozen through TLS), but one turn of the
 * conversation: the first read after a write.
 */
final class Link implements Runnable {
  /** Events that a selector is not to be told of, as in {@code SelectionKey}. */
  static final int READ = 1;

  static final int WRITE = 4;
  static final int CONNECT = 8;

  private final Armory armory;
  private final Wire wire;
  private final WeakReference<Object> connection;
  private final Line line = new Line();
  private final List<Injection> held = new CopyOnWriteArrayList<>();
  private final AtomicInteger masked = new AtomicInteger();
  private final ArrayDeque<byte[]> backlog = new ArrayDeque<>();
  private final Kept stash;
  private final Kept unread;
  private long backlogged;
  private final List<Runnable> afterFlush = new ArrayList<>();
  private @Nullable Thread flusher;
  private volatile boolean hasBacklog;
  private final AtomicBoolean wasCut = new AtomicBoolean();
  private final AtomicBoolean hasEnded = new AtomicBoolean();
  private volatile boolean isDeaf;
  private volatile boolean isEnded;
  private volatile boolean isClosing;
  private volatile Peer peer = Peer.NONE;
  private volatile boolean answered;
  private volatile long decided = -1;
  private volatile @Nullable Injection ending;
  private volatile @Nullable Connecting connecting;

  Link(Armory armory, Wire wire, Object connection) {
    this.armory = armory;
    this.wire = wire;
    this.connection = new WeakReference<>(connection);
    this.stash = new Kept(armory);
    this.unread = new Kept(armory);
  }

  Line line() {
    return line;
  }

  /** The peer of a connected socket, asked for once. */
  Peer peer(Object connection, Object self) {
    Peer known = peer;
    if (!known.isKnown()) {
      known = wire.peer(connection, self);
      peer = known;
    }
    return known;
  }

  /** The peer that is being connected to. */
  void peer(Peer asked) {
    peer = asked;
  }

  /** Whether the connection is cut now, and was not before. */
  boolean isFirstCut() {
    return wasCut.compareAndSet(false, true);
  }

  /** Nothing is read any more, whatever else comes. */
  void endInput() {
    isEnded = true;
  }

  boolean isEnded() {
    return isEnded;
  }

  /** Whether the peer's end is met now, and was not before. */
  boolean isFirstEnd() {
    return hasEnded.compareAndSet(false, true);
  }

  // ---- turns

  /** Whether the next bytes read begin a new turn. */
  boolean isFresh() {
    return !answered;
  }

  /** The turn has been taken, or was not there after all. */
  void answered(boolean is) {
    answered = is;
  }

  // ---- calls that are held on threads of the application's

  void hold(Injection injection) {
    held.add(injection);
  }

  void release(Injection injection) {
    held.remove(injection);
  }

  // ---- non-blocking channels

  /** Until {@link #unmask}, selectors are not told of that event. */
  void mask(int event) {
    masked.updateAndGet(all -> all | event);
    ready(false);
  }

  void unmask(int event) {
    if (isClosing) {
      return; // or what is held would still be read before the close itself
    }
    masked.updateAndGet(all -> all & ~event);
    isDeaf = false;
    ready(true);
  }

  private void ready(boolean isMore) {
    Object open = connection.get();
    if (open != null) {
      wire.ready(open, isMore);
    }
  }

  boolean isMasked(int event) {
    return (masked.get() & event) != 0;
  }

  /** All events that selectors are not to be told of. */
  int masked() {
    int events = masked.get();
    return events != 0 && isDeaf ? READ | WRITE | CONNECT : events;
  }

  /** The kernel tells of a failure whatever it is asked for: it is not to be asked at all. */
  void deaf() {
    if (!isDeaf) {
      isDeaf = true;
      ready(false);
    }
  }

  /** A turn that a non-blocking read is to end with; taken once. */
  @Nullable Injection takeEnding() {
    Injection taken = ending;
    ending = null;
    return taken;
  }

  boolean hasEnding() {
    return ending != null;
  }

  /** Holds the readiness until a turn's wait is over, then lets the next call end with it. */
  void holdTurn(Injection turn, int event, Runnable begin) {
    armory.keepOpen(operation(event));
    hold(turn);
    mask(event);
    begin.run();
  }

  /** Its wait is over. */
  void endTurn(Injection turn, int event, boolean isEnding) {
    release(turn);
    if (isEnding) {
      ending = turn;
    } else {
      turn.finish();
    }
    unmask(event);
    armory.letShut(operation(event));
  }

  private static Operation operation(int event) {
    return event == READ ? Operation.SOCKET_READ : Operation.SOCKET_WRITE;
  }

  @Nullable Connecting connecting() {
    return connecting;
  }

  void connecting(@Nullable Connecting now) {
    connecting = now;
  }

  // ---- bytes that were read, but not handed on

  /** What a reader would have had, had its patience not run out. */
  Kept stash() {
    return stash;
  }

  /** What came before it was decided on: to be read as if it came now. */
  Kept unread() {
    return unread;
  }

  /** What has come is lost with the connection. */
  void discard() {
    stash.discard();
    unread.discard();
  }

  /** The state of the faults that the call that goes on now was decided by. */
  void decided(long generation) {
    decided = generation;
  }

  boolean isDecided(long generation) {
    return decided == generation;
  }

  // ---- bytes that were written into a silent line

  /** Whether what is written next must wait behind what was written before. */
  boolean hasBacklog() {
    return hasBacklog;
  }

  /** Takes what the kernel's send buffer would; 0 where it is full. */
  long backlog(Object connection, Span span) {
    long room = wire.sendBuffer(connection);
    synchronized (backlog) {
      room -= backlogged;
      if (room <= 0) {
        return 0;
      }
      byte[] taken = span.take(room);
      if (backlog.isEmpty() && flusher == null) {
        armory.keepOpen(Operation.SOCKET_WRITE);
      }
      backlog.add(taken);
      hasBacklog = true;
      backlogged += taken.length;
      return taken.length;
    }
  }

  /** A fault that stood here is over. Called by the timer. */
  @Override
  public void run() {
    over();
  }

  /** What waited may pass, unless the line is silent by another fault. */
  void over() {
    if (line.outbound().isSilent()) {
      return;
    }
    synchronized (backlog) {
      if (!backlog.isEmpty() && flusher == null) {
        flusher = OwnThread.of("flush", this::flush);
        flusher.start();
      }
    }
  }

  private void flush() {
    try {
      for (byte[] next = next(); next != null; next = next()) {
        Object open = connection.get();
        if (open == null || wire.isClosed(open)) {
          drop();
          return;
        }
        wire.send(open, next);
      }
    } catch (Throwable closedMeanwhile) {
      drop(); // whoever uses it next will see that for himself
    }
  }

  private byte @Nullable [] next() {
    synchronized (backlog) {
      byte[] next = backlog.poll();
      if (next == null) {
        drop();
      }
      return next;
    }
  }

  private boolean drop() {
    List<Runnable> waiting;
    boolean any;
    synchronized (backlog) {
      any = !backlog.isEmpty() || flusher != null;
      backlog.clear();
      hasBacklog = false;
      backlogged = 0;
      flusher = null;
      waiting = List.copyOf(afterFlush);
      afterFlush.clear();
    }
    if (any) {
      armory.letShut(Operation.SOCKET_WRITE);
    }
    waiting.forEach(Runnable::run);
    return any;
  }

  /** Waits on the current thread while what was written before is being sent. */
  void awaitFlush() {
    Thread sending;
    synchronized (backlog) {
      sending = flusher;
    }
    boolean interrupted = false;
    while (sending != null && sending.isAlive()) {
      try {
        sending.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Has something done once nothing waits to be sent. */
  void whenFlushed(Runnable then) {
    synchronized (backlog) {
      if (!backlog.isEmpty() || flusher != null) {
        afterFlush.add(then);
        return;
      }
    }
    then.run();
  }

  /**
   * The connection is being closed: ends what is held on it.
   *
   * @return whether bytes that the application has written are lost
   */
  boolean close() {
    isClosing = true;
    line.close();
    held.forEach(Injection::close);
    Injection unused = takeEnding();
    if (unused != null) {
      unused.finish();
    }
    Connecting pending = connecting;
    if (pending != null) {
      pending.close();
    }
    discard();
    try {
      return drop();
    } catch (RuntimeException e) {
      OwnFailures.note(e);
      return false;
    }
  }
}
