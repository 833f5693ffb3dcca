package dev.jinx.agent.point.http;

import dev.jinx.agent.call.Kind;
import dev.jinx.agent.effect.Cut;
import dev.jinx.agent.effect.Ending;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.effect.Reset;
import dev.jinx.agent.effect.Response;
import dev.jinx.agent.fault.BodyFlow;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.point.AsyncCall;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandler;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.timeout.IdleStateHandler;
import io.netty.handler.timeout.ReadTimeoutException;
import io.netty.util.ReferenceCountUtil;
import java.nio.channels.ClosedChannelException;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The adapter of {@link NettyHttp} that takes an exchange over: a handler right behind the client's
 * codec, there until the exchange is over. All of it happens on the connection's event loop.
 */
public final class NettyExchange implements NettyHttp.Exchanges {
  /** So many bytes of a request the kernel takes before it has sent any. */
  private static final long ROOM = 64 * 1024;

  /** The codecs hand a body on in parts of this size. */
  private static final int PART = 8192;

  /** Tells the clocks in front of the codec that something has arrived. */
  private static final Object ARRIVAL = new Object();

  @Override
  public boolean isTaken(Object context) {
    return ((ChannelHandlerContext) context).pipeline().get(Exchange.class) != null;
  }

  @Override
  public void take(
      Injection injection,
      NettyHttp.Spelling spelling,
      boolean clock,
      Object context,
      Object message,
      Object promise)
      throws Exception {
    ChannelHandlerContext codec = (ChannelHandlerContext) context;
    Exchange exchange = new Exchange(injection, spelling, clock, (HttpRequest) message);
    try {
      codec.pipeline().addAfter(codec.name(), null, exchange);
      // a flush of the same call has set out already, past the new handler
      exchange.onLoop(exchange::flush);
      exchange.write(exchange.context(), message, (ChannelPromise) promise);
    } catch (Throwable e) {
      OwnFailures.note(e);
      injection.finish();
      try (CallScope scope = CallScope.enter(Kind.HTTP)) {
        ((ChannelOutboundHandler) codec.handler()).write(codec, message, (ChannelPromise) promise);
      }
    }
  }

  private record Outbound(Object message, ChannelPromise promise) {}

  /** What becomes of what the client sends. */
  private enum Sending {
    HELD,
    PASSED,
    SWALLOWED
  }

  /** What becomes of what the server sends. */
  private enum Receiving {
    PASSED,
    HELD,
    FLOWING
  }

  private static final class Exchange extends ChannelDuplexHandler {
    final Injection injection;
    final NettyHttp.Spelling spelling;
    final boolean clock;
    final boolean head;
    final boolean expectsContinue;
    final Call call;
    private @Nullable ChannelHandlerContext context;

    private Sending sending = Sending.HELD;
    private final Queue<Outbound> out = new ArrayDeque<>();
    private long buffered;
    private boolean begun;
    private boolean requestComplete;
    private boolean flushed;

    private Receiving receiving = Receiving.PASSED;
    private final ArrayDeque<Object> in = new ArrayDeque<>();
    private @Nullable BodyFlow flow;
    private boolean discarded;
    private boolean waiting;
    private boolean paused;
    private boolean autoRead;
    private boolean readWanted;
    private boolean endsWithConnection;
    private boolean closeAfterwards;
    private boolean givenUp;
    private boolean over;

    Exchange(Injection injection, NettyHttp.Spelling spelling, boolean clock, HttpRequest request) {
      this.injection = injection;
      this.spelling = spelling;
      this.clock = clock;
      this.head = HttpMethod.HEAD.equals(request.method());
      this.expectsContinue = HttpUtil.is100ContinueExpected(request);
      this.call = new Call(injection);
    }

    ChannelHandlerContext context() {
      ChannelHandlerContext there = context;
      if (there == null) {
        throw new IllegalStateException();
      }
      return there;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext added) {
      context = added;
    }

    void onLoop(Runnable work) {
      try {
        context().executor().execute(work);
      } catch (RejectedExecutionException loopHasEnded) {
        injection.finish();
      }
    }

    // ---- the request

