package dev.jinx.it.start;

import java.net.InetAddress;
import java.net.UnknownHostException;

/** What runs in the JVMs of these tests: says hello, looks up the hosts it is given, and ends. */
public final class Application {
  private Application() {}

  public static void main(String[] hosts) {
    System.out.println("hello");
    for (String host : hosts) {
      try {
        System.out.println(host + " " + InetAddress.getByName(host).isLoopbackAddress());
      } catch (UnknownHostException e) {
        System.out.println(e);
      }
    }
  }
}
