package dev.jinx.agent.point.http.apache5;

import dev.jinx.agent.effect.Response;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Set;
import org.apache.hc.core5.http.EntityDetails;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.HttpResponse;
import org.apache.hc.core5.http.HttpVersion;
import org.apache.hc.core5.http.message.BasicHttpResponse;
import org.apache.hc.core5.http.nio.CapacityChannel;
import org.jspecify.annotations.Nullable;

/** An answer of ours, given to an exchange as one that came over the wire. */
final class Canned implements EntityDetails, CapacityChannel {
  private static final int WINDOW = 65_535;

  private final Attempt call;
  private final Exchange exchange;
  private final Response answer;
  private final HttpResponse head;
  private final boolean hasBody;
  private int passed;
  private long window = WINDOW;
  private boolean waiting;

  Canned(Attempt call, Exchange exchange, Response answer) {
    this.call = call;
    this.exchange = exchange;
    this.answer = answer;
    this.head = new BasicHttpResponse(answer.status());
    this.hasBody =
        !call.request.getMethod().equals("HEAD")
            && answer.status() != 204
            && answer.status() != 304;
  }

  void begin() {
    head.setVersion(call.http2 ? HttpVersion.HTTP_2 : HttpVersion.HTTP_1_1);
    answer
        .headers()
        .forEach((name, values) -> values.forEach(value -> head.addHeader(name, value)));
    if (answer.status() != 204 && answer.status() != 304) {
      head.addHeader("Content-Length", answer.body().length);
    }
    try {
      exchange.consumeResponse(head, hasBody ? this : null, call.scope.clientContext);
      if (hasBody) {
        feed();
      } else {
        exchange.releaseResources();
      }
    } catch (HttpException | IOException | RuntimeException e) {
      exchange.fail(e);
    }
  }

  private void feed() throws HttpException, IOException {
    byte[] body = answer.body();
    while (passed < body.length) {
      if (!mayGoOn()) {
        return;
      }
      int portion = Math.min(8192, body.length - passed);
      passed += portion;
      exchange.consume(ByteBuffer.wrap(body, passed - portion, portion));
      synchronized (this) {
        window -= portion;
      }
    }
    exchange.streamEnd(null);
    exchange.releaseResources();
  }

  private boolean mayGoOn() throws IOException {
    synchronized (this) {
      if (window > 0) {
        return true;
      }
    }
    exchange.updateCapacity(this);
    synchronized (this) {
      waiting = window <= 0;
      return !waiting;
    }
  }

  @Override
  public void update(int increment) {
    synchronized (this) {
      window += increment;
      if (!waiting || window <= 0) {
        return;
      }
      waiting = false;
    }
    call.run(
        () -> {
          try {
            feed();
          } catch (HttpException | IOException | RuntimeException e) {
            exchange.fail(e);
          }
        });
  }

  @Override
  public long getContentLength() {
    return answer.body().length;
  }

  @Override
  public @Nullable String getContentType() {
    Header type = head.getFirstHeader("Content-Type");
    return type == null ? null : type.getValue();
  }

  @Override
  public @Nullable String getContentEncoding() {
    Header encoding = head.getFirstHeader("Content-Encoding");
    return encoding == null ? null : encoding.getValue();
  }

  @Override
  public boolean isChunked() {
    return false;
  }

  @Override
  public Set<String> getTrailerNames() {
    return Set.of();
  }
}
