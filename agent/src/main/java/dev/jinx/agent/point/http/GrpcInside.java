package dev.jinx.agent.point.http;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.effect.Response;
import dev.jinx.agent.fault.BodyFlow;
import dev.jinx.agent.weave.Access;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * What the point needs of the inside of gRPC, without its types. A <em>transport</em> is the
 * channel's {@code DelayedClientTransport}, the <em>arguments</em> those of its {@code newStream}.
 */
public interface GrpcInside {

  /** To be called before all else; once is enough. */
  void open(Access access);

  @Nullable String read(Field field, @Nullable String name, Object transport, Object[] arguments);

  /** Where the client runs what belongs to a call. */
  Executor executor(Object transport, Object[] arguments);

  boolean hasDeadline(Object[] arguments);

  /** In milliseconds. */
  long connectMillis(Object transport);

  /** A stream that keeps all that it is told, for a real one that will be set. */
  Object delayed();

  /** Sets what the delayed stream stands for. */
  void set(Object delayed, Object stream);

  /** A stream that fails as it starts. */
  Object failing(Object status, Object[] arguments);

  /** A stream without a network, that gives that answer to a request. */
  Object answering(Response response, Object[] arguments, Executor executor);

  /**
   * A failure as the transport reports it.
   *
   * @param arguments null where they are known no more
   */
  Object status(NamedError error, Object transport, Object @Nullable [] arguments);

  /** Any exception, as the transport reports it. */
  Object status(Throwable cause);

  /** A failure while shaking hands. */
  Object handshakeFailed(Throwable cause);

  /** The metadata of the request of a stream, by which it is known again. */
  @Nullable Object headers(Object stream);

  /** The part of a stream that its transport works on. */
  Object state(Object stream);

  /** Ends a stream that has been sent. */
  void cancel(Object stream, Object status);

  /** Runs work where the transport works on a stream. */
  void run(Object state, Runnable work);

  /** The transport's own method once more, one of those below. */
  void receive(Object state, String method, Object[] arguments) throws Throwable;

  String HEADERS = "transportHeadersReceived";
  String DATA = "transportDataReceived";
  String TRAILERS = "transportTrailersReceived";

  /** Another answer in place of the real one. */
  void answer(Object state, Response response) throws Throwable;

  /** A part of the data that were received, as the flow lets it. */
  Object part(Object data, int bytes);

  int size(Object data);

  void close(Object data);

  /** What a cut becomes. */
  Object cut(BodyFlow flow, Object transport);
}
