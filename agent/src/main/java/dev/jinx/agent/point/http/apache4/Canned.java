package dev.jinx.agent.point.http.apache4;

import java.nio.ByteBuffer;
import org.apache.http.nio.ContentDecoder;

/** The bytes of an answer of ours. */
record Canned(ByteBuffer bytes) implements ContentDecoder {
  @Override
  public int read(ByteBuffer to) {
    int count = Math.min(to.remaining(), bytes.remaining());
    if (count == 0) {
      return bytes.hasRemaining() ? 0 : -1;
    }
    ByteBuffer portion = bytes.slice();
    portion.limit(count);
    to.put(portion);
    bytes.position(bytes.position() + count);
    return count;
  }

  @Override
  public boolean isCompleted() {
    return !bytes.hasRemaining();
  }
}
