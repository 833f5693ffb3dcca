package dev.jinx.agent.weave;

import java.net.URL;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What became of each class that was to be hooked: its last weaving counts. */
final class WovenClasses {
  private final List<Woven> all = new ArrayList<>();

  synchronized List<Woven> all() {
    return List.copyOf(all);
  }

  synchronized void note(Woven each) {
    forget(each.className(), each.from());
    all.add(each);
  }

  /** Whether it has been hooked, or tried to, from wherever. */
  synchronized boolean has(String className) {
    for (int i = 0; i < all.size(); i++) {
      if (all.get(i).className().equals(className)) {
        return true;
      }
    }
    return false;
  }

  /** It is not hooked any more. */
  synchronized void forget(String className, @Nullable URL from) {
    for (int i = all.size() - 1; i >= 0; i--) {
      Woven there = all.get(i);
      if (there.className().equals(className) && same(there.from(), from)) {
        all.remove(i);
      }
    }
  }

  /** As texts: the equals method of a URL looks its host up. */
  @SuppressWarnings("ReferenceEquality")
  private static boolean same(@Nullable URL one, @Nullable URL other) {
    return one == null || other == null ? one == other : one.toString().equals(other.toString());
  }
}
