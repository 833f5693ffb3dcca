package dev.jinx.agent.point.socket;

import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.point.WeakIdentityMap;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.Original;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** What is under way on each datagram channel, and the hook of the method that closes one. */
final class DatagramLines implements Handler {
  private final WeakIdentityMap<Object, DatagramLine> all = new WeakIdentityMap<>();
  private final Armory armory;

  DatagramLines(Armory armory) {
    this.armory = armory;
  }

  @Nullable DatagramLine get(Object channel) {
    return all.get(channel);
  }

  DatagramLine of(Object channel) {
    DatagramLine line = all.get(channel);
    if (line == null) {
      synchronized (all) {
        line = all.get(channel);
        if (line == null) {
          line = new DatagramLine(armory);
          all.put(channel, line);
        }
      }
    }
    return line;
  }

  /** The hooked method closes a channel, and goes on. */
  @Override
  public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
      Original original, Object channel, @Nullable Object argument) {
    DatagramLine line = all.get(channel);
    if (line != null) {
      line.close();
    }
    return null;
  }
}
