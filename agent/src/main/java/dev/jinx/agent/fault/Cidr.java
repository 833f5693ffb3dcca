package dev.jinx.agent.fault;

import dev.jinx.agent.call.CallReader.TextMatcher;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All addresses of a network, as RFC 4632 and RFC 4291 write it: {@code 10.0.0.0/8}, {@code
 * fd00::/8}. A single address of version 6 is one too, as it can be written in many ways: {@code
 * ::1}, {@code [::1]}, {@code 0:0:0:0:0:0:0:1}.
 */
final class Cidr implements TextMatcher {
  private final byte[] address;
  private final int bits;

  /**
   * @param bits that are the same in all its addresses
   */
  private Cidr(byte[] address, int bits) {
    this.address = address;
    this.bits = bits;
  }

  /** The network that a pattern is, or null. */
  static @Nullable Cidr of(String pattern) {
    int slash = pattern.indexOf('/');
    if (slash < 0 && pattern.indexOf(':') >= 0) {
      boolean inBrackets = pattern.startsWith("[") && pattern.endsWith("]");
      byte[] single = parse(inBrackets ? pattern.substring(1, pattern.length() - 1) : pattern);
      return single == null ? null : new Cidr(single, 128);
    }
    byte[] address = slash < 0 ? null : parse(pattern.substring(0, slash));
    int bits = slash < 0 ? -1 : number(pattern.substring(slash + 1), 10, 128);
    return address == null || bits < 0 || bits > address.length * 8
        ? null
        : new Cidr(address, bits);
  }

  @Override
  public boolean matches(@Nullable String text) {
    byte[] other = text == null ? null : parse(text);
    if (other == null || other.length != address.length) {
      return false;
    }
    for (int bit = 0; bit < bits; bit++) {
      int mask = 0x80 >> (bit % 8);
      if ((address[bit / 8] & mask) != (other[bit / 8] & mask)) {
        return false;
      }
    }
    return true;
  }

  /** The bytes of a literal address; null for anything else, a name above all. */
  private static byte @Nullable [] parse(String text) {
    return text.indexOf(':') < 0 ? parse4(text) : parse6(text);
  }

  private static byte @Nullable [] parse4(String text) {
    String[] parts = text.split("\\.", -1);
    byte[] address = new byte[4];
    for (int i = 0; i < parts.length; i++) {
      int number = number(parts[i], 10, 255);
      if (parts.length != 4 || number < 0) {
        return null;
      }
      address[i] = (byte) number;
    }
    return address;
  }

  private static byte @Nullable [] parse6(String text) {
    int scope = text.indexOf('%');
    String literal = scope < 0 ? text : text.substring(0, scope);
    int gap = literal.indexOf("::");
    List<Integer> head = groups(gap < 0 ? literal : literal.substring(0, gap));
    List<Integer> tail = groups(gap < 0 ? "" : literal.substring(gap + 2));
    if (head == null || tail == null) {
      return null;
    }
    int missing = 8 - head.size() - tail.size();
    if (gap < 0 ? missing != 0 : missing < 1) {
      return null;
    }
    byte[] address = new byte[16];
    for (int i = 0; i < 8; i++) {
      int group =
          i < head.size() ? head.get(i) : i < 8 - tail.size() ? 0 : tail.get(i - 8 + tail.size());
      address[2 * i] = (byte) (group >> 8);
      address[2 * i + 1] = (byte) group;
    }
    return address;
  }

  private static @Nullable List<Integer> groups(String text) {
    List<Integer> groups = new ArrayList<>();
    if (text.isEmpty()) {
      return groups;
    }
    for (String part : text.split(":", -1)) {
      byte[] embedded = part.indexOf('.') < 0 ? null : parse4(part);
      if (embedded != null) {
        groups.add((embedded[0] & 0xff) << 8 | (embedded[1] & 0xff));
        groups.add((embedded[2] & 0xff) << 8 | (embedded[3] & 0xff));
        continue;
      }
      int group = number(part, 16, 0xffff);
      if (group < 0) {
        return null;
      }
      groups.add(group);
    }
    return groups;
  }

  private static int number(String text, int radix, int max) {
    if (text.isEmpty() || text.length() > 5) {
      return -1;
    }
    int number = 0;
    for (int i = 0; i < text.length(); i++) {
      int digit = Character.digit(text.charAt(i), radix);
      if (digit < 0) {
        return -1;
      }
      number = number * radix + digit;
    }
    return number > max ? -1 : number;
  }
}
