package jdk.internal.net.http;

import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.LongConsumer;
import java.util.function.LongUnaryOperator;
import java.util.function.ObjLongConsumer;
import java.util.function.Supplier;
import jdk.internal.net.http.frame.DataFrame;
import jdk.internal.net.http.frame.ResetFrame;

/**
 * A body on HTTP/2, in place of {@code Stream.receiveDataFrame}: frames that may not pass yet wait
 * here as if they were on the wire, and go on in smaller ones.
 */
final class JinxBody2 extends JinxBody {
  private static final VarHandle CLOSED = field(Stream.class, "closed", boolean.class);

  private final Queue<DataFrame> frames = new ConcurrentLinkedQueue<>();
  private final AtomicInteger runs = new AtomicInteger();
  private DataFrame head;
  private int here;
  private boolean lost;

  private JinxBody2(
      LongUnaryOperator portion,
      ObjLongConsumer<Runnable> later,
      LongConsumer passed,
      Supplier<IOException> cut) {
    super(portion, later, passed, cut);
  }

  /** For an exchange that may come to be one on HTTP/2. */
  static Object of(
      LongUnaryOperator portion,
      ObjLongConsumer<Runnable> later,
      LongConsumer passed,
      Supplier<IOException> cut) {
    return new JinxBody2(portion, later, passed, cut);
  }

  static Object exchange(Object stream) {
    return ((Stream<?>) stream).exchange;
  }

  @Override
  public Object apply(Object[] call, Function<Object, Object> original) {
    frames.add((DataFrame) call[1]);
    run((Stream<?>) call[0], original);
    return null;
  }

  /** One thread at a time, and no other waits for it. */
  private void run(Stream<?> stream, Function<Object, Object> original) {
    int seen = 1;
    if (runs.getAndIncrement() == 0) {
      do {
        while (step(stream, original)) {}
        seen = runs.addAndGet(-seen);
      } while (seen != 0);
    }
  }

  private boolean step(Stream<?> stream, Function<Object, Object> original) {
    if (isWaiting()) {
      return false;
    }
    head = head == null ? frames.poll() : head;
    if (head == null) {
      return false;
    }
    int length = head.getDataLength();
    if (length == 0 || lost || (boolean) CLOSED.getVolatile(stream)) {
      // a closed stream drops it, and accounts for it
      DataFrame last = head;
      head = null;
      pass(last, 0, original);
      return true;
    }
    if (here == 0) {
      here = (int) portion(length);
      if (here == 0) {
        IOException cause = cut();
        lost = cause != null;
        if (lost) {
          lose(stream, cause);
        }
        return true;
      }
      return here(
          here,
          () -> stream.exchange.multi.executor.ensureExecutedAsync(() -> run(stream, original)));
    }
    int bytes = Math.min(here, length);
    here = 0;
    pass(first(bytes), bytes, original);
    return true;
  }

  /** Takes that many bytes off the head; padding stays with the last. */
  private DataFrame first(int bytes) {
    DataFrame whole = head;
    head = null;
    if (bytes == whole.getDataLength()) {
      return whole;
    }
    List<ByteBuffer> first = new ArrayList<>();
    List<ByteBuffer> rest = new ArrayList<>();
    int left = bytes;
    for (ByteBuffer buffer : whole.getData()) {
      int taken = Math.min(left, buffer.remaining());
      left -= taken;
      if (taken > 0) {
        first.add(buffer.slice(buffer.position(), taken));
      }
      if (taken < buffer.remaining()) {
        rest.add(buffer.slice(buffer.position() + taken, buffer.remaining() - taken));
      }
    }
    int padding = whole.payloadLength() - whole.getDataLength() - 1;
    head = new DataFrame(whole.streamid(), whole.getFlags() & DataFrame.END_STREAM, rest, padding);
    return new DataFrame(whole.streamid(), 0, first);
  }

  /**
   * As when the connection is lost, but for the other streams on it: those come to their end, and
   * then it is closed.
   */
  static void lose(Stream<?> stream, IOException cause) {
    stream.connection.setFinalStream();
    stream.connection.resetStream(stream.streamid, ResetFrame.CANCEL);
    stream.cancelImpl(cause);
  }
}
