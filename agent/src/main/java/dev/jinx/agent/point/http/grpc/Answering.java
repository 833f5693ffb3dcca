package dev.jinx.agent.point.http.grpc;

import dev.jinx.agent.effect.Response;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.point.http.GrpcInside;
import io.grpc.Attributes;
import io.grpc.CallOptions;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.internal.AbstractClientStream;
import io.grpc.internal.GrpcUtil;
import io.grpc.internal.Http2ClientStreamTransportState;
import io.grpc.internal.SerializingExecutor;
import io.grpc.internal.StatsTraceContext;
import io.grpc.internal.TransportTracer;
import io.grpc.internal.WritableBuffer;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** A stream of the client's own kind, with nothing beneath it. */
final class Answering extends AbstractClientStream {
  private final GrpcInside client;
  private final Response response;
  private final State state;

  Answering(
      GrpcInside client,
      Response response,
      Metadata headers,
      CallOptions options,
      StatsTraceContext tracers,
      Executor executor) {
    super(size -> new Nowhere(), tracers, new TransportTracer(), headers, options, false);
    this.client = client;
    this.response = response;
    this.state = new State(tracers, options, executor);
  }

  @Override
  protected State transportState() {
    return state;
  }

  @Override
  protected Sink abstractClientStreamSink() {
    return sink;
  }

  private final Sink sink =
      new Sink() {
        @Override
        public void writeHeaders(Metadata headers, byte @Nullable [] payload) {
          state.runOnTransportThread(
              () -> {
                state.allocated();
                try {
                  client.answer(state, response);
                } catch (Throwable e) {
                  OwnFailures.note(e);
                }
              });
        }

        @Override
        public void writeFrame(
            @Nullable WritableBuffer frame, boolean end, boolean flush, int messages) {
          if (frame != null) {
            int bytes = frame.readableBytes();
            state.runOnTransportThread(() -> state.onSentBytes(bytes));
          }
        }

        @Override
        public void cancel(Status reason) {
          state.runOnTransportThread(
              () -> state.transportReportStatus(reason, true, new Metadata()));
        }
      };

  @Override
  public void setAuthority(String authority) {}

  @Override
  public Attributes getAttributes() {
    return Attributes.EMPTY;
  }

  /** Maps what arrives as HTTP/2 to a status, by gRPC's own code. */
  private static final class State extends Http2ClientStreamTransportState {
    private final SerializingExecutor executor;

    State(StatsTraceContext tracers, CallOptions options, Executor executor) {
      super(GrpcUtil.DEFAULT_MAX_MESSAGE_SIZE, tracers, new TransportTracer(), options);
      this.executor = new SerializingExecutor(executor);
    }

    void allocated() {
      onStreamAllocated();
    }

    @Override
    public void runOnTransportThread(Runnable work) {
      executor.execute(work);
    }

    @Override
    protected void http2ProcessingFailed(Status status, boolean stop, Metadata trailers) {
      transportReportStatus(status, stop, trailers);
    }

    @Override
    public void deframeFailed(Throwable cause) {
      http2ProcessingFailed(Status.fromThrowable(cause), true, new Metadata());
    }

    @Override
    public void bytesRead(int bytes) {}
  }

  /** Where a request goes that nobody is to get. */
  private static final class Nowhere implements WritableBuffer {
    private int written;

    @Override
    public void write(byte[] source, int from, int length) {
      written += length;
    }

    @Override
    public void write(byte one) {
      written++;
    }

    @Override
    public int writableBytes() {
      return 1 << 16;
    }

    @Override
    public int readableBytes() {
      return written;
    }

    @Override
    public void release() {}
  }
}
