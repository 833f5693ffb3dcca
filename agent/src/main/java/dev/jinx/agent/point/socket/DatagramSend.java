package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.fault.OwnThread;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.Peer;
import dev.jinx.agent.point.socket.DatagramQueue.Datagram;
import dev.jinx.agent.weave.Original;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.PortUnreachableException;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.AlreadyBoundException;
import java.nio.channels.DatagramChannel;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * What is sent. The sender never waits: a datagram that is late is copied and sent by the timer.
 */
final class DatagramSend extends DatagramHook {
  /** The most that IPv4 carries; what is longer fails by itself. */
  private static final int LARGEST = 65_507;

  DatagramSend(Armory armory, Exceptions exceptions, DatagramLines lines) {
    super(armory, Operation.DATAGRAM_SEND, exceptions, lines);
  }

  @Override
  Peer peerAt(Object channel, InetSocketAddress target) {
    return lines.of(channel).named(target);
  }

  /** As with the kernel, a call that is told of a closed port does nothing else. */
  @Override
  public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
      Original original, Object channel, @Nullable Object target) {
    if (OwnThread.isCurrent() || CallScope.isInside(operation())) {
      return null;
    }
    DatagramLine line = lines.get(channel);
    if (line != null && line.takeRefusal()) {
      return new Ticket() {
        @Override
        @Nullable Object call(Object it, Object[] arguments) throws Throwable {
          throw new PortUnreachableException();
        }
      };
    }
    return super.enter(original, channel, target);
  }

  /** What cannot be sent at all says so itself. */
  @Override
  protected boolean concerns(Object self, @Nullable Object argument) {
    if (!(argument instanceof InetSocketAddress target)
        || target.isUnresolved()
        || target.getPort() == 0) {
      return false;
    }
    try {
      SocketAddress remote = ((DatagramChannel) self).getRemoteAddress();
      if (armory().isArmed(Operation.DATAGRAM_RECEIVE)) {
        lines.of(self).named(target); // the answer comes from an address without a name
      }
      return remote == null || remote.equals(target);
    } catch (IOException closed) {
      return false;
    }
  }

  @Override
  protected @Nullable Object inject(
      Injection injection, Original original, Object self, Object[] arguments) throws Throwable {
    DatagramChannel channel = (DatagramChannel) self;
    ByteBuffer content = (ByteBuffer) arguments[0];
    boolean connected = channel.isConnected();
    int length = content.remaining();
    Fate fate = fate(injection, channel);
    if (length > LARGEST || (connected && length == 0)) {
      injection.finish(); // too long, or nothing to write
      return pass(original, channel, arguments);
    }
    DatagramLine line = lines.of(channel);
    Datagram datagram = Datagram.of(content.duplicate(), (InetSocketAddress) arguments[1]);
    if (fate.isLate()) {
      swallow(channel, content);
      line.hold(datagram, fate.copies(), injection, () -> sendDue(original, channel, line));
      return length;
    }
    try {
      if (fate.isLost()) {
        return swallow(channel, content);
      }
      if (fate.before() instanceof Refused) {
        int swallowed = swallow(channel, content);
        tell(line, connected);
        return swallowed;
      }
      if (fate.before() != null) {
        throw fate.before();
      }
      Object sent = pass(original, channel, arguments);
      if (fate.copies() > 1 && content.remaining() < length) {
        send(original, channel, line, datagram);
      }
      if (fate.after() instanceof Refused) {
        tell(line, connected);
      } else if (fate.after() != null) {
        throw fate.after();
      }
      return sent;
    } finally {
      injection.finish();
    }
  }

  /** Only a connected socket is told. */
  private static void tell(DatagramLine line, boolean connected) {
    if (connected) {
      line.refuse();
    }
  }

  private @Nullable Object pass(Original original, Object channel, Object[] arguments)
      throws Throwable {
    try (CallScope scope = CallScope.enterOnly(operation())) {
      return original.call(channel, arguments);
    }
  }

  /** As if it had been sent, which binds a socket too. */
  private static int swallow(DatagramChannel channel, ByteBuffer content) throws IOException {
    if (channel.getLocalAddress() == null) {
      try {
        channel.bind(null);
      } catch (AlreadyBoundException meanwhile) {
        // as well
      }
    }
    int length = content.remaining();
    content.position(content.limit());
    return length;
  }

  private void sendDue(Original original, DatagramChannel channel, DatagramLine line) {
    for (Datagram due = line.leave(); due != null; due = line.leave()) {
      send(original, channel, line, due);
    }
  }

  private void send(
      Original original, DatagramChannel channel, DatagramLine line, Datagram datagram) {
    Object[] arguments = {ByteBuffer.wrap(datagram.content()), datagram.peer()};
    try {
      try {
        pass(original, channel, arguments);
      } catch (PortUnreachableException ofAnEarlierOne) {
        line.refuse();
        pass(original, channel, arguments);
      }
    } catch (IOException lost) {
      // the socket has been closed, or there is no way any more
    } catch (Throwable e) {
      OwnFailures.note(e);
    }
  }
}
