package dev.jinx.it.dns;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A name server, RFC 1035: it knows no name but those that begin with {@code known}, which are
 * 127.0.0.1, and answers nothing at all about those that begin with {@code silent}.
 */
final class NameServer implements AutoCloseable {
  private static final int HEADER = 12;
  private static final int NO_SUCH_NAME = 3;

  private final DatagramSocket socket;
  private final AtomicInteger queries = new AtomicInteger();

  NameServer() throws IOException {
    socket = new DatagramSocket(0, InetAddress.getLoopbackAddress());
    Thread thread = new Thread(this::serve, "name-server");
    thread.setDaemon(true);
    thread.start();
  }

  InetSocketAddress address() {
    return new InetSocketAddress(socket.getLocalAddress(), socket.getLocalPort());
  }

  /** How many queries have come so far. */
  int queries() {
    return queries.get();
  }

  private void serve() {
    try {
      while (true) {
        DatagramPacket packet = new DatagramPacket(new byte[1500], 1500);
        socket.receive(packet);
        queries.incrementAndGet();
        byte[] query = Arrays.copyOf(packet.getData(), packet.getLength());
        int length = query[HEADER];
        String label = new String(query, HEADER + 1, length, US_ASCII);
        if (!label.startsWith("silent")) {
          byte[] answer = answer(query, label.startsWith("known"));
          socket.send(new DatagramPacket(answer, answer.length, packet.getSocketAddress()));
        }
      }
    } catch (IOException e) {
      if (!socket.isClosed()) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private static byte[] answer(byte[] query, boolean isKnown) {
    int end = HEADER;
    while (query[end] != 0) {
      end += query[end] + 1;
    }
    end += 5; // its end, type and class
    boolean hasAddress = isKnown && query[end - 3] == 1;
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(query, 0, 2);
    out.writeBytes(new byte[] {(byte) 0x81, (byte) (0x80 | (isKnown ? 0 : NO_SUCH_NAME))});
    out.writeBytes(new byte[] {0, 1, 0, (byte) (hasAddress ? 1 : 0), 0, 0, 0, 0});
    out.write(query, HEADER, end - HEADER);
    if (hasAddress) {
      // the name in the question, type A, class IN, one minute
      out.writeBytes(new byte[] {(byte) 0xc0, HEADER, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1});
    }
    return out.toByteArray();
  }

  @Override
  public void close() {
    socket.close();
  }
}
