package dev.jinx.agent.point.http.okhttp;

import dev.jinx.agent.effect.Cut;
import dev.jinx.agent.effect.Reset;
import dev.jinx.agent.fault.BodyFlow;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ProtocolException;
import okio.Buffer;
import okio.Source;
import okio.Timeout;

/** The body of an answer, slow or cut short. */
final class FlowingBody implements Source {
  private final AttemptCodec codec;
  private final Source body;
  private final BodyFlow flow;
  private final boolean delimited;

  /**
   * @param delimited whether the end of the connection is none of the body
   */
  FlowingBody(AttemptCodec codec, Source body, BodyFlow flow, boolean delimited) {
    this.codec = codec;
    this.body = body;
    this.flow = flow;
    this.delimited = delimited;
  }

  @Override
  public long read(Buffer sink, long count) throws IOException {
    long portion = count <= 0 ? count : flow.portion(count);
    if (portion == 0 && count > 0) {
      Cut cut = flow.cut();
      if (cut != null) {
        return cut(cut);
      }
      portion = count; // it was cleared this moment
    }
    long read = body.read(sink, portion);
    if (read > 0) {
      switch (flow.await(read, codec.readTimeout(), codec.http2())) {
        case ELAPSED -> flow.passed(read);
        case TIMED_OUT -> throw lost(codec.timedOut());
        case INTERRUPTED -> throw lost(new InterruptedIOException());
        case CLOSED -> throw lost(codec.cancelled());
      }
    }
    return read;
  }

  private long cut(Cut cut) throws IOException {
    if (cut instanceof Reset) {
      throw lost(codec.reset());
    }
    if (codec.http2()) {
      throw lost(codec.cancelled());
    }
    if (delimited) {
      throw lost(new ProtocolException("unexpected end of stream"));
    }
    codec.discard();
    return -1;
  }

  private IOException lost(IOException failure) {
    codec.discard();
    return failure;
  }

  @Override
  public Timeout timeout() {
    return body.timeout();
  }

  @Override
  public void close() throws IOException {
    flow.close();
    body.close();
  }
}
