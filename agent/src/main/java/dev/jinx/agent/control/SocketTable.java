package dev.jinx.agent.control;

import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The kernel's table of sockets, as Linux shows it in {@code /proc}: tells which user of this
 * machine stands at the other end of a connection.
 */
final class SocketTable {
  private static final int TRIES = 3;
  private static final int ROOT = 0;

  private final String folder;

  /**
   * @param folder {@code /proc/self} but for tests
   */
  SocketTable(String folder) {
    this.folder = folder;
  }

  /**
   * Why a client may not be served: another user of this machine. Null where it may be, and where
   * the system has no such table.
   */
  @Nullable String refusal(InetSocketAddress client, InetSocketAddress server) {
    try {
      long own = ownUser();
      for (int i = 0; i < TRIES; i++) {
        // the table is no snapshot: an entry can be missed while others come and go
        Long user = user(client, server);
        if (user != null) {
          return user == own || user == ROOT
              ? null
              : "the client is another user of this machine (uid " + user + ", not " + own + ")";
        }
      }
      return client.getAddress().isLoopbackAddress()
          ? "which user of this machine the client is cannot be told"
          : null;
    } catch (IOException e) {
      return null;
    }
  }

  private long ownUser() throws IOException {
    try (BufferedReader lines = open("/status")) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.startsWith("Uid:")) {
          // real, effective, saved, file system
          return Long.parseLong(line.strip().split("\\s+", -1)[2]);
        }
      }
    }
    throw new IOException("no Uid");
  }

  /** The owner of the socket at the client's end; null for none. */
  private @Nullable Long user(InetSocketAddress client, InetSocketAddress server)
      throws IOException {
    byte[] from = client.getAddress().getAddress();
    byte[] to = server.getAddress().getAddress();
    if (from.length == 4 && to.length == 4) {
      Long user = find("/net/tcp", entry(from, client), entry(to, server));
      if (user != null) {
        return user;
      }
    }
    return find("/net/tcp6", entry(mapped(from), client), entry(mapped(to), server));
  }

  private @Nullable Long find(String table, String local, String remote) throws IOException {
    String ends = " " + local + " " + remote + " ";
    try (BufferedReader lines = open(table)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.contains(ends)) {
          String[] columns = line.strip().split("\\s+", -1);
          // a socket that its process has closed belongs to nobody, and is shown as root's
          return columns[9].equals("0") ? null : (Long) Long.parseLong(columns[7]);
        }
      }
    }
    return null;
  }

  private BufferedReader open(String file) throws IOException {
    InputStream in = new FileInputStream(folder + file);
    return new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII));
  }

  private static byte[] mapped(byte[] address) {
    if (address.length == 16) {
      return address;
    }
    byte[] mapped = new byte[16];
    Arrays.fill(mapped, 10, 12, (byte) 0xFF);
    System.arraycopy(address, 0, mapped, 12, 4);
    return mapped;
  }

  /** As the table writes it: words of the machine's own byte order. */
  private static String entry(byte[] address, InetSocketAddress end) {
    ByteBuffer words = ByteBuffer.wrap(address).order(ByteOrder.nativeOrder());
    StringBuilder entry = new StringBuilder();
    while (words.hasRemaining()) {
      entry.append(String.format(Locale.ROOT, "%08X", words.getInt()));
    }
    return entry.append(String.format(Locale.ROOT, ":%04X", end.getPort())).toString();
  }
}
