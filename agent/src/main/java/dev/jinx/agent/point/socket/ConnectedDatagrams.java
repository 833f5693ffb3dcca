package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.OwnThread;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.Original;
import java.io.IOException;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * The {@code read} and {@code write} of connected channels, led to {@code receive} and {@code
 * send}, which do the same there: of several buffers in one.
 */
final class ConnectedDatagrams implements Handler {
  private final Operation operation;
  private final DatagramHook hook;

  ConnectedDatagrams(Operation operation, DatagramHook hook) {
    this.operation = operation;
    this.hook = hook;
  }

  @Override
  public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
      Original original, Object channel, @Nullable Object argument) {
    if (OwnThread.isCurrent() || CallScope.isInside(operation) || !hook.isWanted(channel)) {
      return null;
    }
    return new Ticket() {
      @Override
      @Nullable Object call(Object it, Object[] arguments) throws Throwable {
        return lead(original, (DatagramChannel) it, arguments);
      }
    };
  }

  private @Nullable Object lead(Original original, DatagramChannel channel, Object[] arguments)
      throws Throwable {
    SocketAddress remote = channel.isOpen() ? channel.getRemoteAddress() : null;
    if (remote != null && arguments[0] instanceof ByteBuffer one && one.hasRemaining()) {
      return through(channel, remote, one);
    }
    if (remote != null && arguments[0] instanceof ByteBuffer[] several) {
      int from = (Integer) arguments[1];
      int to = from + (Integer) arguments[2];
      if (from >= 0 && from < to && to <= several.length) {
        int room = 0;
        for (int i = from; i < to; i++) {
          room += several[i].remaining();
        }
        if (room > 0) {
          return (long) through(channel, remote, several, from, to, room);
        }
      }
    }
    try (CallScope scope = CallScope.enterOnly(operation)) {
      return original.call(channel, arguments); // nothing to do, or it fails
    }
  }

  private int through(DatagramChannel channel, SocketAddress remote, ByteBuffer buffer)
      throws IOException {
    if (operation == Operation.DATAGRAM_SEND) {
      return channel.send(buffer, remote);
    }
    int start = buffer.position();
    if (channel.receive(buffer) == null) {
      return 0;
    }
    int length = buffer.position() - start;
    return length == 0 ? -1 : length; // the JDK takes an empty one for an end
  }

  private int through(
      DatagramChannel channel,
      SocketAddress remote,
      ByteBuffer[] several,
      int from,
      int to,
      int room)
      throws IOException {
    ByteBuffer one = ByteBuffer.allocate(room);
    if (operation == Operation.DATAGRAM_SEND) {
      for (int i = from; i < to; i++) {
        one.put(several[i].duplicate());
      }
      one.flip();
      int length = through(channel, remote, one);
      for (int i = from; i < to && length > 0; i++) {
        several[i].position(several[i].limit()); // a datagram goes whole
      }
      return length;
    }
    int length = through(channel, remote, one);
    one.flip();
    for (int i = from; i < to && one.hasRemaining(); i++) {
      int part = Math.min(one.remaining(), several[i].remaining());
      several[i].put(one.slice(one.position(), part));
      one.position(one.position() + part);
    }
    return length;
  }
}
