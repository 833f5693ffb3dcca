package dev.jinx.agent.point.http.apache5;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.point.AsyncCall;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.http.ApacheHttpAsyncClient5;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.Original;
import java.util.Map;
import org.apache.hc.client5.http.async.AsyncExecRuntime;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpRequest;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of one exchange of Apache HttpClient 5, asynchronous. The client's own chain runs
 * down to the {@link AsyncExecRuntime}, its way to a connection; another one is put in its place
 * where there is to be no connection ({@link Nowhere}) or where something happens to the answer
 * ({@link Through}). So interceptors, cookies, retries and redirects are all the client's own.
 */
public final class AsyncAdapter implements ApacheHttpAsyncClient5.Inside {
  @SuppressWarnings("NullAway.Init") // open() comes first
  private Library library;

  @Override
  public void open(Access access, Exceptions exceptions, Map<AsyncCall<?>, Object> held) {
    library = new Library(access, exceptions, held);
  }

  @Override
  public @Nullable String read(Field field, @Nullable String name, Object call) {
    HttpRequest request = (HttpRequest) call;
    return switch (field) {
      case SCHEME -> request.getScheme();
      case HOST -> request.getAuthority() == null ? null : request.getAuthority().getHostName();
      case PORT ->
          request.getAuthority() == null
              ? null
              : Integer.toString(request.getAuthority().getPort());
      case METHOD -> request.getMethod();
      case PATH, QUERY -> request.getPath();
      case HEADER -> {
        Header header = request.getFirstHeader(name);
        yield header == null ? null : header.getValue();
      }
      default -> null;
    };
  }

  @Override
  public void begin(Injection injection, Original original, Object exec, Object[] arguments) {
    new Attempt(library, injection, original, exec, arguments).begin();
  }
}
