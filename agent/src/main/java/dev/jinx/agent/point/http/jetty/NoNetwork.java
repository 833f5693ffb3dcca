package dev.jinx.agent.point.http.jetty;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.Executor;
import org.eclipse.jetty.client.HttpClient;
import org.eclipse.jetty.io.ByteArrayEndPoint;
import org.jspecify.annotations.Nullable;

/** The end of a connection that has no network. */
final class NoNetwork extends ByteArrayEndPoint {
  private final Executor executor;
  private final @Nullable Throwable onWrite;

  NoNetwork(HttpClient client, @Nullable Throwable onWrite) {
    super(client.getScheduler(), 0);
    this.executor = client.getExecutor();
    this.onWrite = onWrite;
  }

  @Override
  protected void execute(Runnable task) {
    executor.execute(task);
  }

  @Override
  public boolean flush(ByteBuffer... buffers) throws IOException {
    if (onWrite != null) {
      throw onWrite instanceof IOException known ? known : new IOException(onWrite);
    }
    for (ByteBuffer buffer : buffers) {
      buffer.position(buffer.limit());
    }
    return true;
  }
}
