package dev.jinx.agent.point.socket;

import java.net.InetSocketAddress;
import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * The other end of a connection.
 *
 * @param name the host as the application asked for it, or its address where it asked by that
 * @param address the literal address; the name again where it was not resolved
 */
record Peer(String name, String address, String port) {

  /** No peer, for a socket that is not connected or not a TCP one. */
  static final Peer NONE = new Peer("", "", "");

  static Peer of(@Nullable SocketAddress remote) {
    if (!(remote instanceof InetSocketAddress inet)) {
      return NONE;
    }
    String name = inet.getHostString();
    String address = inet.getAddress() == null ? name : inet.getAddress().getHostAddress();
    return new Peer(name, address, Integer.toString(inet.getPort()));
  }

  /** Both names in one text: {@code payments/10.1.2.3}, as {@code InetAddress} writes it. */
  String host() {
    return name.equals(address) ? name : name + "/" + address;
  }
}
