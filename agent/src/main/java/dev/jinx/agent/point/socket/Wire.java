package dev.jinx.agent.point.socket;

import dev.jinx.agent.point.Peer;
import java.io.FileDescriptor;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** What the kinds of sockets say of themselves; a connection is the object that holds its state. */
interface Wire {

  /** The connection that a hooked object belongs to; null where it is none that can be hit. */
  @Nullable Object connection(Object self);

  /** The other end; {@link Peer#NONE} where there is none yet. */
  Peer peer(Object connection, Object self);

  boolean isClosed(Object connection);

  /** Whether a call may hold its caller. */
  default boolean isBlocking(Object connection) {
    return true;
  }

  /** Nanoseconds of the caller's timeout for this call; 0 for none. */
  long timeout(Object connection, Object[] arguments);

  FileDescriptor descriptor(Object connection);

  /** Makes who reads meet the end, where the hook of the read does not say so itself. */
  default void shutdownInput(Object connection) throws Throwable {}

  /** Really sends, past the hooks. */
  void send(Object connection, byte[] bytes) throws Throwable;

  /** Bytes that the kernel takes before a write waits: {@code SO_SNDBUF}. */
  int sendBuffer(Object connection);

  /** What a blocked call throws when another thread closes the socket. */
  IOException closedMeanwhile();

  /** Whether an interrupt ends a blocked call. */
  default boolean interruptible() {
    return false;
  }

  /** What a blocked call throws when its thread is interrupted; closes the connection. */
  default IOException interrupted(Object connection) throws IOException {
    throw new IllegalStateException();
  }

  /**
   * Has the readiness of a non-blocking connection looked at anew.
   *
   * @param isMore whether who waits for it is to be woken
   */
  default void ready(Object connection, boolean isMore) {}
}
