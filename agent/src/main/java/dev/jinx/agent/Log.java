package dev.jinx.agent;

import java.util.function.Consumer;

/**
 * Lines for people, to standard error: a logging framework must not be touched before {@code main}.
 */
final class Log implements Consumer<String> {
  private final boolean on;

  private Log(boolean on) {
    this.on = on;
  }

  static Log info(Options options) {
    return new Log(options.log().equals("info") || options.log().equals("debug"));
  }

  static Log warn(Options options) {
    return new Log(!options.log().equals("off"));
  }

  @Override
  public void accept(String line) {
    if (on) {
      System.err.println("jinx: " + line);
    }
  }
}
