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
import java.util.List;
import java.util.function.UnaryOperator;
import org.apache.hc.client5.http.ConnectExceptionSupport;
import org.apache.hc.client5.http.DnsResolver;
import org.apache.hc.client5.http.HttpRoute;
import org.apache.hc.client5.http.classic.ExecRuntime;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.io.ManagedHttpClientConnectionFactory;
import org.apache.hc.client5.http.io.ManagedHttpClientConnection;
import org.apache.hc.client5.http.protocol.HttpClientContext;
import org.apache.hc.core5.http.ClassicHttpRequest;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.http.impl.io.ChunkedInputStream;
import org.apache.hc.core5.http.impl.io.ContentLengthInputStream;
import org.apache.hc.core5.http.impl.io.SessionInputBufferImpl;
import org.apache.hc.core5.http.io.HttpClientConnection;
import org.apache.hc.core5.http.io.SocketConfig;
import org.apache.hc.core5.http.io.entity.AbstractHttpEntity;
import org.apache.hc.core5.http.io.entity.HttpEntityWrapper;
import org.apache.hc.core5.http.message.MessageSupport;
import org.apache.hc.core5.http.protocol.HttpContext;
import org.apache.hc.core5.net.URIAuthority;
import org.apache.hc.core5.util.TimeValue;
import org.jspecify.annotations.Nullable;

/** Apache HttpClient 5, classic; the fluent API stands on it. */
public final class ApacheHttpClient5 implements Point {
  private static final String LIBRARY = "apache-httpclient5";
  private static final String CLIENT = "org/apache/hc/client5/http/";
  private static final String CORE = "Lorg/apache/hc/core5/";
  private static final String CONNECT =
      "(L" + CLIENT + "io/ManagedHttpClientConnection;" + CORE + "http/HttpHost;";
  private static final String TO = "Ljava/net/InetSocketAddress;" + CORE + "util/";
  private static final String CONFIG = CORE + "http/io/SocketConfig;";
  private static final String CONTEXT = CORE + "http/protocol/HttpContext;";

  private final ApacheHook hook;

  public ApacheHttpClient5(Armory armory, Access access, Exceptions exceptions) {
    hook =
        new ApacheHook(
            armory,
            access,
            exceptions,
            "apache5",
            "dev.jinx.agent.point.http.ApacheHttpClient5$Adapter");
  }

  @Override
  public List<ClassHooks> classes() {
    String request = CORE + "http/ClassicHttpRequest;";
    String response = CORE + "http/ClassicHttpResponse;";
    String scope = "L" + CLIENT + "classic/ExecChain$Scope;L" + CLIENT + "classic/ExecChain;";
    String attachment = "Ljava/lang/Object;";
    String name = CORE + "net/NamedEndpoint;";
    return List.of(
        new ClassHooks(
            LIBRARY,
            CLIENT + "impl/classic/ConnectExec",
            List.of(hook.on("execute", "(" + request + scope + ")" + response, 0))),
        new ClassHooks(
            LIBRARY,
            CLIENT + "impl/classic/MinimalHttpClient",
            List.of(
                hook.on(
                    "doExecute",
                    "("
                        + CORE
                        + "http/HttpHost;"
                        + request
                        + CONTEXT
                        + ")L"
                        + CLIENT
                        + "impl/classic/CloseableHttpResponse;",
                    1))),
        new ClassHooks(
            LIBRARY, CLIENT + "impl/classic/InternalExecRuntime", List.of(hook.connected())),
        new ClassHooks(
            LIBRARY,
            CLIENT + "impl/io/DefaultHttpClientConnectionOperator",
            List.of(
                hook.connect(CONNECT + TO + "TimeValue;" + CONFIG + CONTEXT + ")V", true),
                // 5.2
                hook.connect(
                    CONNECT + TO + "Timeout;" + CONFIG + attachment + CONTEXT + ")V", false),
                // 5.4
                hook.connect(
                    CONNECT + name + TO + "Timeout;" + CONFIG + attachment + CONTEXT + ")V", false),
                // 5.6
                hook.connect(
                    CONNECT
                        + name
                        + "Ljava/nio/file/Path;"
                        + TO
                        + "Timeout;"
                        + CONFIG
                        + attachment
                        + CONTEXT
                        + ")V",
                    false))),
        new ClassHooks(
            LIBRARY,
            "org/apache/hc/core5/http/impl/io/HttpRequestExecutor",
            List.of(
                hook.execute(
                    "("
                        + request
                        + CORE
                        + "http/io/HttpClientConnection;"
                        + CORE
                        + "http/io/HttpResponseInformationCallback;"
                        + CONTEXT
                        + ")"
                        + response))),
        new ClassHooks(
            LIBRARY,
            CLIENT + "impl/io/DefaultManagedHttpClientConnection",
            List.of(hook.close("close", "(" + CORE + "io/CloseMode;)V"))));
  }

  @Override
  public List<Landmark> landmarks() {
    return List.of(
        new Landmark(
            LIBRARY,
            CLIENT + "impl/classic/CloseableHttpClient",
            List.of(
                List.of(CLIENT + "impl/classic/ConnectExec"),
                List.of(CLIENT + "impl/classic/InternalExecRuntime"),
                List.of(CLIENT + "impl/io/DefaultHttpClientConnectionOperator"))));
  }

  @Override
  public String client() {
    return "apache5";
  }

