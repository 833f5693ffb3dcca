package dev.jinx.agent.point.http.apache5;

import dev.jinx.agent.effect.Cut;
import dev.jinx.agent.effect.Reset;
import dev.jinx.agent.fault.BodyFlow;
import dev.jinx.agent.fault.OwnFailures;
import java.io.IOException;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.hc.core5.http.ConnectionClosedException;
import org.apache.hc.core5.http.EntityDetails;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.HttpResponse;
import org.apache.hc.core5.http.TruncatedChunkException;
import org.apache.hc.core5.http.nio.AsyncClientExchangeHandler;
import org.apache.hc.core5.http.nio.CapacityChannel;
import org.apache.hc.core5.http.nio.DataStreamChannel;
import org.apache.hc.core5.http.nio.RequestChannel;
import org.apache.hc.core5.http.protocol.HttpContext;
import org.jspecify.annotations.Nullable;

/**
 * What a connection tells the client of an exchange, held back, cut or slowed down: events go on
 * one after the other, on the thread they come on or, if they had to wait, on an I/O thread.
 */
final class Exchange implements AsyncClientExchangeHandler {

  /** Something that a connection tells the client of an exchange. */
  private interface Event {
    void tell() throws HttpException, IOException;
  }

  /** The rest of some bytes of the body. */
  private record Data(ByteBuffer rest) implements Event {
    @Override
    public void tell() {}
  }

  private final Attempt call;
  private final AsyncClientExchangeHandler handler;
  private final boolean real;
  private final @Nullable BodyFlow flow;
  private final Deque<Event> events = new ArrayDeque<>();
  private @Nullable Event head;
  private @Nullable HttpResponse response;
  private @Nullable EntityDetails body;
  private long passed;
  private boolean aProxys;

  // all that several threads touch is guarded by this object
  private boolean busy;
  private boolean over;
  private boolean ended;
  private long granted;
  private long owed;
  private @Nullable CapacityChannel capacity;

  /**
   * @param real whether a connection tells, and not we
   */
  Exchange(Attempt call, AsyncClientExchangeHandler handler, boolean real) {
    this.call = call;
    this.handler = handler;
    this.real = real;
    this.flow = call.flow();
  }

  /** The same exchange, for an answer of ours in place of a real one. */
  Exchange after() {
    return new Exchange(call, handler, false);
  }

  private void add(Event event) throws HttpException, IOException {
    if (aProxys) {
      event.tell();
      return;
    }
    synchronized (this) {
      if (over) {
        return;
      }
      events.add(event);
      if (busy) {
        return;
      }
      busy = true;
    }
    tellAll();
  }

  /** Tells the events so far, until one of them has to wait. */
  private void tellAll() throws HttpException, IOException {
    while (true) {
      Event event;
      synchronized (this) {
        event = over ? null : events.peek();
        if (event == null) {
          busy = false;
          return;
        }
        if (!(event instanceof Data)) {
          events.remove();
        }
      }
      if (event instanceof Data data) {
        if (!passPortion(data.rest())) {
          return;
        }
      } else if (event == head && real) {
        call.exchange = this;
        call.onReactor = true;
        call.arrived(this);
        return;
      } else {
        event.tell();
      }
    }
  }

  /** A real answer goes on. */
  void release() {
    Event first = head;
    try {
      if (first != null) {
        first.tell();
      }
      tellAll();
    } catch (HttpException | IOException | RuntimeException e) {
      fail(e);
    }
  }

  /** Nothing more is told. */
  synchronized void discard() {
    over = true;
    events.clear();
  }

  void fail(Exception cause) {
    if (endsNow()) {
      handler.failed(cause);
      handler.releaseResources();
    }
  }

  private synchronized boolean endsNow() {
    discard();
    boolean now = !ended;
    ended = true;
    return now;
  }

  // ---- the body

  /**
   * @return false where the rest waits, or is none
   */
  private boolean passPortion(ByteBuffer rest) throws IOException {
    BodyFlow its = flow;
    if (its == null) {
      pass(rest, rest.remaining());
      return true;
    }
    int portion = (int) its.portion(rest.remaining());
    if (portion == 0) {
      Cut cut = its.cut();
      if (cut != null) {
        cut(cut);
        return false;
      }
      // it was cleared this moment
      portion = rest.remaining();
    }
    int size = portion;
    var turn = new AtomicBoolean();
    its.later(
        size,
        waited -> {
          if (!turn.compareAndSet(false, true)) {
            call.run(() -> passLater(rest, size));
          }
        });
    if (turn.compareAndSet(false, true)) {
      return false;
    }
    pass(rest, size);
    return true;
  }

