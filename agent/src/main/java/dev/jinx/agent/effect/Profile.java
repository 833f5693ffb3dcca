package dev.jinx.agent.effect;

import dev.jinx.agent.document.Doc;
import dev.jinx.agent.document.InvalidDocument;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A named network: what it stands for. {@code "profile": "3g"}. The numbers and where they come
 * from are in the documentation (networks).
 *
 * @param roundTrip milliseconds, the median
 * @param p99 milliseconds
 * @param read bits per second towards the client, 0 for no limit
 * @param write bits per second from it, 0 for no limit
 * @param loss the share of segments that get lost, 0 for none
 * @param isOffline whether nothing passes at all
 */
record Profile(long roundTrip, long p99, long read, long write, double loss, boolean isOffline) {

  private static final Map<String, Profile> ALL = new LinkedHashMap<>();

  static {
    ALL.put("gprs", line(500, 1250, 50, 20, 0));
    ALL.put("edge", line(840, 2100, 240, 200, 0));
    ALL.put("3g", line(300, 750, 1600, 768, 0));
    ALL.put("slow-3g", line(400, 1000, 400, 400, 0));
    ALL.put("4g", line(170, 425, 9000, 9000, 0));
    ALL.put("lte", line(70, 175, 12_000, 12_000, 0));
    ALL.put("dsl", line(50, 75, 1500, 384, 0));
    ALL.put("cable", line(28, 42, 5000, 1000, 0));
    ALL.put("satellite", line(600, 900, 15_000, 2000, 0.005));
    ALL.put("lossy-wifi", line(10, 100, 20_000, 20_000, 0.02));
    ALL.put("very-bad", line(1000, 2500, 1000, 1000, 0.1));
    ALL.put("offline", new Profile(0, 0, 0, 0, 0, true));
  }

  private static Profile line(
      long roundTrip, long p99, long readKbit, long writeKbit, double loss) {
    return new Profile(roundTrip, p99, readKbit * 1000, writeKbit * 1000, loss, false);
  }

  static Profile read(Doc effect) {
    String name = effect.text("profile");
    Profile profile = name == null ? null : ALL.get(name);
    if (profile == null) {
      throw new InvalidDocument(
          effect.path("profile"),
          effect.path("profile")
              + ": unknown profile "
              + Doc.show(effect.value("profile"))
              + "; known: "
              + String.join(", ", ALL.keySet()));
    }
    return profile;
  }

  @Nullable Latency latency() {
    return isOffline
        ? null
        : new Latency(
            Latency.Lognormal.of(
                TimeUnit.MILLISECONDS.toNanos(roundTrip), TimeUnit.MILLISECONDS.toNanos(p99)),
            0);
  }

  List<Shaping> shapings() {
    List<Shaping> shapings = new ArrayList<>();
    if (!isOffline) {
      shapings.add(new Bandwidth(read / 8, write / 8));
      if (loss > 0) {
        shapings.add(new Loss(loss));
      }
    }
    return shapings;
  }

  @Nullable Ending ending() {
    return isOffline ? new Drop() : null;
  }
}
