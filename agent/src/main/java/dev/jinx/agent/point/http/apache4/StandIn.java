package dev.jinx.agent.point.http.apache4;

import dev.jinx.agent.call.Kind;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.Response;
import dev.jinx.agent.fault.BodyFlow;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.OwnFailures;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.SSLSession;
import org.apache.commons.logging.LogFactory;
import org.apache.http.HttpConnectionMetrics;
import org.apache.http.HttpEntityEnclosingRequest;
import org.apache.http.HttpException;
import org.apache.http.HttpRequest;
import org.apache.http.HttpResponse;
import org.apache.http.HttpVersion;
import org.apache.http.client.methods.HttpRequestWrapper;
import org.apache.http.entity.BasicHttpEntity;
import org.apache.http.impl.EnglishReasonPhraseCatalog;
import org.apache.http.impl.HttpConnectionMetricsImpl;
import org.apache.http.impl.nio.conn.ManagedNHttpClientConnectionFactory;
import org.apache.http.impl.nio.conn.PoolingNHttpClientConnectionManager;
import org.apache.http.message.BasicHttpResponse;
import org.apache.http.message.BasicStatusLine;
import org.apache.http.nio.ContentDecoder;
import org.apache.http.nio.ContentEncoder;
import org.apache.http.nio.NHttpClientConnection;
import org.apache.http.nio.NHttpConnection;
import org.apache.http.nio.conn.ManagedNHttpClientConnection;
import org.apache.http.nio.reactor.IOSession;
import org.apache.http.protocol.BasicHttpContext;
import org.apache.http.protocol.HttpContext;
import org.jspecify.annotations.Nullable;

/**
 * Stands in for a connection: takes a request, which goes nowhere, and gives an answer of ours or
 * fails. It is closed when it has done so, so that nothing of it is kept.
 */
final class StandIn implements ManagedNHttpClientConnection, ContentEncoder {
  private final Attempt call;
  private final String id;
  private final HttpContext context = new BasicHttpContext();
  private @Nullable HttpRequest request;
  private @Nullable Failure failure;
  private @Nullable Exception thrown;
  private @Nullable Response answer;
  private @Nullable Canned body;
  private @Nullable Paced paced;
  private long written;
  private boolean sent;
  private boolean wanted;
  private volatile boolean inputWanted = true;
  private volatile boolean open = true;
  private int timeout;

  StandIn(Attempt call) {
    this.call = call;
    this.timeout = call.config().getSoTimeout();
    this.id = "http-outgoing-" + number();
  }

  private long number() {
    try {
      var counter = ManagedNHttpClientConnectionFactory.class.getDeclaredField("COUNTER");
      return ((AtomicLong)
              call.library
                  .access
                  .in(ManagedNHttpClientConnectionFactory.class)
                  .unreflectGetter(counter)
                  .invoke())
          .getAndIncrement();
    } catch (Throwable e) {
      return 0;
    }
  }

  /** Sends the request and ends as it is to. */
  void begin(@Nullable Failure failure, @Nullable Exception thrown, @Nullable Response answer) {
    this.failure = failure;
    this.thrown = thrown;
    this.answer = answer;
    try (CallScope inside = CallScope.enter(Kind.HTTP)) {
      call.library
          .access
          .in(call.library.handlerClass)
          .findVirtual(
              call.library.handlerClass,
              "connectionAllocated",
              MethodType.methodType(void.class, NHttpClientConnection.class))
          .invoke(call.handler, allocated());
      Library.EXECUTOR.connected(this, null);
    } catch (Throwable e) {
      Library.EXECUTOR.exception(
          this, e instanceof Exception it ? it : new IllegalStateException(e));
      return;
    }
    send();
  }

  /** Gives the answer to a request that has been sent on a real connection. */
  void answer(Response response) {
    answer = response;
    try {
      call.library.held(call.handler).set(allocated());
    } catch (Throwable e) {
      OwnFailures.note(e);
    }
    give(response);
  }

  /** As the pool hands connections out. */
  private Object allocated() throws Throwable {
    String names = "org.apache.http.impl.nio.conn.CPool";
    ClassLoader loader = PoolingNHttpClientConnectionManager.class.getClassLoader();
    Class<?> entryClass = Class.forName(names + "Entry", false, loader);
    Class<?> proxyClass = Class.forName(names + "Proxy", false, loader);
    MethodHandles.Lookup lookup = call.library.access.in(entryClass);
    Object entry =
        lookup
            .unreflectConstructor(entryClass.getDeclaredConstructors()[0])
            .invoke(
                LogFactory.getLog(PoolingNHttpClientConnectionManager.class),
                id,
                call.route,
                this,
                -1L,
                TimeUnit.MILLISECONDS);
    lookup
        .findVirtual(entryClass, "markRouteComplete", MethodType.methodType(void.class))
        .invoke(entry);
    return call.library
        .access
        .in(proxyClass)
        .findStatic(
            proxyClass, "newProxy", MethodType.methodType(NHttpClientConnection.class, entryClass))
        .invoke(entry);
  }

  // ---- the request

