package dev.jinx.agent.point.http;

import dev.jinx.agent.effect.Cut;
import dev.jinx.agent.effect.Reset;
import dev.jinx.agent.fault.BodyFlow;
import java.io.IOException;
import java.io.InputStream;
import java.net.SocketException;
import java.net.SocketTimeoutException;

/**
 * How {@code HttpURLConnection} meets a body that is slow or cut: beneath its parser, which makes
 * of the end of a stream whatever it makes of a real one.
 */
final class UrlConnectionBody implements FaultyBody.Reader {
  private final BodyFlow flow;
  private final UrlConnectionInside jdk;
  private final Object connection;

  UrlConnectionBody(BodyFlow flow, UrlConnectionInside jdk, Object connection) {
    this.flow = flow;
    this.jdk = jdk;
    this.connection = connection;
  }

  InputStream over(InputStream real, boolean chunked) {
    return chunked ? new FaultyChunks(real, flow, this) : new FaultyBody(real, flow, this);
  }

  @Override
  public long patience() throws IOException {
    return UrlConnectionAnswer.nanos(jdk.socket(connection).getSoTimeout());
  }

  @Override
  public void outOfPatience() throws IOException {
    throw new SocketTimeoutException("Read timed out");
  }

  @Override
  public void cut(Cut cut) throws IOException {
    jdk.close(connection);
    if (cut instanceof Reset) {
      throw new SocketException("Connection reset");
    }
  }
}
