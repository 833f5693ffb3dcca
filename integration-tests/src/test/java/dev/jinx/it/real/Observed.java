package dev.jinx.it.real;

import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * What a caller saw of one call: its value, or the exception and its causes, outermost first, and
 * how long it took. Two calls that an application could not tell apart are equal in {@link
 * #outcome()}.
 */
public record Observed(@Nullable Object value, List<Thrown> thrown, Duration elapsed) {

  /** One exception of a chain. */
  public record Thrown(String type, @Nullable String message) {}

  /** All but the time. */
  public record Outcome(@Nullable Object value, List<Thrown> thrown) {}

  public static Observed of(Callable<?> call) {
    long start = System.nanoTime();
    Object value = null;
    List<Thrown> thrown = new ArrayList<>();
    try {
      value = call.call();
    } catch (Throwable t) {
      for (Throwable cause = t; cause != null; cause = cause.getCause()) {
        thrown.add(new Thrown(cause.getClass().getName(), message(cause)));
        if (cause.getClass() == HttpTimeoutException.class) {
          // whether it has a cause is a race in the client
          break;
        }
      }
    }
    return new Observed(value, thrown, Duration.ofNanos(System.nanoTime() - start));
  }

  public Outcome outcome() {
    return new Outcome(value, thrown);
  }

  // two servers differ in their ports, two certificates in their dates, and a wrapper of a future
  // repeats its cause's message
  private static @Nullable String message(Throwable t) {
    String message = t.getMessage();
    if (message == null || t instanceof ExecutionException || t instanceof CompletionException) {
      return null;
    }
    return message
        .replaceAll("localhost:\\d+|127\\.0\\.0\\.1:\\d+", "localhost:0")
        .replaceAll("NotAfter: .*", "NotAfter: a day")
        // the resolver says more when it is asked first than when it remembers
        .replaceAll("(no-such-host\\.invalid): Name or service not known", "$1")
        // Jetty's connections say all that they are
        .replaceAll("(?s)[\\w.]*HttpConnectionOverHTTP@.*", "HttpConnectionOverHTTP")
        // Apache's are numbered, and may tell what has come
        .replaceAll("\\[ACTIVE\\(\\d+\\)]", "[ACTIVE]")
        .replaceAll("http-outgoing-\\d+", "http-outgoing-0")
        // gRPC tells where the time went
        .replaceAll("(?s)deadline exceeded after .*", "deadline exceeded")
        .replaceAll("Idle timeout expired: \\d+/", "Idle timeout expired: ");
  }
}
