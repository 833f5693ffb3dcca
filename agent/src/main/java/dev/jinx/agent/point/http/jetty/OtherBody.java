package dev.jinx.agent.point.http.jetty;

import dev.jinx.agent.point.http.JettyInside;
import java.nio.ByteBuffer;
import org.eclipse.jetty.io.Content;
import org.jspecify.annotations.Nullable;

/** Another body in place of the real one, which is read and thrown away. */
final class OtherBody implements JettyInside.Body {
  private @Nullable ByteBuffer rest;

  OtherBody(ByteBuffer body) {
    rest = body.hasRemaining() ? body : null;
  }

  @Override
  public @Nullable Object read(JettyInside.Real real, boolean demand) throws Throwable {
    ByteBuffer body = rest;
    if (body != null) {
      rest = null;
      return Content.Chunk.from(body, false);
    }
    while (true) {
      Content.Chunk chunk = (Content.Chunk) real.read(demand);
      if (chunk == null || chunk.isLast() || Content.Chunk.isFailure(chunk)) {
        return chunk;
      }
      chunk.release();
    }
  }
}