    @Override
    public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
      requestComplete |= message instanceof LastHttpContent;
      switch (sending) {
        case HELD -> {
          out.add(new Outbound(message, promise));
          buffered +=
              message instanceof HttpContent content ? content.content().readableBytes() : 0;
          if (!begun && (requestComplete || expectsContinue || buffered >= ROOM)) {
            begun = true;
            // not before the client has done what it does once all is written
            onLoop(call::begin);
          }
        }
        case PASSED -> pass(ctx, message, promise);
        case SWALLOWED -> {
          ReferenceCountUtil.release(message);
          promise.trySuccess();
          if (requestComplete && receiving == Receiving.PASSED) {
            leave();
          }
        }
      }
    }

    private static void pass(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
      if (message instanceof HttpRequest) {
        try (CallScope scope = CallScope.enter(Kind.HTTP)) {
          var unused = ctx.write(message, promise);
        }
      } else {
        var unused = ctx.write(message, promise);
      }
    }

    @Override
    public void flush(ChannelHandlerContext ctx) {
      flush();
    }

    void flush() {
      if (over) {
        return;
      }
      if (sending == Sending.PASSED) {
        context().flush();
      } else if (sending == Sending.HELD) {
        flushed = true;
        // the kernel takes what it has room for
        if (buffered <= ROOM) {
          // some of them make the client write more
          for (Outbound each : List.copyOf(out)) {
            each.promise().trySuccess();
          }
        }
      }
    }

    private void send() {
      sending = Sending.PASSED;
      ChannelHandlerContext ctx = context();
      for (Outbound each = out.poll(); each != null; each = out.poll()) {
        ChannelPromise promise = each.promise();
        pass(ctx, each.message(), promise.isDone() ? ctx.newPromise() : promise);
      }
      if (flushed) {
        ctx.flush();
      }
    }

    private void swallow() {
      sending = Sending.SWALLOWED;
      for (Outbound each = out.poll(); each != null; each = out.poll()) {
        ReferenceCountUtil.release(each.message());
        each.promise().trySuccess();
      }
    }

