package dev.jinx.agent.point.http.apache4;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.http.ConnectionClosedException;
import org.apache.http.impl.io.HttpTransportMetricsImpl;
import org.apache.http.impl.nio.codecs.ChunkDecoder;
import org.apache.http.impl.nio.codecs.LengthDelimitedDecoder;
import org.apache.http.impl.nio.reactor.SessionInputBufferImpl;
import org.apache.http.nio.ContentDecoder;

/** A body that ends early. */
final class EndedBody {
  private static final Pattern NUMBER = Pattern.compile("\\d+");

  private EndedBody() {}

  /** What the library's own decoders say of a body that ends early, with other numbers. */
  static IOException of(boolean chunked, long expected, long received) {
    ByteBuffer bytes = ByteBuffer.wrap(chunked ? new byte[] {'2', '\r', '\n', 'x'} : new byte[0]);
    ReadableByteChannel channel =
        new ReadableByteChannel() {
          @Override
          public int read(ByteBuffer to) {
            int count = bytes.remaining();
            to.put(bytes);
            return count == 0 ? -1 : count;
          }

          @Override
          public boolean isOpen() {
            return true;
          }

          @Override
          public void close() {}
        };
    var buffer = new SessionInputBufferImpl(64);
    var metrics = new HttpTransportMetricsImpl();
    ContentDecoder decoder =
        chunked
            ? new ChunkDecoder(channel, buffer, metrics)
            : new LengthDelimitedDecoder(channel, buffer, metrics, 1);
    try {
      for (int turn = 0; turn < 5; turn++) {
        decoder.read(ByteBuffer.allocate(8));
      }
      return new ConnectionClosedException("Connection closed");
    } catch (IOException e) {
      var message = new StringBuilder();
      Matcher number = NUMBER.matcher(String.valueOf(e.getMessage()));
      long value = expected;
      while (number.find()) {
        number.appendReplacement(message, Long.toString(value));
        value = received;
      }
      String text = number.appendTail(message).toString();
      return chunked
          ? new org.apache.http.TruncatedChunkException(text)
          : new ConnectionClosedException(text);
    }
  }
}
