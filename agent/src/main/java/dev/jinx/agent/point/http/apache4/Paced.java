package dev.jinx.agent.point.http.apache4;

import dev.jinx.agent.effect.Cut;
import dev.jinx.agent.effect.Reset;
import dev.jinx.agent.fault.BodyFlow;
import java.io.IOException;
import java.net.SocketException;
import java.nio.ByteBuffer;
import org.apache.http.HttpEntity;
import org.apache.http.HttpResponse;
import org.apache.http.nio.ContentDecoder;
import org.apache.http.nio.IOControl;
import org.jspecify.annotations.Nullable;

/** The body of an answer, at its own pace and to its own end. */
final class Paced {
  private static final int PORTION = 8192;

  private final BodyFlow flow;
  private final HttpResponse response;
  private final boolean secure;
  private long allowed;
  private long passed;
  private boolean waits;
  private boolean ended;

  /**
   * @param secure whether it comes over TLS, beneath which a reset is an end to this client
   */
  Paced(BodyFlow flow, HttpResponse response, boolean secure) {
    this.flow = flow;
    this.secure = secure;
    this.response = response;
  }

  /** Whether something may be read now; otherwise, input is wanted again when it may. */
  boolean isReady(IOControl control) {
    long portion;
    synchronized (this) {
      if (allowed > 0) {
        return true;
      }
      control.suspendInput();
      if (waits) {
        return false;
      }
      portion = flow.portion(PORTION);
      if (portion == 0) {
        if (flow.cut() != null) {
          return true;
        }
        portion = PORTION;
      }
      waits = true;
    }
    long next = portion;
    flow.later(
        next,
        waited -> {
          synchronized (this) {
            allowed = next;
            waits = false;
          }
          control.requestInput();
        });
    synchronized (this) {
      return !waits;
    }
  }

  ContentDecoder of(ContentDecoder decoder) {
    return new ContentDecoder() {
      @Override
      public int read(ByteBuffer to) throws IOException {
        return Paced.this.read(decoder, to);
      }

      @Override
      public boolean isCompleted() {
        return ended || decoder.isCompleted();
      }
    };
  }

  private int read(ContentDecoder decoder, ByteBuffer to) throws IOException {
    long portion;
    synchronized (this) {
      portion = allowed;
    }
    if (portion == 0) {
      Cut cut = ended ? null : flow.cut();
      if (cut == null) {
        return ended ? -1 : 0;
      }
      Exception cause =
          cut instanceof Reset && !secure ? new SocketException("Connection reset") : end();
      if (cause instanceof IOException failure) {
        throw failure;
      }
      ended = true;
      return -1;
    }
    int limit = to.limit();
    to.limit((int) Math.min(limit, to.position() + portion));
    int count = decoder.read(to);
    to.limit(limit);
    if (count > 0) {
      passed += count;
      synchronized (this) {
        allowed -= count;
      }
      flow.passed(count);
    }
    return count;
  }

  private @Nullable IOException end() {
    HttpEntity entity = response.getEntity();
    if (entity != null && entity.isChunked()) {
      return EndedBody.of(true, passed + 1, passed);
    }
    return entity == null || entity.getContentLength() < 0
        ? null
        : EndedBody.of(false, entity.getContentLength(), passed);
  }
}
