package dev.jinx.agent.point.http.okhttp;

import dev.jinx.agent.point.http.OkHttp;
import dev.jinx.agent.weave.Access;

/** The adapter's door. */
public final class Library implements OkHttp.Library {
  @Override
  public OkHttp.Inside open(Access access) throws ReflectiveOperationException {
    return new OkHttpInside(access);
  }
}