    // ---- the answer

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
      if (message == ARRIVAL) {
        return;
      }
      if (discarded) {
        ReferenceCountUtil.release(message);
        return;
      }
      switch (receiving) {
        case PASSED -> {
          if (sending == Sending.PASSED
              && message instanceof HttpResponse response
              && isFinal(response)) {
            answerBegins(ctx, response);
          } else {
            ctx.fireChannelRead(message);
          }
        }
        case HELD, FLOWING -> {
          in.add(message);
          drain();
        }
      }
    }

    private static boolean isFinal(HttpResponse response) {
      return response.status().code() >= 200 || response.status().code() == 101;
    }

    private void answerBegins(ChannelHandlerContext ctx, HttpResponse response) {
      flow = response.status().code() == 101 ? null : injection.flow();
      if (flow == null && !injection.hasAfter()) {
        call.gone();
        leave();
        ctx.fireChannelRead(response);
        return;
      }
      endsWithConnection =
          !HttpUtil.isContentLengthSet(response) && !HttpUtil.isTransferEncodingChunked(response);
      receiving = Receiving.HELD;
      in.add(response);
      pause();
      onLoop(() -> call.arrived(response));
    }

    /** The rest stays with the kernel, as far as it has not come already. */
    private void pause() {
      paused = true;
      autoRead = context().channel().config().isAutoRead();
      context().channel().config().setAutoRead(false);
    }

    private void resume() {
      if (paused) {
        paused = false;
        if (autoRead) {
          context().channel().config().setAutoRead(true);
        } else if (readWanted) {
          context().read();
        }
      }
    }

    @Override
    public void read(ChannelHandlerContext ctx) {
      if (paused) {
        readWanted = true;
        if (receiving == Receiving.FLOWING) {
          more();
        }
      } else {
        ctx.read();
      }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
      if (!paused) {
        ctx.fireChannelReadComplete();
      } else if (receiving == Receiving.FLOWING) {
        more();
      }
    }

    /** Reads on where the client would have, and all that there is has been handed on. */
    private void more() {
      if (paused && in.isEmpty() && (autoRead || readWanted)) {
        readWanted = false;
        context().read();
      }
    }

    /** Hands on what has arrived, at the pace of the flow. */
    private void drain() {
      boolean any = false;
      while (receiving == Receiving.FLOWING && !waiting && !in.isEmpty() && !over) {
        Object first = in.element();
        int bytes =
            first instanceof HttpContent content && !(first instanceof HttpResponse)
                ? content.content().readableBytes()
                : 0;
        if (flow == null || bytes == 0) {
          any = true;
          handOn(in.remove());
          continue;
        }
        int portion = (int) flow.portion(bytes);
        Cut cut = portion == 0 ? flow.cut() : null;
        if (cut != null) {
          cut(cut);
          return;
        }
        int granted = portion == 0 ? bytes : portion;
        waiting = true;
        flow.later(granted, waited -> onLoop(() -> portionCame(granted)));
      }
      if (any && !over) {
        context().fireChannelReadComplete();
        more();
      }
    }

    private void portionCame(int bytes) {
      waiting = false;
      if (over || flow == null || !(in.peek() instanceof HttpContent first)) {
        return;
      }
      flow.passed(bytes);
      tellClocks();
      ByteBuf content = first.content();
      if (bytes >= content.readableBytes()) {
        handOn(in.remove());
      } else {
        handOn(new DefaultHttpContent(content.readRetainedSlice(bytes)));
      }
      if (!over) {
        context().fireChannelReadComplete();
        drain();
        more();
      }
    }

    /** A read timeout in front of the codec has seen the bytes arrive long ago. */
    private void tellClocks() {
      ChannelHandlerContext ctx = context();
      for (Map.Entry<String, ChannelHandler> each : ctx.pipeline()) {
        if (each.getValue() == this) {
          return;
        }
        if (each.getValue() instanceof IdleStateHandler idle) {
          ChannelHandlerContext its = ctx.pipeline().context(idle);
          try {
            idle.channelRead(its, ARRIVAL);
            idle.channelReadComplete(its);
          } catch (Exception e) {
            OwnFailures.note(e);
          }
        }
      }
    }

    private void handOn(Object message) {
      ChannelHandlerContext ctx = context();
      boolean last = message instanceof LastHttpContent;
      if (last) {
        receiving = Receiving.PASSED;
        resume();
        if (requestComplete) {
          leave();
        }
      }
      ctx.fireChannelRead(message);
      if (last) {
        ctx.fireChannelReadComplete();
        if (closeAfterwards) {
          closed(ctx);
        }
      }
    }

    private void cut(Cut cut) {
      boolean ended = false;
      for (Object each : in) {
        ended |= each instanceof LastHttpContent;
      }
      ChannelHandlerContext ctx = context();
      release();
      leave();
      if (cut instanceof Reset) {
        raise(ctx, new Failure.Named(NamedError.CONNECTION_RESET));
        return;
      }
      if (ended && endsWithConnection) {
        ctx.fireChannelRead(LastHttpContent.EMPTY_LAST_CONTENT);
      }
      closed(ctx);
    }

    // ---- the end

    /** As the transport does where a read fails. */
    private void raise(ChannelHandlerContext ctx, Failure failure) {
      leave();
      Channel channel = ctx.channel();
      try {
        if (AsyncCall.is(NamedError.READ_TIMEOUT, failure)) {
          channel.pipeline().fireExceptionCaught(ReadTimeoutException.INSTANCE);
        } else if (!isAnEnd(failure, channel)) {
          Channel connection = channel.parent() == null ? channel : channel.parent();
          channel
              .pipeline()
              .fireExceptionCaught(
                  spelling.make(
                      failure,
                      connection.getClass(),
                      connection.config().getConnectTimeoutMillis(),
                      connection.remoteAddress()));
        }
      } catch (Throwable e) {
        OwnFailures.note(e);
      }
      closed(ctx);
    }

    /** All that a stream of HTTP/2 sees of the connection's end is its own. */
    private static boolean isAnEnd(Failure failure, Channel channel) {
      return AsyncCall.is(NamedError.UNEXPECTED_EOF, failure)
          || (AsyncCall.is(NamedError.CONNECTION_RESET, failure) && channel.parent() != null);
    }

    /** As where the peer has closed the connection: without a word of TLS. */
    private static void closed(ChannelHandlerContext ctx) {
      Channel channel = ctx.channel();
      if (channel.isOpen()) {
        channel.unsafe().close(channel.voidPromise());
      }
    }

    private void leave() {
      if (!over) {
        over = true;
        ChannelHandlerContext ctx = context();
        resume();
        if (!ctx.isRemoved()) {
          ctx.pipeline().remove(this);
        }
      }
    }

    private void release() {
      in.forEach(ReferenceCountUtil::release);
      in.clear();
    }

    /** The connection is closed, by whomever, or the client has taken its pipeline apart. */
    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
      if (!over) {
        abandon();
      }
      release();
      for (Outbound each = out.poll(); each != null; each = out.poll()) {
        ReferenceCountUtil.release(each.message());
        each.promise().tryFailure(new ClosedChannelException());
      }
    }

    private void abandon() {
      over = true;
      call.cancel();
      injection.finish();
      BodyFlow flowing = flow;
      if (flowing != null) {
        flowing.close();
      }
    }

    @Override
    public void close(ChannelHandlerContext ctx, ChannelPromise promise) {
      givenUp = true;
      var unused = ctx.close(promise);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      givenUp = true;
      ctx.fireExceptionCaught(cause);
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
      if (!givenUp && receiving != Receiving.PASSED) {
        // the server has ended, the pipeline is about to be taken apart: no time is left
        receiving = Receiving.FLOWING;
        flow = null;
        waiting = false;
        drain();
      }
      if (!over) {
        abandon();
      }
      ctx.fireChannelInactive();
    }

    /** The exchange as an injection sees it; its outcome is the head of the answer. */
    private final class Call extends AsyncCall<Object> {
      Call(Injection injection) {
        super(injection);
      }

      @Override
      protected long patience(Phase phase, @Nullable Ending planned) {
        Channel channel = context().channel();
        if (isWhileConnecting(planned)) {
          Channel connection = channel.parent() == null ? channel : channel.parent();
          long millis = connection.config().getConnectTimeoutMillis();
          return millis <= 0 ? Long.MAX_VALUE : TimeUnit.MILLISECONDS.toNanos(millis);
        }
        return clock || channel.pipeline().get(IdleStateHandler.class) != null
            ? ELSEWHERE
            : Long.MAX_VALUE;
      }

      @Override
      protected void run(Runnable work) {
        onLoop(work);
      }

      @Override
      protected void goOn() {
        if (over) {
          injection.finish();
          return;
        }
        send();
      }

      @Override
      protected void deliver(Object real) {
        if (!over) {
          receiving = Receiving.FLOWING;
          drain();
          more();
        }
      }

      @Override
      protected void discard(Object real) {
        discarded = true;
        release();
      }

      @Override
      protected void failed(Failure failure, Phase phase) {
        if (!over) {
          swallow();
          raise(context(), failure);
        }
      }

      @Override
      protected void outOfPatience(Phase phase, @Nullable Ending planned) {
        failed(new Failure.Named(NamedError.CONNECT_TIMEOUT), phase);
      }

      @Override
      protected void cancelled(Phase phase, @Nullable Ending planned) {}

      @Override
      protected void answered(Response response, Phase phase) {
        if (over) {
          return;
        }
        swallow();
        // what has come of the real answer must not meet the next request
        closeAfterwards = phase == Phase.AFTER;
        flow = injection.flow();
        fill(response);
        receiving = Receiving.FLOWING;
        drain();
      }
    }

    private void fill(Response response) {
      DefaultHttpResponse answer =
          new DefaultHttpResponse(
              HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(response.status()));
      boolean http2 = context().channel().parent() != null;
      response
          .headers()
          .forEach(
              (name, values) ->
                  answer.headers().add(http2 ? name.toLowerCase(Locale.ROOT) : name, values));
      if (response.status() != 204 && response.status() != 304) {
        answer.headers().set(HttpHeaderNames.CONTENT_LENGTH, response.body().length);
      }
      if (closeAfterwards && !http2) {
        answer.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
      }
      in.add(answer);
      ByteBuf body = Unpooled.wrappedBuffer(head ? new byte[0] : response.body());
      while (body.readableBytes() > PART) {
        in.add(new DefaultHttpContent(body.readRetainedSlice(PART)));
      }
      in.add(
          body.isReadable()
              ? new DefaultLastHttpContent(body)
              : LastHttpContent.EMPTY_LAST_CONTENT);
    }
  }
}