  /** In terms of the library. */
  static final class Adapter implements ApacheClient {
    /** Up to 5.4 what goes wrong while connecting names all addresses of the host. */
    private final boolean namesAddresses = !looksUpPorts();

    private static boolean looksUpPorts() {
      try {
        DnsResolver.class.getMethod("resolve", String.class, int.class);
        return true;
      } catch (NoSuchMethodException e) {
        return false;
      }
    }

    private static ClassicHttpRequest request(Object argument) {
      return (ClassicHttpRequest) argument;
    }

    @Override
    public @Nullable String scheme(Object argument) {
      return request(argument).getScheme();
    }

    @Override
    public @Nullable String host(Object argument) {
      URIAuthority authority = request(argument).getAuthority();
      return authority == null ? null : authority.getHostName();
    }

    @Override
    public int port(Object argument) {
      URIAuthority authority = request(argument).getAuthority();
      return authority == null ? 0 : authority.getPort();
    }

    @Override
    public @Nullable String method(Object argument) {
      return request(argument).getMethod();
    }

    @Override
    public @Nullable String target(Object argument) {
      return request(argument).getPath();
    }

    @Override
    public @Nullable String header(String name, Object argument) {
      Header header = request(argument).getFirstHeader(name);
      return header == null ? null : header.getValue();
    }

    // ---- connecting

    @Override
    @SuppressWarnings("deprecation") // in use up to 5.1
    public long connectPatience(Object[] arguments) {
      TimeValue timeout = argument(arguments, TimeValue.class);
      if (timeout == null && !(arguments[1] instanceof HttpHost)) {
        RequestConfig config = context(arguments).getRequestConfig();
        timeout = config == null ? null : config.getConnectTimeout();
      }
      return timeout != null && TimeValue.isPositive(timeout)
          ? timeout.toNanoseconds() * Math.max(1, addresses(hop(arguments)).length)
          : Long.MAX_VALUE;
    }

    @Override
    public String firstHop(Object[] arguments) {
      HttpHost host = hop(arguments);
      return host == null ? "" : host.getHostName();
    }

    @Override
    public int readTimeout(Object[] arguments) {
      SocketConfig config = argument(arguments, SocketConfig.class);
      return config == null || config.getSoTimeout() == null
          ? 0
          : config.getSoTimeout().toMillisecondsIntBound();
    }

    @Override
    public IOException notConnected(IOException cause, Object[] arguments) {
      HttpHost host = hop(arguments);
      boolean named =
          namesAddresses
              && (cause instanceof ConnectException || cause instanceof SocketTimeoutException);
      return ConnectExceptionSupport.enhance(
          cause, host, named ? addresses(host) : new InetAddress[0]);
    }

    private static @Nullable HttpHost hop(Object[] arguments) {
      if (arguments[1] instanceof HttpHost host) {
        return host;
      }
      HttpRoute route = (HttpRoute) context(arguments).getHttpRoute();
      return route == null
          ? null
          : route.getProxyHost() == null ? route.getTargetHost() : route.getProxyHost();
    }

    @SuppressWarnings("deprecation") // its successor came with 5.4
    private static HttpClientContext context(Object[] arguments) {
      return HttpClientContext.adapt((HttpContext) arguments[arguments.length - 1]);
    }

    private static <T> @Nullable T argument(Object[] arguments, Class<T> type) {
      for (Object argument : arguments) {
        if (type.isInstance(argument)) {
          return type.cast(argument);
        }
      }
      return null;
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
          ManagedHttpClientConnectionFactory.INSTANCE.createConnection(null);
      connection.bind(standIn);
      return connection;
    }

    @Override
    public void bind(Object connection, Socket socket) throws IOException {
      ((ManagedHttpClientConnection) connection).bind(socket);
    }

    @Override
    public @Nullable Socket socket(Object connection) {
      return connection instanceof ManagedHttpClientConnection managed ? managed.getSocket() : null;
    }

    @Override
    public void close(Object connection) throws IOException {
      ((HttpClientConnection) connection).close();
    }

    @Override
    public void disconnect(Object runtime) throws IOException {
      ((ExecRuntime) runtime).disconnectEndpoint();
    }

    // ---- answers

    @Override
    public Object receive(Object request, Object connection) throws IOException, HttpException {
      HttpClientConnection from = (HttpClientConnection) connection;
      ClassicHttpResponse answer = from.receiveResponseHeader();
      if (MessageSupport.canResponseHaveBody(method(request), answer)) {
        from.receiveResponseEntity(answer);
      }
      return answer;
    }

    @Override
    public Object with(UnaryOperator<InputStream> body, Object answer) throws IOException {
      ClassicHttpResponse response = (ClassicHttpResponse) answer;
      HttpEntity entity = response.getEntity();
      if (entity != null && entity.isStreaming()) {
        InputStream slow = body.apply(entity.getContent());
        long length = entity.getContentLength();
        response.setEntity(
            new Body(
                entity,
                length < 0
                    ? slow
                    : new ContentLengthInputStream(
                        new SessionInputBufferImpl(8192), slow, length)));
      }
      return response;
    }

    @Override
    public void endEarly(Object answer, long after) throws IOException {
      if (((ClassicHttpResponse) answer).getEntity().isChunked()) {
        var chunks =
            new ChunkedInputStream(
                new SessionInputBufferImpl(8192), ApacheClient.brokenChunk(after));
        chunks.readAllBytes();
      }
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
        AbstractHttpEntity.writeTo(this, out);
      }

      @Override
      public void close() throws IOException {
        content.close();
      }
    }
  }
}
