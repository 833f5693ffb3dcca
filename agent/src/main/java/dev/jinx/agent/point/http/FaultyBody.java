package dev.jinx.agent.point.http;

import dev.jinx.agent.effect.Cut;
import dev.jinx.agent.fault.BodyFlow;
import dev.jinx.agent.fault.Injection;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/** The stream of an answer's body for a client that blocks: slow, or cut short. */
class FaultyBody extends FilterInputStream {

  /** What the library does about it. */
  interface Reader {
    /** Nanoseconds that a read may take; {@code Long.MAX_VALUE} for any time. */
    long patience() throws IOException;

    /** A read took longer than that: throws. */
    void outOfPatience() throws IOException;

    /**
     * The body is cut: closes the real connection, then throws what a read meets there, or returns
     * for an end of the stream.
     */
    void cut(Cut cut) throws IOException;
  }

  private final BodyFlow flow;
  private final Reader reader;

  FaultyBody(InputStream real, BodyFlow flow, Reader reader) {
    super(real);
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
    int portion = (int) flow.portion(length);
    if (portion == 0) {
      Cut cut = flow.cut();
      if (cut != null) {
        reader.cut(cut);
        return -1;
      }
      // it was cleared this moment
      portion = length;
    }
    int read = in.read(to, offset, portion);
    if (read > 0) {
      if (flow.await(read, reader.patience(), false) == Injection.Waited.TIMED_OUT) {
        reader.outOfPatience();
      }
      flow.passed(read);
    }
    return read;
  }

  @Override
  public long skip(long count) throws IOException {
    return Math.max(0, read(new byte[(int) Math.min(count, 8192)]));
  }

  @Override
  public int available() throws IOException {
    long portion = flow.portion(Integer.MAX_VALUE);
    // behind a cut the real one is closed, and would throw
    return portion == 0 ? 0 : (int) Math.min(portion, in.available());
  }

  @Override
  public boolean markSupported() {
    return false;
  }

  @Override
  public void close() throws IOException {
    flow.close();
    super.close();
  }
}
