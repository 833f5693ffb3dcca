package dev.jinx.agent.fault;

import dev.jinx.agent.call.CallReader.TextMatcher;
import java.net.InetAddress;
import java.net.UnknownHostException;
import org.jspecify.annotations.Nullable;

/**
 * All addresses of a network, as RFC 4632 writes it: {@code 10.0.0.0/8}, {@code fd00::/8}.
 *
 * @param address of the network
 * @param bits that are the same in all its addresses
 */
record Cidr(InetAddress address, int bits) implements TextMatcher {

  /** The network that a pattern is, or null. */
  static @Nullable Cidr of(String pattern) {
    int slash = pattern.indexOf('/');
    if (slash <= 0 || slash != pattern.lastIndexOf('/') || !isLiteral(pattern, slash)) {
      return null;
    }
    try {
      InetAddress address = InetAddress.getByName(pattern.substring(0, slash));
      int bits = Integer.parseInt(pattern.substring(slash + 1));
      return bits < 0 || bits > address.getAddress().length * 8 ? null : new Cidr(address, bits);
    } catch (UnknownHostException | NumberFormatException e) {
      return null;
    }
  }

  /** Whether the text up to there is an address for sure, so that nothing is looked up. */
  private static boolean isLiteral(String text, int end) {
    boolean hasColon = false;
    int dots = 0;
    for (int i = 0; i < end; i++) {
      char c = text.charAt(i);
      hasColon |= c == ':';
      dots += c == '.' ? 1 : 0;
      if (c != ':' && c != '.' && Character.digit(c, 16) < 0) {
        return false;
      }
    }
    return hasColon || (dots == 3 && Character.isDigit(text.charAt(0)));
  }

  @Override
  public boolean matches(@Nullable String text) {
    if (text == null || text.isEmpty() || !isLiteral(text, text.length())) {
      return false;
    }
    try {
      return contains(InetAddress.getByName(text).getAddress());
    } catch (UnknownHostException e) {
      return false;
    }
  }

  private boolean contains(byte[] other) {
    byte[] own = address.getAddress();
    if (own.length != other.length) {
      return false;
    }
    for (int bit = 0; bit < bits; bit++) {
      int mask = 0x80 >> (bit % 8);
      if ((own[bit / 8] & mask) != (other[bit / 8] & mask)) {
        return false;
      }
    }
    return true;
  }
}
