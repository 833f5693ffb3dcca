package dev.jinx.agent.point.socket;

import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.point.WeakIdentityMap;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.Original;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What is known of the sockets while faults are armed: the calls that are held on each, to be ended
 * when it is closed, and whose turn it is. One answer is many reads (a dozen through TLS), but one
 * turn of the conversation and so one hit: the first read after a write.
 */
final class Conversations implements Handler {

  private static final class Conversation {
    final List<Injection> held = new CopyOnWriteArrayList<>();
    volatile boolean answered;
  }

  private final WeakIdentityMap<Object, Conversation> all = new WeakIdentityMap<>();
  private final WeakIdentityMap<Object, Peer> peers = new WeakIdentityMap<>();

  /** The peer of a connected socket, asked for once. */
  Peer peer(Object socket, Function<Object, Peer> ask) {
    return peers.computeIfAbsent(socket, ask);
  }

  /** Whether a read begins a new turn; takes the turn. */
  boolean isNewTurn(Object socket) {
    Conversation conversation = all.computeIfAbsent(socket, it -> new Conversation());
    boolean fresh = !conversation.answered;
    conversation.answered = true;
    return fresh;
  }

  /** The next read waits for another answer. */
  void wrote(Object socket) {
    Conversation conversation = all.get(socket);
    if (conversation != null) {
      conversation.answered = false;
    }
  }

  void hold(Object socket, Injection injection) {
    all.computeIfAbsent(socket, it -> new Conversation()).held.add(injection);
  }

  void release(Object socket, Injection injection) {
    Conversation conversation = all.get(socket);
    if (conversation != null) {
      conversation.held.remove(injection);
    }
  }

  /** The hook of the methods that close a socket: ends what is held on it. */
  @Override
  public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
      Original original, Object socket, @Nullable Object argument) {
    Conversation conversation = all.get(socket);
    if (conversation != null) {
      conversation.held.forEach(Injection::close);
    }
    return null;
  }
}
