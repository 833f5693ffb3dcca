package jdk.internal.net.http;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.LongConsumer;
import java.util.function.LongUnaryOperator;
import java.util.function.ObjLongConsumer;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * The body of a real answer on its way from the connection to the client's own parser. It is slow,
 * or cut, as the agent's functions say; no thread waits for it.
 *
 * <p>It stands in for a method that receives bytes: {@code apply} gets the object and the argument
 * of a call of that method, and its own body; {@code test} says whether a call comes from here.
 */
abstract class JinxBody
    implements BiFunction<Object[], Function<Object, Object>, Object>, Predicate<Object> {

  /** How many of so many bytes may pass next; 0 where the body is cut. */
  private final LongUnaryOperator portion;

  /** Runs something when so many bytes have come, perhaps at once. */
  private final ObjLongConsumer<Runnable> later;

  /** So many bytes have passed. */
  private final LongConsumer passed;

  /** How the connection is lost where the body is cut; null where it is not. */
  private final Supplier<IOException> cut;

  private volatile boolean waiting;
  private volatile Object passing;

  JinxBody(
      LongUnaryOperator portion,
      ObjLongConsumer<Runnable> later,
      LongConsumer passed,
      Supplier<IOException> cut) {
    this.portion = portion;
    this.later = later;
    this.passed = passed;
    this.cut = cut;
  }

  static VarHandle field(Class<?> declaring, String name, Class<?> type) {
    try {
      return MethodHandles.privateLookupIn(declaring, MethodHandles.lookup())
          .findVarHandle(declaring, name, type);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public final boolean test(Object argument) {
    return argument == passing;
  }

  final long portion(long wanted) {
    return portion.applyAsLong(wanted);
  }

  final IOException cut() {
    return cut.get();
  }

  /**
   * Waits for bytes on no thread.
   *
   * @param goOn runs on the timer's thread where they are not there yet
   * @return whether they are there already
   */
  final boolean here(long bytes, Runnable goOn) {
    waiting = true;
    AtomicBoolean settled = new AtomicBoolean();
    later.accept(
        () -> {
          waiting = false;
          if (!settled.compareAndSet(false, true)) {
            goOn.run();
          }
        },
        bytes);
    return !settled.compareAndSet(false, true);
  }

  final boolean isWaiting() {
    return waiting;
  }

  /** Calls the method's own body with what is let through. */
  final Object pass(Object argument, long bytes, Function<Object, Object> original) {
    passed.accept(bytes);
    passing = argument;
    try {
      return original.apply(argument);
    } finally {
      passing = null;
    }
  }
}
