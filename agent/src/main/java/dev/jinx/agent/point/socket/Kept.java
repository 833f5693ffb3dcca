package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.fault.Armory;
import java.util.ArrayDeque;
import java.util.Arrays;

/** Bytes that came from the network before their reader may have them; the gate stays open. */
final class Kept {
  private final Armory armory;
  private final ArrayDeque<byte[]> bytes = new ArrayDeque<>();
  private volatile boolean isAny;

  Kept(Armory armory) {
    this.armory = armory;
  }

  boolean isAny() {
    return isAny;
  }

  /** Puts back what was read last. */
  void putBack(byte[] more) {
    synchronized (bytes) {
      bytes.addFirst(more);
      isAny = true;
    }
    armory.keepOpen(Operation.SOCKET_READ);
  }

  /** Puts there what fits, as a read would; returns how many bytes. */
  int read(Span span) {
    if (!isAny) {
      return 0;
    }
    synchronized (bytes) {
      byte[] first = bytes.poll();
      if (first == null) {
        return 0;
      }
      int count = span.put(first);
      if (count < first.length) {
        bytes.addFirst(Arrays.copyOfRange(first, count, first.length));
      } else {
        isAny = !bytes.isEmpty();
        armory.letShut(Operation.SOCKET_READ);
      }
      return count;
    }
  }

  void discard() {
    synchronized (bytes) {
      for (int i = bytes.size(); i > 0; i--) {
        armory.letShut(Operation.SOCKET_READ);
      }
      bytes.clear();
      isAny = false;
    }
  }
}
