package dev.jinx.agent.point.http;

import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.Point;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.Landmark;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.apache.http.Header;
import org.apache.http.HttpClientConnection;
import org.apache.http.HttpEntity;
import org.apache.http.HttpException;
import org.apache.http.HttpHost;
import org.apache.http.HttpRequest;
import org.apache.http.HttpResponse;
import org.apache.http.client.config.RequestConfig;
import org.apache.http.client.methods.HttpRequestWrapper;
import org.apache.http.client.methods.HttpUriRequest;
import org.apache.http.client.protocol.HttpClientContext;
import org.apache.http.client.utils.URIUtils;
import org.apache.http.config.SocketConfig;
import org.apache.http.conn.ConnectTimeoutException;
import org.apache.http.conn.HttpHostConnectException;
import org.apache.http.conn.ManagedHttpClientConnection;
import org.apache.http.conn.routing.RouteInfo;
import org.apache.http.entity.HttpEntityWrapper;
import org.apache.http.impl.conn.ManagedHttpClientConnectionFactory;
import org.apache.http.impl.io.ChunkedInputStream;
import org.apache.http.impl.io.ContentLengthInputStream;
import org.apache.http.impl.io.HttpTransportMetricsImpl;
import org.apache.http.impl.io.SessionInputBufferImpl;
import org.apache.http.protocol.HttpContext;
import org.jspecify.annotations.Nullable;

/** Apache HttpClient 4, from 4.3 on. */
public final class ApacheHttpClient4 implements Point {
  private static final String LIBRARY = "apache-httpclient4";
  private static final String HTTP = "org/apache/http/";

  private final ApacheHook hook;

  public ApacheHttpClient4(Armory armory, Access access, Exceptions exceptions) {
    hook =
        new ApacheHook(
            armory,
            access,
            exceptions,
            "apache4",
            "dev.jinx.agent.point.http.ApacheHttpClient4$Adapter");
  }

  @Override
  public List<ClassHooks> classes() {
    String execute =
        "(L"
            + HTTP
            + "conn/routing/HttpRoute;L"
            + HTTP
            + "client/methods/HttpRequestWrapper;L"
            + HTTP
            + "client/protocol/HttpClientContext;L"
            + HTTP
            + "client/methods/HttpExecutionAware;)L"
            + HTTP
            + "client/methods/CloseableHttpResponse;";
    String connect =
        "(L"
            + HTTP
            + "conn/ManagedHttpClientConnection;L"
            + HTTP
            + "HttpHost;Ljava/net/InetSocketAddress;IL"
            + HTTP
            + "config/SocketConfig;L"
            + HTTP
            + "protocol/HttpContext;)V";
    return List.of(
        new ClassHooks(
            LIBRARY,
            HTTP + "impl/execchain/MainClientExec",
            List.of(hook.on("execute", execute, 2))),
        new ClassHooks(
            LIBRARY,
            HTTP + "impl/execchain/MinimalClientExec",
            List.of(hook.on("execute", execute, 1))),
        new ClassHooks(
            LIBRARY,
            HTTP + "impl/conn/DefaultHttpClientConnectionOperator",
            List.of(hook.connect(connect, true))),
        // 4.3
        new ClassHooks(
            LIBRARY,
            HTTP + "impl/conn/HttpClientConnectionOperator",
            List.of(hook.connect(connect, true))),
        new ClassHooks(
            LIBRARY,
            HTTP + "protocol/HttpRequestExecutor",
            List.of(
                hook.execute(
                    "(L"
                        + HTTP
                        + "HttpRequest;L"
                        + HTTP
                        + "HttpClientConnection;L"
                        + HTTP
                        + "protocol/HttpContext;)L"
                        + HTTP
                        + "HttpResponse;"))),
        new ClassHooks(
            LIBRARY,
            HTTP + "impl/conn/LoggingManagedHttpClientConnection",
            List.of(hook.close("close", "()V"), hook.close("shutdown", "()V"))));
  }

  @Override
  public List<Landmark> landmarks() {
    return List.of(
        new Landmark(
            LIBRARY,
            HTTP + "impl/client/AbstractHttpClient",
            List.of(
                List.of(HTTP + "impl/execchain/MainClientExec"),
                List.of(
                    HTTP + "impl/conn/DefaultHttpClientConnectionOperator",
                    HTTP + "impl/conn/HttpClientConnectionOperator"))),
        new Landmark(
            LIBRARY,
            HTTP + "impl/client/CloseableHttpClient",
            List.of(
                List.of(HTTP + "impl/execchain/MainClientExec"),
                List.of(
                    HTTP + "impl/conn/DefaultHttpClientConnectionOperator",
                    HTTP + "impl/conn/HttpClientConnectionOperator"))));
  }

  @Override
  public String client() {
    return "apache4";
  }

  /** In terms of the library. */
  static final class Adapter implements ApacheClient {

    @Override
    public @Nullable String scheme(Object argument) {
      HttpHost host = called(argument);
      return host == null ? null : host.getSchemeName();
    }

    @Override
    public @Nullable String host(Object argument) {
      HttpHost host = called(argument);
      return host == null ? null : host.getHostName();
    }

    @Override
    public int port(Object argument) {
      HttpHost host = called(argument);
      return host == null ? 0 : host.getPort();
    }

    @Override
    public @Nullable String method(Object argument) {
      HttpRequest request = request(argument);
      return request == null ? null : request.getRequestLine().getMethod();
    }

