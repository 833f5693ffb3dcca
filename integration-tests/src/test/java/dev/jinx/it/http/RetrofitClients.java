package dev.jinx.it.http;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import okhttp3.OkHttpClient;
import okhttp3.RequestBody;
import okhttp3.ResponseBody;
import retrofit2.Call;
import retrofit2.Response;
import retrofit2.Retrofit;
import retrofit2.http.Body;
import retrofit2.http.GET;
import retrofit2.http.HEAD;
import retrofit2.http.POST;
import retrofit2.http.Url;

/** Retrofit on top of the latest OkHttp. */
final class RetrofitClients implements ClientLibrary {
  /** What an application would declare. */
  interface Api {
    @GET
    Call<ResponseBody> get(@Url String uri);

    @HEAD
    Call<Void> head(@Url String uri);

    @POST
    Call<ResponseBody> post(@Url String uri, @Body RequestBody body);
  }

  @Override
  public List<Client> clients(String version) {
    return List.of(new OnOkHttp("Retrofit " + version));
  }

  private record OnOkHttp(String name) implements Client {
    @Override
    public String client() {
      return "okhttp";
    }

    @Override
    public Session open(Duration limit) {
      OkHttpClient client = OkHttpClients.client(limit, false).build();
      Api api =
          new Retrofit.Builder()
              .baseUrl("http://localhost/")
              .client(client)
              .build()
              .create(Api.class);
      return new Session() {
        @Override
        public Reply call(String method, URI uri) throws Exception {
          Response<?> response =
              switch (method) {
                case "POST" ->
                    execute(
                        api.post(uri.toString(), RequestBody.create("ping".getBytes(US_ASCII))));
                case "HEAD" -> execute(api.head(uri.toString()));
                default -> execute(api.get(uri.toString()));
              };
          ResponseBody body =
              response.body() instanceof ResponseBody it ? it : response.errorBody();
          return Reply.of(
              response.code(),
              response.headers().toMultimap(),
              body == null ? new byte[0] : body.bytes());
        }

        @Override
        public void close() {
          OkHttpClients.close(client);
        }
      };
    }

    private static Response<?> execute(Call<?> call) throws IOException {
      try {
        return call.execute();
      } catch (IOException e) {
        throw OkHttpClients.settled(e);
      }
    }
  }
}
