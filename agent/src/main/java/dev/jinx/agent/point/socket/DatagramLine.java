package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.point.Peer;
import dev.jinx.agent.point.socket.DatagramQueue.Datagram;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * What is under way from and to one datagram socket. What a later call is to meet keeps the gate
 * open, also when the fault is over.
 */
final class DatagramLine {
  /** Peers remembered by the name that the application gave them. */
  private static final int BOUND = 256;

  private final Armory armory;
  private final DatagramQueue leaving = new DatagramQueue();
  private final DatagramQueue arriving = new DatagramQueue();
  private final Map<InetSocketAddress, Peer> peers = new ConcurrentHashMap<>();
  private volatile @Nullable Known last;
  private boolean refused;
  private boolean closed;

  private record Known(InetSocketAddress address, Peer peer) {}

  DatagramLine(Armory armory) {
    this.armory = armory;
  }

  // ---- peers

  /** Who is written to, by the name that the application used. */
  @SuppressWarnings("ReferenceEquality") // equal addresses may have been asked for by other names
  Peer named(InetSocketAddress target) {
    Known known = last;
    if (known != null
        && (known.address == target
            || (known.address.getAddress() == target.getAddress()
                && known.address.getPort() == target.getPort()))) {
      return known.peer;
    }
    Peer peer = Peer.of(target);
    if (peers.size() >= BOUND) {
      peers.clear();
    }
    peers.put(target, peer);
    last = new Known(target, peer);
    return peer;
  }

  /** Who has sent something: a datagram brings an address only, that may be known by name. */
  Peer known(InetSocketAddress sender) {
    Peer peer = peers.get(sender);
    return peer == null ? Peer.of(sender) : peer;
  }

  // ---- what goes

  /**
   * Holds what is sent.
   *
   * @param then to send what {@link #leave} gives
   */
  void hold(Datagram datagram, int copies, Injection injection, Runnable then) {
    leaving.add(datagram, copies, injection, then);
  }

  /** What is to be sent now; null for nothing. */
  @Nullable Datagram leave() {
    return leaving.poll();
  }

  // ---- what comes

  /** Holds what has come. */
  void keep(Datagram datagram, int copies, Injection injection) {
    for (int i = 0; i < copies; i++) {
      armory.keepOpen(Operation.DATAGRAM_RECEIVE);
    }
    if (!arriving.add(datagram, copies, injection, () -> {})) {
      letShut(copies);
    }
  }

  /** Lets a datagram come once more. */
  void repeat(Datagram datagram) {
    armory.keepOpen(Operation.DATAGRAM_RECEIVE);
    if (!arriving.add(datagram)) {
      letShut(1);
    }
  }

  /** What has come by now; null for nothing. */
  @Nullable Datagram arrive() {
    Datagram datagram = arriving.poll();
    if (datagram != null) {
      letShut(1);
    }
    return datagram;
  }

  /** Nanoseconds until something has come; {@code Long.MAX_VALUE} where nothing is held. */
  long untilArrival() {
    return arriving.next();
  }

  // ---- what is told of a closed port

  /** An ICMP message says that nobody listens: the next call fails. */
  synchronized void refuse() {
    if (!refused && !closed) {
      refused = true;
      armory.keepOpen(Operation.DATAGRAM_RECEIVE);
    }
  }

  /** Whether this call is to fail for that: once, as the kernel tells it. */
  synchronized boolean takeRefusal() {
    boolean was = refused;
    if (was) {
      refused = false;
      letShut(1);
    }
    return was;
  }

  // ----

  void close() {
    synchronized (this) {
      closed = true;
    }
    takeRefusal();
    leaving.close();
    letShut(arriving.close());
  }

  private void letShut(int times) {
    for (int i = 0; i < times; i++) {
      armory.letShut(Operation.DATAGRAM_RECEIVE);
    }
  }
}
