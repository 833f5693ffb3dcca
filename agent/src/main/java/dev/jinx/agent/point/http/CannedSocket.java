package dev.jinx.agent.point.http;

import dev.jinx.agent.fault.Injection;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import javax.net.ssl.HandshakeCompletedListener;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/**
 * A connection without a peer: what is written is swallowed, what is read is decided by an
 * injection. It takes a TLS handshake for done, and a proxy's tunnel for granted.
 */
@SuppressWarnings("UnsynchronizedOverridesSynchronized") // nothing here needs a lock
final class CannedSocket extends SSLSocket {

  /** What is read from a socket. */
  @FunctionalInterface
  interface Peer {
    /**
     * All that will be read; empty for the end of the stream.
     *
     * @param timeout the socket's read time-out in nanoseconds, {@code Long.MAX_VALUE} for none
     */
    byte[] answer(long timeout) throws IOException;
  }

  private static final byte[] CONNECT = "CONNECT ".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] TUNNEL =
      "HTTP/1.1 200 Connection established\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

  private final Injection injection;
  private final Peer peer;
  private final InputStream in = new In();
  private final OutputStream out = new Out();
  private SSLParameters parameters = new SSLParameters();
  private byte @Nullable [] answer;
  private int read;
  private boolean tunnel;
  private volatile int timeout;
  private volatile boolean closed;

  CannedSocket(Injection injection, Peer peer) {
    this.injection = injection;
    this.peer = peer;
  }

  private final class In extends InputStream {
    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] to, int offset, int length) throws IOException {
      if (tunnel) {
        tunnel = false;
        answer = TUNNEL;
        read = 0;
      } else if (answer == null || answer == TUNNEL && read == TUNNEL.length) {
        answer = peer.answer(timeout == 0 ? Long.MAX_VALUE : timeout * 1_000_000L);
        read = 0;
      }
      int count = Math.min(length, answer.length - read);
      if (count <= 0) {
        return -1;
      }
      System.arraycopy(answer, read, to, offset, count);
      read += count;
      return count;
    }

    @Override
    public int available() {
      return answer == null ? 0 : answer.length - read;
    }

    @Override
    public void close() {
      CannedSocket.this.close();
    }
  }

  private final class Out extends OutputStream {
    @Override
    public void write(int b) {}

    @Override
    public void write(byte[] bytes, int offset, int length) {
      if (length >= CONNECT.length
          && Arrays.equals(bytes, offset, offset + CONNECT.length, CONNECT, 0, CONNECT.length)) {
        tunnel = true;
      }
    }

    @Override
    public void flush() throws IOException {
      if (answer != null && answer != TUNNEL) {
        // keeps the connection from being used again
        throw new IOException("answered");
      }
    }

    @Override
    public void close() {
      CannedSocket.this.close();
    }
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

  @Override
  public void close() {
    closed = true;
    injection.close();
  }

  @Override
  public boolean isClosed() {
    return closed;
  }

  @Override
  public boolean isConnected() {
    return true;
  }

  @Override
  public boolean isBound() {
    return true;
  }

  @Override
  public void connect(SocketAddress address, int millis) {}

  @Override
  public void setTcpNoDelay(boolean on) {}

  @Override
  public InetAddress getLocalAddress() {
    return InetAddress.getLoopbackAddress();
  }

  @Override
  public @Nullable InetAddress getInetAddress() {
    return null;
  }

  @Override
  public @Nullable SocketAddress getRemoteSocketAddress() {
    return null;
  }

  @Override
  public SocketAddress getLocalSocketAddress() {
    return new InetSocketAddress(getLocalAddress(), 0);
  }

  // ---- TLS

  @Override
  public void startHandshake() {}

  @Override
  public SSLSession getSession() {
    try {
      return SSLContext.getDefault().createSSLEngine().getSession();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public SSLParameters getSSLParameters() {
    // the client leaves the check of the name to a socket that has that
    parameters.setEndpointIdentificationAlgorithm("HTTPS");
    return parameters;
  }

  @Override
  public void setSSLParameters(SSLParameters parameters) {
    this.parameters = parameters;
  }

  @Override
  public void addHandshakeCompletedListener(HandshakeCompletedListener listener) {}

  @Override
  public void removeHandshakeCompletedListener(HandshakeCompletedListener listener) {}

  @Override
  public String[] getSupportedCipherSuites() {
    return new String[0];
  }

  @Override
  public String[] getEnabledCipherSuites() {
    return new String[0];
  }

  @Override
  public void setEnabledCipherSuites(String[] suites) {}

  @Override
  public String[] getSupportedProtocols() {
    return new String[0];
  }

  @Override
  public String[] getEnabledProtocols() {
    return new String[0];
  }

  @Override
  public void setEnabledProtocols(String[] protocols) {}

  @Override
  public void setUseClientMode(boolean mode) {}

  @Override
  public boolean getUseClientMode() {
    return true;
  }

  @Override
  public void setNeedClientAuth(boolean need) {}

  @Override
  public boolean getNeedClientAuth() {
    return false;
  }

  @Override
  public void setWantClientAuth(boolean want) {}

  @Override
  public boolean getWantClientAuth() {
    return false;
  }

  @Override
  public void setEnableSessionCreation(boolean flag) {}

  @Override
  public boolean getEnableSessionCreation() {
    return true;
  }
}
