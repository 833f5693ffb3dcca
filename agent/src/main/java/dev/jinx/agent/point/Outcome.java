package dev.jinx.agent.point;

import org.jspecify.annotations.Nullable;

/** What becomes of a call in one phase of its injection. */
public final class Outcome {
  /** The call goes on as if nothing had been. */
  public static final Outcome GO_ON = new Outcome(null, null);

  private final @Nullable Object value;
  private final @Nullable Throwable failure;

  private Outcome(@Nullable Object value, @Nullable Throwable failure) {
    this.value = value;
    this.failure = failure;
  }

  /** The call fails with that. */
  public static Outcome fail(Throwable failure) {
    return new Outcome(null, failure);
  }

  /** The call gives back that, boxed where it is primitive. */
  public static Outcome give(@Nullable Object value) {
    return new Outcome(value, null);
  }

  /** Gives back or throws what was decided; not for {@link #GO_ON}. */
  public @Nullable Object get() throws Throwable {
    if (failure != null) {
      throw failure;
    }
    return value;
  }
}
