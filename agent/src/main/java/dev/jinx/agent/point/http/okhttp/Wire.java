package dev.jinx.agent.point.http.okhttp;

import okio.Buffer;
import okio.Source;
import okio.Timeout;
import org.jspecify.annotations.Nullable;

/** What a codec reads that has no connection. */
final class Wire implements Source {
  private final Buffer bytes = new Buffer();
  private final @Nullable Throwable failure;
  private final Timeout timeout = new Timeout();

  /**
   * @param what the bytes of an answer, none for the end of the stream; or what a read throws
   */
  Wire(Object what) {
    failure = what instanceof Throwable thrown ? thrown : null;
    if (what instanceof byte[] answer) {
      bytes.write(answer);
    }
  }

  @Override
  public long read(Buffer sink, long count) {
    if (failure != null) {
      Wire.<RuntimeException>raise(failure);
    }
    return bytes.read(sink, count);
  }

  /** A fault may name any exception. */
  @SuppressWarnings("unchecked")
  private static <E extends Throwable> void raise(Throwable failure) throws E {
    throw (E) failure;
  }

  @Override
  public Timeout timeout() {
    return timeout;
  }

  @Override
  public void close() {}
}
