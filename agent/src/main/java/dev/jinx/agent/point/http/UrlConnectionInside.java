package dev.jinx.agent.point.http;

import dev.jinx.agent.weave.Access;
import java.io.FilterInputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import java.net.Socket;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/**
 * The inside of {@code HttpURLConnection}: all handles on the JDK's own classes. A connection's
 * client ({@code sun.net.www.http.HttpClient}) holds its socket, and is kept alive for others.
 */
final class UrlConnectionInside {
  private final Class<?> clientType = Class.forName("sun.net.www.http.HttpClient");
  private final VarHandle client;
  private final VarHandle failedOnce;
  private final VarHandle requests;
  private final VarHandle url;
  private final VarHandle streaming;
  private final VarHandle retried;
  private final VarHandle socket;
  private final VarHandle output;
  private final MethodHandle close;
  private final MethodHandle readTimeout;
  private final MethodHandle connectTimeout;
  private final MethodHandle key;
  private final MethodHandle reset;
  private final MethodHandle values;
  private final VarHandle headers;
  private final Class<?> meteredType = Class.forName("sun.net.www.MeteredStream");
  private final Class<?> chunkedType = Class.forName("sun.net.www.http.ChunkedInputStream");
  private final VarHandle input;
  private final VarHandle metered;
  private final VarHandle chunked;

  /** The inside, opened up by the first who asks. */
  static final class Lazy {
    private final Access access;
    private volatile @Nullable UrlConnectionInside known;

    Lazy(Access access) {
      this.access = access;
    }

    /** Throws on a JDK with another inside. */
    UrlConnectionInside get() {
      UrlConnectionInside inside = known;
      if (inside == null) {
        synchronized (this) {
          inside = known;
          if (inside == null) {
            try {
              inside = new UrlConnectionInside(access);
            } catch (ReflectiveOperationException e) {
              throw new IllegalStateException(e);
            }
            known = inside;
          }
        }
      }
      return inside;
    }
  }

  UrlConnectionInside(Access access) throws ReflectiveOperationException {
    Class<?> connection = Class.forName("sun.net.www.protocol.http.HttpURLConnection");
    Class<?> network = Class.forName("sun.net.NetworkClient");
    Class<?> headers = Class.forName("sun.net.www.MessageHeader");
    MethodHandles.Lookup inConnection = access.in(connection);
    client = inConnection.findVarHandle(connection, "http", clientType);
    failedOnce = inConnection.findVarHandle(connection, "failedOnce", boolean.class);
    MethodHandles.Lookup inClient = access.in(clientType);
    requests = inClient.findVarHandle(clientType, "requests", headers);
    url = inClient.findVarHandle(clientType, "url", URL.class);
    streaming = inClient.findVarHandle(clientType, "streaming", boolean.class);
    retried = inClient.findVarHandle(clientType, "failedOnce", boolean.class);
    MethodHandles.Lookup inNetwork = access.in(network);
    socket = inNetwork.findVarHandle(network, "serverSocket", Socket.class);
    output = inNetwork.findVarHandle(network, "serverOutput", PrintStream.class);
    close = of(inClient, clientType, "closeServer", void.class);
    readTimeout = of(inNetwork, network, "getReadTimeout", int.class);
    MethodHandles.Lookup inHeaders = access.in(headers);
    connectTimeout = of(inNetwork, network, "getConnectTimeout", int.class);
    key = of(inHeaders, headers, "getKey", String.class, int.class);
    values = of(inHeaders, headers, "multiValueIterator", Iterator.class, String.class);
    reset = of(inHeaders, headers, "reset", void.class);
    this.headers = inConnection.findVarHandle(connection, "requests", headers);
    input = inNetwork.findVarHandle(network, "serverInput", InputStream.class);
    metered =
        access
            .in(FilterInputStream.class)
            .findVarHandle(FilterInputStream.class, "in", InputStream.class);
    chunked = access.in(chunkedType).findVarHandle(chunkedType, "in", InputStream.class);
  }

  private static MethodHandle of(
      MethodHandles.Lookup lookup,
      Class<?> type,
      String name,
      Class<?> result,
      Class<?>... parameters)
      throws ReflectiveOperationException {
    MethodHandle handle = lookup.findVirtual(type, name, MethodType.methodType(result, parameters));
    return handle.asType(handle.type().changeParameterType(0, Object.class));
  }

  @Nullable Object client(Object connection) {
    return client.get(connection);
  }

  boolean failedOnce(Object connection) {
    return (boolean) failedOnce.get(connection);
  }

  void failedOnce(Object connection, boolean failed) {
    failedOnce.set(connection, failed);
  }

  URL url(Object client) {
    return (URL) url.get(client);
  }

  boolean isStreaming(Object client) {
    return (boolean) streaming.get(client);
  }

  boolean hasRetried(Object client) {
    return (boolean) retried.get(client);
  }

  void hasRetried(Object client, boolean yes) {
    retried.set(client, yes);
  }

  Socket socket(Object client) {
    return (Socket) socket.get(client);
  }

  /** The method of the request that a client has written; null before, and for other protocols. */
  @Nullable String method(Object client) {
    Object headers = clientType.isInstance(client) ? requests.get(client) : null;
    String line = headers == null ? null : requestLine(headers);
    return line == null ? null : line.substring(0, Math.max(0, line.indexOf(' ')));
  }

  /** The values of a header that the application has given the connection. */
  Iterator<String> headers(Object connection, String name) {
    return values(headers.get(connection), name);
  }

  /** The values of a header of the request that a client has written. */
  Iterator<String> written(Object client, String name) {
    return values(requests.get(client), name);
  }

  @SuppressWarnings("unchecked")
  private Iterator<String> values(@Nullable Object headers, String name) {
    if (headers == null) {
      return Collections.emptyIterator();
    }
    try {
      return (Iterator<String>) values.invokeExact(headers, name);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  @Nullable String requestLine(Object headers) {
    try {
      return (String) key.invokeExact(headers, 0);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  int readTimeout(Object client) {
    try {
      return (int) readTimeout.invokeExact(client);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  int connectTimeout(Object client) {
    try {
      return (int) connectTimeout.invokeExact(client);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  void reset(Object headers) {
    try {
      reset.invokeExact(headers);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  void close(Object client) {
    try {
      close.invokeExact(client);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  void replaceConnection(Object client, CannedSocket canned) {
    socket.set(client, canned);
    output.set(client, new PrintStream(canned.getOutputStream(), false, StandardCharsets.UTF_8));
  }

  /** Puts the body between a connection and the parser that is going to read from it. */
  void wrapBody(Object client, UrlConnectionBody body) {
    Object parser = client;
    VarHandle source = input;
    InputStream next = (InputStream) source.get(parser);
    if (meteredType.isInstance(next)) {
      parser = next;
      source = metered;
      next = (InputStream) source.get(parser);
    }
    boolean inChunks = chunkedType.isInstance(next);
    if (inChunks) {
      parser = next;
      source = chunked;
      next = (InputStream) source.get(parser);
    }
    source.set(parser, body.over(next, inChunks));
  }
}
