package dev.jinx.agent.point.http;

import dev.jinx.agent.effect.Cut;
import dev.jinx.agent.fault.BodyFlow;
import dev.jinx.agent.fault.Injection;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;

/** What {@link FaultyBody} is, for a body in chunks that the client has not parsed yet. */
final class FaultyChunks extends InputStream {
  private final InputStream real;
  private final BodyFlow flow;
  private final FaultyBody.Reader reader;
  private final ChunkFraming framing = new ChunkFraming();
  private final ByteBuffer raw = ByteBuffer.allocate(8192).limit(0);

  FaultyChunks(InputStream real, BodyFlow flow, FaultyBody.Reader reader) {
    this.real = real;
    this.flow = flow;
    this.reader = reader;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] to, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    if (!raw.hasRemaining()) {
      int read = real.read(raw.array(), 0, raw.capacity());
      if (read < 0) {
        return -1;
      }
      raw.limit(read).position(0);
    }
    ByteBuffer next = raw.slice().limit(Math.min(raw.remaining(), length));
    long body = framing.pass(next, flow.portion(length));
    next.flip();
    if (!next.hasRemaining()) {
      Cut cut = flow.cut();
      if (cut == null) {
        // it was cleared this moment
        return read(to, offset, length);
      }
      reader.cut(cut);
      return -1;
    }
    if (body > 0 && flow.await(body, reader.patience(), false) == Injection.Waited.TIMED_OUT) {
      reader.outOfPatience();
    }
    flow.passed(body);
    int count = next.remaining();
    next.get(to, offset, count);
    raw.position(raw.position() + count);
    return count;
  }

  @Override
  public int available() throws IOException {
    long portion = flow.portion(Integer.MAX_VALUE);
    if (portion == 0) {
      return 0;
    }
    return (int) Math.min(portion, raw.hasRemaining() ? raw.remaining() : real.available());
  }

  @Override
  public void close() throws IOException {
    flow.close();
    real.close();
  }
}
