package dev.jinx.agent.control;

import dev.jinx.agent.call.CallReader;
import dev.jinx.agent.call.Field;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.Limits;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** An armory that takes any fault, and calls to it. */
final class Armories {
  private Armories() {}

  static Armory create() {
    Armory armory =
        new Armory(new Limits(TimeUnit.MINUTES.toNanos(10), 20_000, Long.MAX_VALUE), bits -> {});
    armory.hookable(() -> -1L, fault -> {});
    return armory;
  }

  static Status status() {
    return new Status(
        "1.2.3",
        () -> List.of(Map.of("library", "jdk", "class", "java.net.Socket")),
        () -> List.of(Map.of("class", "com.example.Odd", "why", "too old")),
        System.nanoTime());
  }

  /** A call to a host, finished at once. */
  static boolean call(Armory armory, String host) {
    CallReader reader = new HostReader();
    Injection injection = armory.match(Operation.HTTP_EXCHANGE, reader, host, null);
    if (injection != null) {
      injection.finish();
    }
    return injection != null;
  }

  private static final class HostReader implements CallReader {
    @Override
    public @Nullable String read(
        Field field, @Nullable String name, Object self, @Nullable Object argument) {
      return field == Field.HOST ? (String) self : null;
    }
  }

  static String fault(String id) {
    return "{\"id\":\""
        + id
        + "\",\"target\":{\"kind\":\"http\",\"host\":\"payments\"},\"effect\":{\"error\":\"connectionReset\"}}";
  }
}