  private void send() {
    try {
      if (request instanceof HttpEntityEnclosingRequest enclosing
          && enclosing.getEntity() != null
          && !enclosing.expectContinue()) {
        long before;
        do {
          wanted = true;
          before = written;
          Library.EXECUTOR.outputReady(this, this);
        } while (!sent && wanted && written > before);
        if (!sent) {
          wanted = false;
          return;
        }
      }
      if (answer != null) {
        give(answer);
      } else if (failure != null) {
        Library.end(this, failure, thrown);
      }
    } catch (HttpException | IOException | RuntimeException e) {
      Library.EXECUTOR.exception(this, e);
    }
  }

  @Override
  public void submitRequest(HttpRequest request) {
    this.request = request;
  }

  @Override
  public int write(ByteBuffer bytes) {
    int count = bytes.remaining();
    bytes.position(bytes.limit());
    written += count;
    if (request instanceof HttpEntityEnclosingRequest enclosing) {
      long length = enclosing.getEntity().getContentLength();
      sent |= length >= 0 && written >= length;
    }
    return count;
  }

  @Override
  public void complete() {
    sent = true;
  }

  @Override
  public boolean isCompleted() {
    return sent;
  }

  @Override
  public void requestOutput() {
    if (request != null && !sent && !wanted) {
      wanted = true;
      call.run(this::send);
    }
  }

  @Override
  public void suspendOutput() {
    wanted = false;
  }

  // ---- the answer

  private void give(Response response) {
    int status = response.status();
    var head =
        new BasicHttpResponse(
            new BasicStatusLine(
                HttpVersion.HTTP_1_1,
                status,
                EnglishReasonPhraseCatalog.INSTANCE.getReason(status, null)));
    response
        .headers()
        .forEach((name, values) -> values.forEach(value -> head.addHeader(name, value)));
    boolean mayHaveBody = status != 204 && status != 304;
    if (mayHaveBody) {
      head.addHeader("Content-Length", Integer.toString(response.body().length));
    }
    try {
      HttpRequestWrapper asked = (HttpRequestWrapper) call.library.request(call.handler);
      if (!mayHaveBody
          || status == 205
          || (asked != null && asked.getMethod().equalsIgnoreCase("HEAD"))) {
        call.handler.responseReceived(head);
        done();
        return;
      }
      var entity = new BasicHttpEntity();
      entity.setContentLength(response.body().length);
      entity.setContentType(head.getFirstHeader("Content-Type"));
      entity.setContentEncoding(head.getFirstHeader("Content-Encoding"));
      head.setEntity(entity);
      body = new Canned(ByteBuffer.wrap(response.body()));
      BodyFlow flow = call.flow();
      paced = flow == null ? null : new Paced(flow, head, call.route.isSecure());
      call.handler.responseReceived(head);
      feed();
    } catch (HttpException | IOException | RuntimeException e) {
      Library.EXECUTOR.exception(this, e);
    }
  }

  private synchronized void feed() {
    Canned its = body;
    try {
      while (its != null && inputWanted) {
        if (paced != null && !paced.isReady(this)) {
          return;
        }
        ContentDecoder decoder = paced == null ? its : paced.of(its);
        int before = its.bytes().remaining();
        call.handler.consumeContent(decoder, this);
        if (decoder.isCompleted()) {
          body = null;
          done();
          return;
        }
        if (its.bytes().remaining() == before) {
          // nothing taken: others have their turn
          call.run(this::feed);
          return;
        }
      }
    } catch (HttpException | IOException | RuntimeException e) {
      body = null;
      Library.EXECUTOR.exception(this, e);
    }
  }

  private void done() throws IOException, HttpException {
    open = false;
    call.handler.responseCompleted();
  }

  @Override
  public void requestInput() {
    inputWanted = true;
    if (body != null) {
      call.run(this::feed);
    }
  }

  @Override
  public void suspendInput() {
    inputWanted = false;
  }

  // ---- all else of a connection

  @Override
  public void shutdown() {
    open = false;
  }

  @Override
  public void close() {
    open = false;
  }

  @Override
  public boolean isOpen() {
    return open;
  }

  @Override
  public boolean isStale() {
    return false;
  }

  @Override
  public int getStatus() {
    return open ? NHttpConnection.ACTIVE : NHttpConnection.CLOSED;
  }

  @Override
  public String getId() {
    return id;
  }

  @Override
  public String toString() {
    return id + " [ACTIVE]";
  }

  @Override
  public void setSocketTimeout(int millis) {
    timeout = millis;
  }

  @Override
  public int getSocketTimeout() {
    return timeout;
  }

  @Override
  public HttpContext getContext() {
    return context;
  }

  @Override
  public @Nullable HttpRequest getHttpRequest() {
    return request;
  }

  @Override
  public @Nullable HttpResponse getHttpResponse() {
    return null;
  }

  @Override
  public boolean isRequestSubmitted() {
    return request != null;
  }

  @Override
  public void resetOutput() {}

  @Override
  public void resetInput() {}

  @Override
  public HttpConnectionMetrics getMetrics() {
    return new HttpConnectionMetricsImpl(null, null);
  }

  @Override
  public void bind(IOSession session) {}

  @Override
  public @Nullable IOSession getIOSession() {
    return null;
  }

  @Override
  public @Nullable SSLSession getSSLSession() {
    return null;
  }

  @Override
  public @Nullable InetAddress getLocalAddress() {
    return null;
  }

  @Override
  public int getLocalPort() {
    return -1;
  }

  @Override
  public @Nullable InetAddress getRemoteAddress() {
    return null;
  }

  @Override
  public int getRemotePort() {
    return -1;
  }
}
