package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Duplicate;
import dev.jinx.agent.effect.Ending;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.HookPoint;
import dev.jinx.agent.point.Peer;
import dev.jinx.agent.point.PeerReader;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/** What sending and receiving have in common. */
abstract class DatagramHook extends HookPoint implements PeerReader {
  private final Exceptions exceptions;
  final DatagramLines lines;

  /**
   * What becomes of one datagram.
   *
   * @param delay nanoseconds; {@code Long.MAX_VALUE} where it is lost
   * @param copies 2 for one that comes twice
   * @param before thrown in place of the call
   * @param after thrown once it has been made
   */
  record Fate(long delay, int copies, @Nullable Throwable before, @Nullable Throwable after) {

    boolean isLost() {
      return delay == Long.MAX_VALUE;
    }

    boolean isLate() {
      return delay > 0 && !isLost() && before == null && after == null;
    }
  }

  /** In a {@link Fate}: nobody listens, which the kernel tells to the next call. */
  @SuppressWarnings("serial") // never thrown
  static final class Refused extends Exception {
    Refused() {
      super(null, null, false, false);
    }
  }

  DatagramHook(Armory armory, Operation operation, Exceptions exceptions, DatagramLines lines) {
    super(armory, operation);
    this.exceptions = exceptions;
    this.lines = lines;
  }

  /** The other end. */
  abstract Peer peerAt(Object channel, InetSocketAddress address);

  /** Whether a call on that channel is to be looked at. */
  final boolean isWanted(Object channel) {
    return armory().isArmed(operation()) || lines.get(channel) != null;
  }

  final Fate fate(Injection injection, Object channel) {
    boolean twice =
        injection.ending(Phase.BEFORE) instanceof Duplicate
            || injection.ending(Phase.AFTER) instanceof Duplicate;
    return new Fate(
        injection.loses() ? Long.MAX_VALUE : DatagramQueue.delay(injection),
        twice ? 2 : 1,
        thrown(injection.ending(Phase.BEFORE), channel),
        thrown(injection.ending(Phase.AFTER), channel));
  }

  private @Nullable Throwable thrown(@Nullable Ending ending, Object channel) {
    if (ending instanceof Failure.Named) {
      return new Refused(); // the only one that datagrams can have
    }
    try {
      return ending instanceof Failure.Thrown thrown ? exceptions.make(thrown, channel) : null;
    } catch (ReflectiveOperationException e) {
      OwnFailures.note(e);
      return null;
    }
  }

  @Override
  public final Peer peer(Object channel, @Nullable Object address) {
    return address instanceof InetSocketAddress other ? peerAt(channel, other) : Peer.NONE;
  }
}
