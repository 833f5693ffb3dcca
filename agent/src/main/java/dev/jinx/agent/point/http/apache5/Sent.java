package dev.jinx.agent.point.http.apache5;

import dev.jinx.agent.effect.Response;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.HttpVersion;
import org.apache.hc.core5.http.nio.AsyncClientExchangeHandler;
import org.apache.hc.core5.http.nio.DataStreamChannel;
import org.apache.hc.core5.http.nio.RequestChannel;
import org.apache.hc.core5.http.protocol.HttpContext;
import org.jspecify.annotations.Nullable;

/** A request that goes nowhere; what comes of it comes when it is out. */
final class Sent implements DataStreamChannel {
  private final Attempt call;
  private final AsyncClientExchangeHandler handler;
  private final HttpContext context;
  private final @Nullable Exception failure;
  private final @Nullable Response answer;
  private boolean ended;
  private boolean wrote;

  Sent(
      Attempt call,
      AsyncClientExchangeHandler handler,
      HttpContext context,
      @Nullable Exception failure,
      @Nullable Response answer) {
    this.call = call;
    this.handler = handler;
    this.context = context;
    this.failure = failure;
    this.answer = answer;
  }

  void begin() {
    RequestChannel channel =
        (request, body, context) -> {
          context.setProtocolVersion(call.http2 ? HttpVersion.HTTP_2 : HttpVersion.HTTP_1_1);
          ended = body == null;
        };
    try {
      handler.produceRequest(channel, context);
      go();
    } catch (HttpException | IOException | RuntimeException e) {
      fail(e);
    }
  }

  private synchronized void go() throws IOException {
    if (!ended) {
      do {
        wrote = false;
        handler.produce(this);
      } while (!ended && wrote && handler.available() > 0);
      if (!ended) {
        return;
      }
    }
    if (failure != null) {
      fail(failure);
    } else if (answer != null) {
      new Canned(call, new Exchange(call, handler, false), answer).begin();
    }
  }

  private void fail(Exception cause) {
    handler.failed(cause);
    handler.releaseResources();
  }

  @Override
  public void requestOutput() {
    call.run(
        () -> {
          try {
            go();
          } catch (IOException | RuntimeException e) {
            fail(e);
          }
        });
  }

  @Override
  public int write(ByteBuffer bytes) {
    int count = bytes.remaining();
    bytes.position(bytes.limit());
    wrote |= count > 0;
    return count;
  }

  @Override
  public void endStream(@Nullable List<? extends Header> trailers) {
    ended = true;
  }

  @Override
  public void endStream() {
    ended = true;
  }
}
