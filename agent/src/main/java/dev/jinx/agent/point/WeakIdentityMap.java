package dev.jinx.agent.point;

import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What we know of objects that are not ours: by identity, keeping none alive, and without an
 * allocation at a look-up (which a concurrent map with keys of our own would need). The values must
 * not refer to their keys.
 */
public final class WeakIdentityMap<K, V> {
  private static final int BUCKETS = 1 << 10;

  private static final class Node<K, V> extends WeakReference<K> {
    final int hash;
    volatile V value;
    volatile @Nullable Node<K, V> next;

    Node(K key, int hash, V value, @Nullable Node<K, V> next, ReferenceQueue<K> dead) {
      super(key, dead);
      this.hash = hash;
      this.value = value;
      this.next = next;
    }
  }

  private final AtomicReferenceArray<@Nullable Node<K, V>> buckets =
      new AtomicReferenceArray<>(BUCKETS);
  private final ReferenceQueue<K> dead = new ReferenceQueue<>();

  public @Nullable V get(K key) {
    Node<K, V> node = find(key, System.identityHashCode(key));
    return node == null ? null : node.value;
  }

  private @Nullable Node<K, V> find(K key, int hash) {
    for (Node<K, V> node = buckets.get(hash & (BUCKETS - 1)); node != null; node = node.next) {
      if (node.hash == hash && node.refersTo(key)) {
        return node;
      }
    }
    return null;
  }

  public void put(K key, V value) {
    int hash = System.identityHashCode(key);
    synchronized (dead) {
      Node<K, V> there = find(key, hash);
      if (there != null) {
        there.value = value;
      } else {
        int bucket = hash & (BUCKETS - 1);
        buckets.set(bucket, new Node<>(key, hash, value, buckets.get(bucket), dead));
      }
      expunge();
    }
  }

  /** The value, made where there is none; made twice where two threads come at once. */
  public V computeIfAbsent(K key, Function<K, V> make) {
    V there = get(key);
    if (there != null) {
      return there;
    }
    V made = make.apply(key);
    put(key, made);
    return made;
  }

  public void remove(K key) {
    Node<K, V> node = find(key, System.identityHashCode(key));
    if (node != null) {
      node.clear();
      synchronized (dead) {
        unlink(node);
      }
    }
  }

  private void expunge() {
    for (Reference<? extends K> gone = dead.poll(); gone != null; gone = dead.poll()) {
      unlink(gone);
    }
  }

  private void unlink(Reference<? extends K> gone) {
    int bucket = ((Node<?, ?>) gone).hash & (BUCKETS - 1);
    Node<K, V> before = null;
    for (Node<K, V> node = buckets.get(bucket); node != null; node = node.next) {
      if (node != gone) {
        before = node;
      } else if (before == null) {
        buckets.set(bucket, node.next);
      } else {
        before.next = node.next;
      }
    }
  }
}
