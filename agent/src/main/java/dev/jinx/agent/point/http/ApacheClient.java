package dev.jinx.agent.point.http;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** What differs between Apache HttpClient 4 and 5 where they do the same. */
public interface ApacheClient {

  // ---- reading a call: the argument is what the hook passes on of it

  @Nullable String scheme(Object argument);

  @Nullable String host(Object argument);

  /** 0 or less for the scheme's own. */
  int port(Object argument);

  @Nullable String method(Object argument);

  /** The request's target as it is sent. */
  @Nullable String target(Object argument);

  @Nullable String header(String name, Object argument);

  // ---- connecting: the arguments are those of the operator that connects, or of the executor

  /** Nanoseconds that an address is given; {@code Long.MAX_VALUE} for any time. */
  long connectPatience(Object[] arguments);

  /** The host to be connected to first, the target or its proxy. */
  String firstHop(Object[] arguments);

  /** The read timeout of a new connection, in milliseconds. */
  int readTimeout(Object[] arguments);

  /** The exception as the operator hands it on. */
  IOException notConnected(IOException cause, Object[] arguments);

  // ---- connections

  /** A connection to nobody. */
  Object connection(Socket standIn) throws IOException;

  void bind(Object connection, Socket socket) throws IOException;

  /** The connection's socket; null where it is closed. */
  @Nullable Socket socket(Object connection);

  void close(Object connection) throws IOException;

  /** Closes the connection that is leased for an exchange, so that the client connects anew. */
  default void disconnect(Object runtime) throws IOException {}

  // ---- answers

  /** Reads an answer from a connection. */
  Object receive(Object request, Object connection) throws Exception;

  /** The answer with the stream of its body, encoded as it travels, replaced. */
  Object with(UnaryOperator<InputStream> body, Object answer) throws IOException;

  /**
   * The connection of an answer ends too early: throws what the client makes of it, or returns for
   * the end of a stream, of which it then makes something.
   *
   * @param after the number of bytes that have come
   */
  void endEarly(Object answer, long after) throws IOException;

  /** All addresses of a host; none where they cannot be found. */
  static InetAddress[] addresses(@Nullable InetAddress known, String host) {
    try {
      return known == null ? InetAddress.getAllByName(host) : new InetAddress[] {known};
    } catch (UnknownHostException e) {
      return new InetAddress[0];
    }
  }

  /** What is read of a body in chunks that ends in the midst of one. */
  static InputStream brokenChunk(long after) {
    byte[] size = {'2', '0', '0', '\r', '\n'};
    return new ByteArrayInputStream(Arrays.copyOf(size, size.length + (int) (after % 0x200)));
  }
}
