package dev.jinx.agent.point;

import dev.jinx.agent.call.CallReader;
import dev.jinx.agent.call.Field;
import org.jspecify.annotations.Nullable;

/** Reads calls that are told by their other end alone: of a connection, a datagram, a handshake. */
public interface PeerReader extends CallReader {

  /** The other end; {@link Peer#NONE} where there is none yet. */
  Peer peer(Object self, @Nullable Object argument);

  @Override
  default @Nullable String read(
      Field field, @Nullable String name, Object self, @Nullable Object argument) {
    return switch (field) {
      case HOST, PORT, SIDE -> peer(self, argument).read(field);
      default -> null;
    };
  }

  @Override
  default boolean matches(
      Field field,
      @Nullable String name,
      TextMatcher pattern,
      Object self,
      @Nullable Object argument) {
    return field == Field.HOST
        ? peer(self, argument).matches(pattern)
        : CallReader.super.matches(field, name, pattern, self, argument);
  }
}
