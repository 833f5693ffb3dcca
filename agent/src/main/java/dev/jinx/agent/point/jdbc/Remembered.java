package dev.jinx.agent.point.jdbc;

import java.lang.ref.WeakReference;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Notes about objects of the application, by their identity and without keeping them alive. To look
 * one up allocates nothing and takes no lock.
 */
final class Remembered<V> {
  private static final int BUCKETS = 1 << 10;

  private static final class Entry<V> extends WeakReference<Object> {
    final V value;
    final @Nullable Entry<V> next;

    Entry(Object key, V value, @Nullable Entry<V> next) {
      super(key);
      this.value = value;
      this.next = next;
    }
  }

  private final AtomicReferenceArray<@Nullable Entry<V>> buckets =
      new AtomicReferenceArray<>(BUCKETS);

  @Nullable V get(Object key) {
    for (Entry<V> entry = buckets.get(bucket(key)); entry != null; entry = entry.next) {
      if (entry.refersTo(key)) {
        return entry.value;
      }
    }
    return null;
  }

  /**
   * @param value must not hold the key; null to forget
   */
  void put(Object key, @Nullable V value) {
    int bucket = bucket(key);
    while (true) {
      Entry<V> before = buckets.get(bucket);
      Entry<V> after = null;
      for (Entry<V> entry = before; entry != null; entry = entry.next) {
        Object other = entry.get();
        if (other != null && other != key) { // what is gone is swept out
          after = new Entry<>(other, entry.value, after);
        }
      }
      if (value != null) {
        after = new Entry<>(key, value, after);
      }
      if (buckets.compareAndSet(bucket, before, after)) {
        return;
      }
    }
  }

  private static int bucket(Object key) {
    int hash = System.identityHashCode(key);
    return (hash ^ (hash >>> 16)) & (BUCKETS - 1);
  }
}
