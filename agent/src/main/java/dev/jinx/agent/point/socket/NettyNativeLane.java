package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Cut;
import dev.jinx.agent.effect.Reset;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Lane;
import dev.jinx.agent.fault.OwnFailures;
import java.util.ArrayDeque;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * What stands on a native channel, carried out in one direction. On the channel's event loop, which
 * never waits for it.
 */
final class NettyNativeLane {
  /** So many portions at a time, then the other channels' turn: Netty's write spin count. */
  private static final int SPIN = 16;

  /** How long until the kernel may have room again, in milliseconds. */
  private static final long AGAIN = 10;

  private final Armory armory;
  private final NettyNative.Call call;
  private final NettyNative.Transport transport;
  private final Object channel;
  private final NettyNative.State state;
  private final Lane lane;

  NettyNativeLane(Armory armory, NettyNative.Call call, Lane lane) {
    this.armory = armory;
    this.call = call;
    this.transport = call.transport();
    this.channel = call.channel();
    this.state = call.state();
    this.lane = lane;
    if (!state.watched) {
      state.watched = true;
      Object unused = transport.whenClosed(channel, state.line::close);
    }
  }

  /** There is something to read. */
  @Nullable Object read() throws Throwable {
    if (cut()) {
      return call.goOnBare();
    }
    if (lane.delay() > 0) {
      Object nothing = hold(Operation.SOCKET_READ);
      transport.halt(call);
      return nothing;
    }
    return transport.ready(call, lane);
  }

  /** Something is being read. */
  @Nullable Object portion() throws Throwable {
    boolean reads = call.original().descriptor().endsWith("I");
    if (reads && !cut() && lane.delay() > 0) {
      return notYet();
    }
    Object result = transport.portion(call, lane);
    boolean unused = cut(); // at once: nobody may come to ask again
    long late = state.endLate ? 0 : state.line.slowClose();
    if (reads && late > 0 && Integer.valueOf(-1).equals(result)) {
      // the end stays where it is, and is read again
      state.endLate = true;
      lane.pause(late);
      return notYet();
    }
    return result;
  }

  private Object notYet() {
    Object unused = hold(Operation.SOCKET_READ);
    return 0;
  }

  /** Something is to be written. */
  @Nullable Object write() throws Throwable {
    Object out = call.arguments()[0];
    for (int i = 0; i < SPIN && !transport.isEmpty(out); i++) {
      if (cut()) {
        if (!(lane.cut() instanceof Reset reset) || reset.after() > 0 || state.wasReset) {
          return call.goOnBare();
        }
        // what a reset answers has been sent: this write succeeds, and the next call is told
        state.wasReset = true;
        transport.swallow(channel, out, new ArrayDeque<>());
        return transport.isEmpty(out) ? null : call.goOnBare();
      }
      if (lane.isSilent() || !state.taken.isEmpty()) {
        if (state.taken.isEmpty()) {
          // closed meanwhile, the peer is to hear of it by a reset: it never had those bytes
          state.linger = transport.linger(channel, 0);
        }
        transport.swallow(channel, out, state.taken);
        return hold(Operation.SOCKET_WRITE);
      }
      if (lane.delay() > 0) {
        return hold(Operation.SOCKET_WRITE);
      }
      long written = transport.write(channel, out, lane.portion(Integer.MAX_VALUE), lane);
      if (written < 0) {
        return call.goOnBare();
      }
      lane.passed(written);
      if (transport.isEmpty(out)) {
        state.wasReset |= cut() && lane.cut() instanceof Reset;
      }
      if (written == 0 && !transport.isEmpty(out)) {
        transport.awaitRoom(channel);
        return null;
      }
    }
    return transport.isEmpty(out) ? null : hold(Operation.SOCKET_WRITE);
  }

  /** Cuts the connection for real where that is due; the call that comes next meets it. */
  private boolean cut() throws Throwable {
    Cut cut = lane.cut();
    if (cut instanceof Reset) {
      transport.reset(channel);
    } else if (cut != null) {
      transport.end(channel, true);
    }
    return cut != null;
  }

  private @Nullable Object hold(Operation operation) {
    // until what was held has gone on, though the fault is over, nothing may overtake it
    armory.keepOpen(operation);
    NettyNativeHold hold = new NettyNativeHold(call, operation);
    hold.begin();
    lane.whenFree(() -> run(operation, hold));
    return hold.nothing();
  }

  private void run(Operation operation, NettyNativeHold hold) {
    try {
      transport.execute(channel, () -> end(operation, hold));
    } catch (RejectedExecutionException loopHasEnded) {
      // with all its channels
      armory.letShut(operation);
    }
  }

  private void end(Operation operation, NettyNativeHold hold) {
    try {
      if (!state.taken.isEmpty() && transport.isOpen(channel) && lane == state.line.outbound()) {
        if (!transport.send(channel, state.taken)) {
          transport.schedule(channel, () -> end(operation, hold), AGAIN);
          return;
        }
        int unused = transport.linger(channel, state.linger);
      }
      hold.end();
    } catch (Throwable e) {
      OwnFailures.note(e);
      hold.forget();
    }
    armory.letShut(operation);
  }
}