  private void passLater(ByteBuffer rest, int size) {
    try {
      pass(rest, size);
      tellAll();
    } catch (HttpException | IOException | RuntimeException e) {
      fail(e);
    }
  }

  private void pass(ByteBuffer rest, int size) throws IOException {
    synchronized (this) {
      if (over) {
        return;
      }
      if (size == rest.remaining()) {
        events.remove();
      }
    }
    ByteBuffer portion = rest.slice();
    portion.limit(size);
    rest.position(rest.position() + size);
    handler.consume(portion);
    passed += size;
    if (flow != null) {
      flow.passed(size);
      allow(size, 0);
    }
  }

  private void cut(Cut cut) {
    Exception cause =
        cut instanceof Reset && !call.secure()
            ? new SocketException("Connection reset")
            : endInTheBody();
    if (cause != null) {
      fail(cause);
    } else if (endsNow()) {
      call.scope.execRuntime.discardEndpoint();
      try {
        handler.streamEnd(null);
      } catch (HttpException | IOException e) {
        handler.failed(e);
      }
      handler.releaseResources();
    }
  }

  private @Nullable Exception endInTheBody() {
    if (call.http2) {
      return new ConnectionClosedException("Connection is closed");
    }
    if (response != null && response.containsHeader("Transfer-Encoding")) {
      return new TruncatedChunkException(
          "Truncated chunk (expected size: %d; actual size: %d)", passed + 1, passed);
    }
    if (body != null && body.getContentLength() >= 0) {
      return new ConnectionClosedException(
          "Premature end of Content-Length delimited message body (expected: %d; received: %d)",
          body.getContentLength(), passed);
    }
    return null;
  }

  /** The connection may read on when the client wants more, and has got what was read. */
  private void allow(int gone, int wanted) throws IOException {
    CapacityChannel channel;
    long amount;
    synchronized (this) {
      owed += gone;
      granted += wanted;
      channel = capacity;
      amount = Math.min(Math.min(owed, granted), Integer.MAX_VALUE);
      if (channel == null || amount == 0 || over) {
        return;
      }
      owed -= amount;
      granted -= amount;
    }
    channel.update((int) amount);
  }

  // ---- what the connection tells

  @Override
  public void consumeResponse(
      HttpResponse response, @Nullable EntityDetails body, HttpContext context)
      throws HttpException, IOException {
    this.response = response;
    this.body = body;
    Event told = () -> handler.consumeResponse(response, body, context);
    head = told;
    add(told);
  }

  @Override
  public void consumeInformation(HttpResponse response, HttpContext context)
      throws HttpException, IOException {
    add(() -> handler.consumeInformation(response, context));
  }

  @Override
  public void updateCapacity(CapacityChannel channel) throws IOException {
    if (flow != null && !aProxys) {
      synchronized (this) {
        capacity = channel;
      }
      allow(0, 0);
    }
    CapacityChannel given = flow == null ? channel : wanted -> allow(0, wanted);
    addOfBody(() -> handler.updateCapacity(given));
  }

  @Override
  public void consume(ByteBuffer bytes) throws IOException {
    if (aProxys) {
      handler.consume(bytes);
      return;
    }
    ByteBuffer copy = ByteBuffer.allocate(bytes.remaining());
    copy.put(bytes).flip();
    addOfBody(new Data(copy));
  }

  private void addOfBody(Event event) throws IOException {
    try {
      add(event);
    } catch (HttpException e) {
      throw new IOException(e);
    }
  }

  @Override
  public void streamEnd(@Nullable List<? extends Header> trailers)
      throws HttpException, IOException {
    add(() -> handler.streamEnd(trailers));
  }

  @Override
  public void failed(Exception cause) {
    addQuietly(() -> handler.failed(cause));
  }

  @Override
  public void releaseResources() {
    addQuietly(handler::releaseResources);
  }

  private void addQuietly(Event event) {
    try {
      add(event);
    } catch (HttpException | IOException e) {
      OwnFailures.note(e);
    }
  }

  // ---- what the client tells

  @Override
  public void cancel() {
    if (endsNow()) {
      handler.cancel();
      handler.releaseResources();
    }
  }

  @Override
  public void produceRequest(RequestChannel channel, HttpContext context)
      throws HttpException, IOException {
    handler.produceRequest(
        (request, body, its) -> {
          aProxys = request.getMethod().equals("CONNECT");
          channel.sendRequest(request, body, its);
        },
        context);
  }

  @Override
  public int available() {
    return handler.available();
  }

  @Override
  public void produce(DataStreamChannel channel) throws IOException {
    handler.produce(channel);
  }
}
