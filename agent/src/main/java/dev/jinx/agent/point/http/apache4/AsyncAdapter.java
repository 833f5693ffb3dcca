package dev.jinx.agent.point.http.apache4;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.point.AsyncCall;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.http.ApacheHttpAsyncClient4;
import dev.jinx.agent.weave.Access;
import java.net.URI;
import java.util.Map;
import org.apache.http.Header;
import org.apache.http.HttpHost;
import org.apache.http.client.methods.HttpRequestWrapper;
import org.apache.http.nio.NHttpClientConnection;
import org.apache.http.nio.protocol.HttpAsyncClientExchangeHandler;
import org.apache.http.nio.protocol.HttpAsyncRequestExecutor;
import org.apache.http.protocol.HttpContext;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of one exchange of Apache HttpAsyncClient 4.1. Where there is to be no connection,
 * the client's own handler of the exchange is given a {@link StandIn}, on which the library's own
 * {@link HttpAsyncRequestExecutor} plays what it does on a real one; where something happens to a
 * real answer, a {@link Watched} handler stands between the connection and the client's own.
 */
public final class AsyncAdapter implements ApacheHttpAsyncClient4.Inside {
  private static final String HANDLER = HttpAsyncRequestExecutor.HTTP_HANDLER;

  @SuppressWarnings("NullAway.Init") // open() comes first
  private Library library;

  @Override
  public void open(
      Access access,
      Class<?> handler,
      Exceptions exceptions,
      Map<Object, AsyncCall<?>> calls,
      Map<AsyncCall<?>, Object> held) {
    library = new Library(access, handler, exceptions, calls, held);
  }

  @Override
  public @Nullable Object request(Object handler) {
    return library.request(handler);
  }

  @Override
  public boolean isConnected(Object handler) {
    return library.isConnected(handler);
  }

  @Override
  public @Nullable String read(Field field, @Nullable String name, Object handler) {
    HttpHost target = library.route(handler).getTargetHost();
    HttpRequestWrapper sent = (HttpRequestWrapper) library.request(handler);
    if (sent == null) {
      return null;
    }
    return switch (field) {
      case SCHEME -> target.getSchemeName();
      case HOST -> target.getHostName();
      case PORT -> Integer.toString(target.getPort());
      case METHOD -> sent.getMethod();
      case PATH -> {
        URI uri = sent.getURI();
        yield uri == null ? sent.getRequestLine().getUri() : uri.getRawPath();
      }
      case QUERY -> {
        URI uri = sent.getURI();
        yield uri == null
            ? sent.getRequestLine().getUri()
            : uri.getRawQuery() == null ? null : "?" + uri.getRawQuery();
      }
      case HEADER -> {
        Header header = sent.getFirstHeader(name);
        yield header == null ? null : header.getValue();
      }
      default -> null;
    };
  }

  @Override
  public void begin(Injection injection, Object handler, boolean connected) {
    Attempt call = new Attempt(library, injection, (HttpAsyncClientExchangeHandler) handler);
    library.calls.put(handler, call);
    if (connected) {
      // not at once: the connection's own work on it is not over
      call.run(
          () -> {
            call.invoke("releaseConnection");
            call.begin();
          });
    } else {
      call.begin();
    }
  }

  @Override
  public void sending(AsyncCall<?> call, Object handler) {
    NHttpClientConnection connection = library.connection(handler);
    if (connection != null && call instanceof Attempt its && its.watches) {
      HttpContext context = connection.getContext();
      if (context.getAttribute(HANDLER) == handler) {
        context.setAttribute(HANDLER, new Watched(its, connection));
      }
    }
  }
}
