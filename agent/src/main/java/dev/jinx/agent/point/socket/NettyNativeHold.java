package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.fault.OwnFailures;
import org.jspecify.annotations.Nullable;

/** One direction of a native channel while it is not ready. On the channel's event loop. */
final class NettyNativeHold {
  private final NettyNative.Call call;
  private final NettyNative.Transport transport;
  private final NettyNative.State state;
  private final Operation operation;
  private boolean quietened;

  NettyNativeHold(NettyNative.Call call, Operation operation) {
    this.call = call;
    this.transport = call.transport();
    this.state = call.state();
    this.operation = operation;
  }

  private boolean reads() {
    return operation == Operation.SOCKET_READ;
  }

  /** What a call gives back that did nothing. */
  @Nullable Object nothing() {
    return reads() ? transport.nothingRead() : null;
  }

  boolean isOn() {
    return reads() ? state.readHeld : state.writeHeld;
  }

  private void set(boolean on) {
    if (reads()) {
      state.readHeld = on;
    } else {
      state.writeHeld = on;
    }
  }

  void begin() {
    set(true);
    try {
      if (reads()) {
        state.endHeld = !transport.wantsReads(call.channel());
        quietened = transport.quieten(call.channel());
        transport.pauseReads(call.channel());
      } else {
        transport.pauseWrites(call.channel());
      }
    } catch (Throwable e) {
      OwnFailures.note(e);
    }
  }

  /** It is over, and nothing is to go on. */
  void forget() {
    set(false);
  }

  /** It is over: what waits goes on. */
  void end() throws Throwable {
    set(false);
    Object channel = call.channel();
    if (!transport.isOpen(channel)) {
      return;
    }
    state.passes = operation;
    try {
      if (reads()) {
        transport.resumeReads(channel, quietened, state.endHeld || transport.wantsReads(channel));
      } else {
        transport.resumeWrites(channel);
      }
    } finally {
      if (state.passes == operation) {
        state.passes = null;
      }
    }
  }
}
