package dev.jinx.benchmarks;

import java.io.IOException;

/** The smallest application; with an argument it stays until its standard input ends. */
public final class Hello {
  private Hello() {}

  /** Says hello. */
  public static void main(String[] arguments) throws IOException {
    System.out.println("hello world");
    if (arguments.length > 0) {
      int end = System.in.read();
      System.exit(end < 0 ? 0 : 1);
    }
  }
}
