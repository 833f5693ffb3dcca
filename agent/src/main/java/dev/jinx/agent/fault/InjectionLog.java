package dev.jinx.agent.fault;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;

/** The decisions that hit a call, newest last; the oldest fall out. */
public final class InjectionLog {
  private static final int KEPT = 1 << 13;

  /**
   * One hit.
   *
   * @param seq from 1, without gaps
   * @param time milliseconds of the epoch
   * @param n the number of the fault's decision, from 0
   * @param draw what was drawn for it
   * @param delay nanoseconds
   * @param call the fields of the call that are known
   */
  public record Entry(
      long seq,
      long time,
      String fault,
      long n,
      double draw,
      long delay,
      String operation,
      String effect,
      Map<String, String> call) {}

  private final AtomicReferenceArray<Entry> ring = new AtomicReferenceArray<>(KEPT);
  private final AtomicLong last = new AtomicLong();

  void add(Injection.Hit hit, String operation, Map<String, String> call) {
    long seq = last.incrementAndGet();
    Fault fault = hit.fault().fault();
    ring.set(
        (int) (seq % KEPT),
        new Entry(
            seq,
            System.currentTimeMillis(),
            fault.id(),
            hit.n(),
            hit.draw(),
            hit.delay(),
            operation,
            fault.effects().summary(),
            call));
  }

  /** Those after a sequence number, oldest first, at most so many. */
  public List<Entry> after(long seq, int limit) {
    List<Entry> entries = new ArrayList<>();
    long newest = last.get();
    for (long s = Math.max(seq, newest - KEPT) + 1; s <= newest && entries.size() < limit; s++) {
      Entry entry = ring.get((int) (s % KEPT));
      if (entry == null || entry.seq() < s) {
        break; // being written: whoever reads on after the last he got must not miss it
      }
      if (entry.seq() == s) {
        entries.add(entry);
      }
    }
    return entries;
  }

  /** The sequence number of the newest. */
  public long last() {
    return last.get();
  }
}
