package dev.jinx.it.http;

import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.jinx.it.real.Certificates;
import java.io.IOException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import okhttp3.Call;
import okhttp3.Callback;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okio.BufferedSink;
import org.jspecify.annotations.Nullable;

/** OkHttp, of any version from 3.14 on: only what all of them have is used here. */
public final class OkHttpClients implements ClientLibrary {
  @Override
  public List<Client> clients(String version) {
    List<Client> clients = new ArrayList<>();
    // on HTTP/2, 3.14 repeats a request for ever that meets a lost connection: there is no twin
    boolean[] protocols = version.startsWith("3.") ? new boolean[1] : new boolean[] {false, true};
    for (boolean http2 : protocols) {
      for (boolean async : new boolean[] {false, true}) {
        String style = async ? " enqueue" : " execute";
        clients.add(
            new OkHttp("OkHttp " + version + style + (http2 ? ", HTTP/2" : ""), async, http2));
      }
    }
    return clients;
  }

  /** With a pool and threads of its own. */
  static OkHttpClient.Builder client(Duration limit, boolean http2) {
    return new OkHttpClient.Builder()
        .connectTimeout(limit)
        .readTimeout(limit)
        .writeTimeout(limit)
        .protocols(List.of(http2 ? Protocol.H2_PRIOR_KNOWLEDGE : Protocol.HTTP_1_1))
        .sslSocketFactory(Certificates.client().getSocketFactory(), trust());
  }

  static void close(OkHttpClient client) {
    client.dispatcher().executorService().shutdown();
    client.connectionPool().evictAll();
  }

  /**
   * What is a race in the client: which of the two clocks of a read over HTTP/1.1 wins, and how it
   * says so; whether a reset is first met by the thread that reads a connection of HTTP/2, or by
   * one that writes.
   */
  static IOException settled(IOException e) {
    String message = String.valueOf(e.getMessage());
    if (e instanceof SocketTimeoutException
        && (message.equals("timeout") || message.equals("Read timed out"))) {
      return new SocketTimeoutException("timeout");
    }
    return message.equals("Broken pipe") ? new SocketException("Connection reset") : e;
  }

  private static X509TrustManager trust() {
    try {
      var factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      factory.init(Certificates.serverStore());
      return (X509TrustManager) factory.getTrustManagers()[0];
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private record OkHttp(String name, boolean async, boolean http2) implements Client {
    @Override
    public String client() {
      return "okhttp";
    }

    @Override
    public Session open(Duration limit) {
      OkHttpClient client = OkHttpClients.client(limit, http2).build();
      return new Session() {
        @Override
        public Reply call(String method, URI uri) throws Exception {
          Request request =
              new Request.Builder()
                  .url(uri.toString())
                  .method(method, method.equals("POST") ? new Ping() : null)
                  .build();
          Call call = client.newCall(request);
          try (Response response = async ? enqueue(call) : execute(call)) {
            if (http2 != (response.protocol() == Protocol.H2_PRIOR_KNOWLEDGE)) {
              throw new AssertionError(response.protocol());
            }
            var body = response.body();
            return Reply.of(
                response.code(),
                response.headers().toMultimap(),
                body == null ? new byte[0] : body.bytes());
          }
        }

        @Override
        public void close() {
          OkHttpClients.close(client);
        }
      };
    }

    private static Response execute(Call call) throws IOException {
      try {
        return call.execute();
      } catch (IOException e) {
        throw settled(e);
      }
    }

    private static Response enqueue(Call call) throws Exception {
      var answer = new CompletableFuture<Response>();
      call.enqueue(
          new Callback() {
            @Override
            public void onResponse(Call done, Response response) {
              answer.complete(response);
            }

            @Override
            public void onFailure(Call failed, IOException e) {
              answer.completeExceptionally(e);
            }
          });
      try {
        return answer.get();
      } catch (ExecutionException e) {
        throw e.getCause() instanceof IOException failure ? settled(failure) : e;
      }
    }
  }

  private static final class Ping extends RequestBody {
    private static final byte[] BYTES = "ping".getBytes(US_ASCII);

    @Override
    public @Nullable MediaType contentType() {
      return null;
    }

    @Override
    public long contentLength() {
      return BYTES.length;
    }

    @Override
    public void writeTo(BufferedSink sink) throws IOException {
      sink.write(BYTES);
    }
  }
}
