package dev.jinx.it.start;

import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;

/** An application that makes one call with a client of its class path, and tells what it got. */
public final class OneCall {
  private OneCall() {}

  public static void main(String[] url) throws Exception {
    try (Response response =
        new OkHttpClient().newCall(new Request.Builder().url(url[0]).build()).execute()) {
      System.out.println(response.code() + " " + response.body().string());
    }
  }
}
