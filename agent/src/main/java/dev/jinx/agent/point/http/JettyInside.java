package dev.jinx.agent.point.http;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.effect.Response;
import dev.jinx.agent.fault.BodyFlow;
import dev.jinx.agent.weave.Access;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** What the point needs of the inside of Jetty's {@code HttpClient}, without its types. */
public interface JettyInside {

  /** To be called before all else; once is enough. */
  void open(Access access);

  /** The scheme, host, method, raw path, raw query or header of an exchange. */
  @Nullable String read(Field field, @Nullable String name, Object exchange);

  int port(Object exchange);

  /** Whether an exchange is about to go over HTTP/2. */
  boolean isHttp2(Object exchange);

  /** Whether the answer is one that another will follow (1xx). */
  boolean isInterim(Object exchange);

  /** Where the client runs what belongs to an exchange. */
  Executor executor(Object exchange);

  /** Starts the total timeout, as the real call would. */
  void sent(Object exchange);

  /** Nanoseconds until the total timeout is over; {@code Long.MAX_VALUE} for none. */
  long total(Object exchange);

  /** The total timeout in milliseconds. */
  long totalMillis(Object exchange);

  /** The idle timeout in milliseconds that holds for an exchange; 0 for none. */
  long idleMillis(Object exchange);

  /** In milliseconds, 0 for none. */
  long connectMillis(Object exchange);

  /** What the idle timeout says of itself. */
  String idleMessage(Object exchange, long elapsedMillis);

  /** All that the exchange's connection says of itself. */
  String connection(Object exchange);

  /** Fails an exchange, and closes the connection that it may have. */
  void abort(Object exchange, Throwable failure);

  /** Tells the application's listeners that the request stands in the queue. */
  void queued(Object exchange);

  /**
   * Sends an exchange over a connection of no network, that gives these bytes for an answer and
   * ends.
   *
   * @param answer null for none
   * @param onWrite thrown as the request is written
   */
  void send(Object exchange, byte @Nullable [] answer, @Nullable Throwable onWrite)
      throws Exception;

  /** What has been answered over that connection is to look like an answer over HTTP/2. */
  void poseAsHttp2(Object exchange);

  /** Closes a connection that waits in the pool of the exchange's destination, if there is any. */
  void closeOne(Object exchange);

  /** The real answer once more, as it was noted. */
  void replay(Object receiver, Object exchange, List<Object> fields) throws Throwable;

  /** Another answer in place of the real one, but for its body. */
  void answer(
      Object receiver,
      Object exchange,
      int status,
      Map<String, List<String>> headers,
      long contentLength)
      throws Throwable;

  /** Keeps the exchange's connection from the pool; the result closes it, null for HTTP/2. */
  @Nullable Runnable keepOut(Object exchange);

  /** The body of the real answer, made to come as the flow says. */
  Body flowing(Object receiver, Object exchange, BodyFlow flow);

  /** Another body, after which the real one is read and thrown away. */
  Body other(byte[] body);

  /** The body of an answer as the client reads it. */
  interface Body {
    /**
     * The next piece, or null where it is yet to come.
     *
     * @param demand whether the client is to be told when it has come
     */
    @Nullable Object read(Real real, boolean demand) throws Throwable;
  }

  /** The hooked method itself. */
  interface Real {
    @Nullable Object read(boolean demand) throws Throwable;
  }

  /** The number of bytes that an answer says it has; -1 where it does not say. */
  static long contentLength(Response response) {
    return response.status() == 204 || response.status() == 304 ? -1 : response.body().length;
  }
}
