package dev.jinx.agent.point.http;

import java.nio.ByteBuffer;

/**
 * Follows a chunked body (RFC 9112, 7.1) as it travels, to tell the bytes of the body from those
 * that frame it. Judges nothing: that is for the client's own parser.
 */
final class ChunkFraming {
  private enum At {
    SIZE,
    EXTENSION,
    DATA,
    END_OF_CHUNK,
    TRAILER
  }

  private At at = At.SIZE;
  private long left;

  /**
   * Goes on to the end of what is there, or to the first byte of the body too many; the framing in
   * front of that one is passed.
   *
   * @param raw its position moves along
   * @param most bytes of the body
   * @return how many bytes of the body it was
   */
  long pass(ByteBuffer raw, long most) {
    long body = 0;
    while (raw.hasRemaining()) {
      if (at != At.DATA) {
        frame(raw.get());
        continue;
      }
      int data = (int) Math.min(raw.remaining(), Math.min(left, most - body));
      if (data == 0) {
        break;
      }
      raw.position(raw.position() + data);
      body += data;
      left -= data;
      if (left == 0) {
        at = At.END_OF_CHUNK;
      }
    }
    return body;
  }

  private void frame(byte b) {
    int digit = Character.digit(b, 16);
    if (at == At.SIZE && digit >= 0) {
      left = left * 16 + digit;
    } else if (b != '\n') {
      at = at == At.SIZE ? At.EXTENSION : at;
    } else if (at == At.END_OF_CHUNK) {
      at = At.SIZE;
    } else if (at != At.TRAILER) {
      at = left == 0 ? At.TRAILER : At.DATA;
    }
  }
}