    @Override
    public @Nullable String target(Object argument) {
      HttpRequest request = request(argument);
      return request == null ? null : request.getRequestLine().getUri();
    }

    @Override
    public @Nullable String header(String name, Object argument) {
      HttpRequest request = request(argument);
      Header header = request == null ? null : request.getFirstHeader(name);
      return header == null ? null : header.getValue();
    }

    private static @Nullable HttpRequest request(Object argument) {
      return argument instanceof HttpContext context
          ? (HttpRequest) context.getAttribute("http.request")
          : (HttpRequest) argument;
    }

    private static @Nullable HttpHost called(Object argument) {
      if (argument instanceof HttpContext context) {
        return (HttpHost) context.getAttribute("http.target_host");
      }
      HttpRequest request = ((HttpRequestWrapper) argument).getOriginal();
      URI uri = request instanceof HttpUriRequest it ? it.getURI() : null;
      return uri == null ? null : URIUtils.extractHost(uri);
    }

    // ---- connecting

    @Override
    public long connectPatience(Object[] arguments) {
      int millis = 0;
      if (arguments[1] instanceof HttpHost) {
        millis = (int) arguments[3];
      } else {
        RequestConfig config = context(arguments).getRequestConfig();
        millis = config == null ? 0 : config.getConnectTimeout();
      }
      return millis <= 0
          ? Long.MAX_VALUE
          : TimeUnit.MILLISECONDS.toNanos(millis) * Math.max(1, addresses(hop(arguments)).length);
    }

    @Override
    public String firstHop(Object[] arguments) {
      HttpHost host = hop(arguments);
      return host == null ? "" : host.getHostName();
    }

    @Override
    public int readTimeout(Object[] arguments) {
      return arguments[4] instanceof SocketConfig config ? config.getSoTimeout() : 0;
    }

    @Override
    public IOException notConnected(IOException cause, Object[] arguments) {
      HttpHost host = hop(arguments);
      if (cause instanceof SocketTimeoutException
          || (cause instanceof ConnectException
              && "Connection timed out".equals(cause.getMessage()))) {
        return new ConnectTimeoutException(cause, host, addresses(host));
      }
      return cause instanceof ConnectException
          ? new HttpHostConnectException(cause, host, addresses(host))
          : cause;
    }

    private static @Nullable HttpHost hop(Object[] arguments) {
      if (arguments[1] instanceof HttpHost host) {
        return host;
      }
      RouteInfo route = context(arguments).getHttpRoute();
      return route == null
          ? null
          : route.getProxyHost() == null ? route.getTargetHost() : route.getProxyHost();
    }

    private static HttpClientContext context(Object[] arguments) {
      return HttpClientContext.adapt((HttpContext) arguments[arguments.length - 1]);
    }

    private static InetAddress[] addresses(@Nullable HttpHost host) {
      return host == null
          ? new InetAddress[0]
          : ApacheClient.addresses(host.getAddress(), host.getHostName());
    }

    // ---- connections

    @Override
    public Object connection(Socket standIn) throws IOException {
      ManagedHttpClientConnection connection =
          ManagedHttpClientConnectionFactory.INSTANCE.create(null, null);
      connection.bind(standIn);
      return connection;
    }

    @Override
    public void bind(Object connection, Socket socket) throws IOException {
      ((ManagedHttpClientConnection) connection).bind(socket);
    }

    @Override
    public @Nullable Socket socket(Object connection) {
      return connection instanceof ManagedHttpClientConnection managed && managed.isOpen()
          ? managed.getSocket()
          : null;
    }

    @Override
    public void close(Object connection) throws IOException {
      ((HttpClientConnection) connection).close();
    }

    // ---- answers

    @Override
    public Object receive(Object request, Object connection) throws IOException, HttpException {
      HttpClientConnection from = (HttpClientConnection) connection;
      HttpResponse answer = from.receiveResponseHeader();
      int status = answer.getStatusLine().getStatusCode();
      String method = ((HttpRequest) request).getRequestLine().getMethod();
      if (!method.equals("HEAD") && status != 204 && status != 205 && status != 304) {
        from.receiveResponseEntity(answer);
      }
      return answer;
    }

    @Override
    public Object with(UnaryOperator<InputStream> body, Object answer) throws IOException {
      HttpResponse response = (HttpResponse) answer;
      HttpEntity entity = response.getEntity();
      if (entity != null && entity.isStreaming()) {
        InputStream slow = body.apply(entity.getContent());
        long length = entity.getContentLength();
        response.setEntity(
            new Body(
                entity, length < 0 ? slow : new ContentLengthInputStream(buffer(slow), length)));
      }
      return response;
    }

    @Override
    public void endEarly(Object answer, long after) throws IOException {
      if (((HttpResponse) answer).getEntity().isChunked()) {
        new ChunkedInputStream(buffer(ApacheClient.brokenChunk(after))).readAllBytes();
      }
    }

    private static SessionInputBufferImpl buffer(InputStream in) {
      var buffer = new SessionInputBufferImpl(new HttpTransportMetricsImpl(), 8192);
      buffer.bind(in);
      return buffer;
    }

    /** An entity whose content comes otherwise. */
    private static final class Body extends HttpEntityWrapper {
      private final InputStream content;

      Body(HttpEntity real, InputStream content) {
        super(real);
        this.content = content;
      }

      @Override
      public InputStream getContent() {
        return content;
      }

      @Override
      public void writeTo(OutputStream out) throws IOException {
        content.transferTo(out);
      }
    }
  }
}
