package dev.jinx.it.start;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;

/**
 * An application that was started without the agent: looks up each host that it reads, until there
 * are no more.
 */
public final class LookUps {
  private LookUps() {}

  public static void main(String[] arguments) throws IOException {
    BufferedReader hosts =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    System.out.println("ready");
    for (String host = hosts.readLine(); host != null; host = hosts.readLine()) {
      try {
        System.out.println(InetAddress.getByName(host).isLoopbackAddress());
      } catch (UnknownHostException e) {
        System.out.println(e);
      }
    }
  }
}
