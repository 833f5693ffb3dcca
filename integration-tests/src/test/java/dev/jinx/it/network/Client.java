package dev.jinx.it.network;

import java.time.Duration;

/**
 * A client of a protocol on TCP, set to lose patience soon and otherwise as it comes.
 *
 * @param timeout how long it waits for an answer
 */
record Client(String name, Server server, Duration timeout, Opening opening) {

  /** A client at work: with the connections and threads that it keeps. */
  interface Conversation extends AutoCloseable {
    /** One exchange with the server, as small as can be. */
    Object ask() throws Exception;
  }

  @FunctionalInterface
  interface Opening {
    Conversation open(int port, int timeoutMillis) throws Exception;
  }

  Conversation open() throws Exception {
    return opening.open(server.proxy().port(), (int) timeout.toMillis());
  }

  @Override
  public String toString() {
    return name;
  }
}
