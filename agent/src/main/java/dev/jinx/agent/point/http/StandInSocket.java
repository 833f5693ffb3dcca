package dev.jinx.agent.point.http;

import dev.jinx.agent.fault.Injection;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;

/**
 * Stands where a client expects a connection that is not there: what is written is swallowed, what
 * is read is given. Closing it ends the wait of its injection.
 */
@SuppressWarnings("UnsynchronizedOverridesSynchronized") // nothing here needs a lock
final class StandInSocket extends Socket {
  private final Injection injection;
  private final InputStream in;
  private final OutputStream out = OutputStream.nullOutputStream();
  private volatile int timeout;
  private volatile boolean closed;

  StandInSocket(Injection injection, InputStream in) {
    this.injection = injection;
    this.in = in;
  }

  @Override
  public InputStream getInputStream() {
    return in;
  }

  @Override
  public OutputStream getOutputStream() {
    return out;
  }

  @Override
  public void setSoTimeout(int millis) {
    timeout = millis;
  }

  @Override
  public int getSoTimeout() {
    return timeout;
  }

  /** As clients that abort do; a real socket would get a descriptor by that. */
  @Override
  public void setSoLinger(boolean on, int seconds) {}

  @Override
  public void shutdownInput() {}

  @Override
  public void shutdownOutput() {}

  @Override
  public void close() {
    closed = true;
    injection.close();
  }

  @Override
  public boolean isClosed() {
    return closed;
  }
}
