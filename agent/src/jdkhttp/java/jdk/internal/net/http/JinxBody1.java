package jdk.internal.net.http;

import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.LongConsumer;
import java.util.function.LongUnaryOperator;
import java.util.function.ObjLongConsumer;
import java.util.function.Supplier;
import jdk.internal.net.http.common.SequentialScheduler;

/**
 * A body on HTTP/1.1, in place of {@code Http1Response.BodyReader.tryAsyncReceive}: what may not
 * pass yet stays in the receiver's queue, whose loop is run again when it may.
 */
final class JinxBody1 extends JinxBody {
  private static final VarHandle RESPONSE =
      field(Http1Exchange.class, "response", Http1Response.class);
  private static final VarHandle READER =
      field(Http1Response.class, "bodyReader", Http1Response.BodyReader.class);
  private static final VarHandle RECEIVER =
      field(Http1Exchange.class, "asyncReceiver", Http1AsyncReceiver.class);
  private static final VarHandle QUEUE =
      field(Http1AsyncReceiver.class, "queue", ConcurrentLinkedDeque.class);
  private static final VarHandle ERROR = field(Http1AsyncReceiver.class, "error", Throwable.class);
  private static final VarHandle SCHEDULER =
      field(Http1AsyncReceiver.class, "scheduler", SequentialScheduler.class);

  // of the agent's, by its reader: so it must not keep that
  private final WeakReference<Http1Exchange<?>> exchange;
  private final BiFunction<ByteBuffer, Long, Long> framing;
  private ByteBuffer next;
  private long body;

  private JinxBody1(
      Http1Exchange<?> exchange,
      BiFunction<ByteBuffer, Long, Long> framing,
      LongUnaryOperator portion,
      ObjLongConsumer<Runnable> later,
      LongConsumer passed,
      Supplier<IOException> cut) {
    super(portion, later, passed, cut);
    this.exchange = new WeakReference<>(exchange);
    this.framing = framing;
  }

  /**
   * For an exchange whose response has come.
   *
   * @param chunks moves on in raw bytes of a chunked body, past at most so many of the body itself,
   *     and says how many those were
   * @return the object that receives its body, and the object to stand in; null where it has not
   *     come on HTTP/1.1
   */
  static Object[] of(
      Object exchange,
      Object response,
      BiFunction<ByteBuffer, Long, Long> chunks,
      LongUnaryOperator portion,
      ObjLongConsumer<Runnable> later,
      LongConsumer passed,
      Supplier<IOException> cut) {
    if (!(((Exchange<?>) exchange).exchImpl instanceof Http1Exchange<?> real)) {
      return null;
    }
    var headers = ((Response) response).headers();
    boolean chunked =
        headers.firstValue("Content-Length").isEmpty()
            && headers.firstValue("Transfer-Encoding").orElse("").equalsIgnoreCase("chunked");
    return new Object[] {
      READER.get(RESPONSE.getVolatile(real)),
      new JinxBody1(real, chunked ? chunks : null, portion, later, passed, cut)
    };
  }

  @Override
  public Object apply(Object[] call, Function<Object, Object> original) {
    ByteBuffer received = (ByteBuffer) call[1];
    return received.hasRemaining()
        ? receive((Http1AsyncReceiver.Http1AsyncDelegate) call[0], received, original)
        : pass(received, 0, original);
  }

  /** As the method: false where the buffer stays in the queue. */
  private boolean receive(
      Http1AsyncReceiver.Http1AsyncDelegate reader,
      ByteBuffer received,
      Function<Object, Object> original) {
    while (!isWaiting()) {
      if (next == null) {
        take(received);
        if (!next.hasRemaining()) {
          next = null;
          IOException cause = cut();
          if (cause == null) {
            // it was cleared this moment
            continue;
          }
          lose(cause);
          return false;
        }
        if (body > 0 && !here(body, this::wake)) {
          return false;
        }
      }
      ByteBuffer passing = next;
      next = null;
      received.position(received.position() + passing.remaining());
      if (!(boolean) pass(passing, body, original)) {
        return false;
      }
      if (!received.hasRemaining()) {
        return true;
      }
      if (reader.subscription().demand().get() <= 0 && cut() == null) {
        // whose growth runs the loop again
        return false;
      }
    }
    return false;
  }

  private void take(ByteBuffer received) {
    next = received.slice();
    long portion = portion(next.remaining());
    if (framing == null) {
      next.limit((int) portion);
      body = portion;
    } else {
      body = framing.apply(next, portion);
      next.flip();
    }
  }

  private void wake() {
    Http1Exchange<?> real = exchange.get();
    if (real != null) {
      var scheduler = (SequentialScheduler) SCHEDULER.get(RECEIVER.get(real));
      real.exchange.multi.executor.ensureExecutedAsync(scheduler::runOrSchedule);
    }
  }

  /** What the loop finds next is an empty queue and an error, as when a connection is lost. */
  private void lose(IOException cause) {
    Http1Exchange<?> real = exchange.get();
    if (real != null) {
      Object receiver = RECEIVER.get(real);
      ERROR.setVolatile(receiver, cause);
      ((Queue<?>) QUEUE.get(receiver)).clear();
      real.connection().close();
    }
  }
}
