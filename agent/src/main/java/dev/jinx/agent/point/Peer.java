package dev.jinx.agent.point;

import dev.jinx.agent.call.CallReader.TextMatcher;
import dev.jinx.agent.call.Field;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * The other end of a connection.
 *
 * @param name the host as the application asked for it, or its address where it asked by that; of a
 *     Unix-domain socket its path
 * @param address the literal address; the name again where it was not resolved
 * @param port the peer's; of a connection that was accepted, the one it was accepted on
 * @param host both names in one text: {@code payments/10.1.2.3}, as {@code InetAddress} writes it
 * @param side {@code client} or {@code server}: which of the two the application is
 */
public record Peer(String name, String address, String port, String host, String side) {

  /** No peer, for a socket that is not connected. */
  public static final Peer NONE = new Peer("", "", "", "", "");

  /** Whether there is one. */
  public boolean isKnown() {
    return !name.isEmpty();
  }

  public Peer(String name, String address, String port, String side) {
    this(name, address, port, name.equals(address) ? name : name + "/" + address, side);
  }

  /** Of a connection that the application opens. */
  public static Peer of(@Nullable SocketAddress remote) {
    return of(remote, null);
  }

  /**
   * @param local where the connection was accepted; null where the application opened it
   */
  public static Peer of(@Nullable SocketAddress remote, @Nullable SocketAddress local) {
    String side = local == null ? "client" : "server";
    if (remote instanceof InetSocketAddress inet) {
      String name = inet.getHostString();
      String address = inet.getAddress() == null ? name : inet.getAddress().getHostAddress();
      int port = local instanceof InetSocketAddress own ? own.getPort() : inet.getPort();
      return new Peer(name, address, Integer.toString(port), side);
    }
    if (remote instanceof UnixDomainSocketAddress) {
      // who connects has no path as a rule: the one it connected to says more
      String path = (local == null ? remote : local).toString();
      return new Peer(path, path, "", side);
    }
    return NONE;
  }

  /** What a call's reader says of it; null for any other field. */
  public @Nullable String read(Field field) {
    return switch (field) {
      case HOST -> host;
      case PORT -> port;
      case SIDE -> side;
      default -> null;
    };
  }

  /** Whether it is a host that the pattern names, by either of its names. */
  public boolean matches(TextMatcher pattern) {
    return pattern.matches(name, address);
  }
}
