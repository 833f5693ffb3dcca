package dev.jinx.agent.point.http.jetty;

import dev.jinx.agent.fault.BodyFlow;
import dev.jinx.agent.point.http.JettyInside;
import java.io.EOFException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import org.eclipse.jetty.client.transport.HttpExchange;
import org.eclipse.jetty.client.transport.HttpReceiver;
import org.eclipse.jetty.io.Content;
import org.jspecify.annotations.Nullable;

/**
 * The real body, made to come as a flow says. No thread waits: a read finds nothing, and the client
 * is told when there is something.
 */
final class FlowingBody implements JettyInside.Body {
  private final JettyAdapter client;
  private final HttpReceiver receiver;
  private final HttpExchange exchange;
  private final BodyFlow flow;
  private Content.@Nullable Chunk rest;

  /** How many bytes of the rest have come. */
  private int come;

  private boolean waiting;
  private boolean demanded;

  FlowingBody(JettyAdapter client, HttpReceiver receiver, HttpExchange exchange, BodyFlow flow) {
    this.client = client;
    this.receiver = receiver;
    this.exchange = exchange;
    this.flow = flow;
  }

  @Override
  public @Nullable Object read(JettyInside.Real real, boolean demand) throws Throwable {
    synchronized (this) {
      if (waiting) {
        demanded |= demand;
        return null;
      }
    }
    Content.Chunk chunk = rest;
    if (chunk == null) {
      chunk = (Content.Chunk) real.read(demand);
      if (chunk == null || Content.Chunk.isFailure(chunk) || !chunk.hasRemaining()) {
        return chunk;
      }
      rest = chunk;
    }
    if (come == 0 && !next(chunk, demand)) {
      return null;
    }
    byte[] portion = new byte[come];
    chunk.getByteBuffer().get(portion);
    flow.passed(come);
    come = 0;
    boolean last = false;
    if (!chunk.hasRemaining()) {
      last = chunk.isLast();
      rest = null;
      chunk.release();
    }
    return Content.Chunk.from(ByteBuffer.wrap(portion), last);
  }

  /** Waits for the next bytes, or finds the body cut; false where there is nothing yet. */
  private boolean next(Content.Chunk chunk, boolean demand) {
    int portion = (int) flow.portion(chunk.remaining());
    if (portion == 0) {
      if (flow.cut() != null) {
        rest = null;
        chunk.release();
        client.abort(
            exchange,
            client.isHttp2(exchange)
                ? new ClosedChannelException()
                : new EOFException(client.connection(exchange)));
        return false;
      }
      // it was cleared this moment
      portion = chunk.remaining();
    }
    int coming = portion;
    synchronized (this) {
      waiting = true;
    }
    flow.later(coming, waited -> arrived(coming));
    synchronized (this) {
      demanded = waiting && demand;
      return !waiting;
    }
  }

  private void arrived(int portion) {
    boolean tell;
    synchronized (this) {
      come = portion;
      waiting = false;
      tell = demanded;
      demanded = false;
    }
    if (tell) {
      client.executor(exchange).execute(() -> client.available(receiver, exchange));
    }
  }
}
