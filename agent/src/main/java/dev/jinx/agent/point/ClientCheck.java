package dev.jinx.agent.point;

import dev.jinx.agent.call.CallReader.TextMatcher;
import dev.jinx.agent.document.InvalidDocument;
import dev.jinx.agent.fault.Fault;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Whether the HTTP clients that a fault names are known, and can have its effects at all. */
final class ClientCheck {
  private final Set<String> known = new TreeSet<>();
  private final Set<String> named = new TreeSet<>();
  private final List<Point> points;

  ClientCheck(List<Point> points, TextMatcher pattern) {
    this.points = points;
    for (Point point : points) {
      String client = point.client();
      if (client != null) {
        known.add(client);
        if (pattern.matches(client)) {
          named.add(client);
        }
      }
    }
  }

  /** Throws {@link InvalidDocument} for a fault that can hit none of the clients it names. */
  void check(Fault fault) {
    if (named.isEmpty()) {
      throw new InvalidDocument(
          "target.client", "no such HTTP client; known: " + String.join(", ", known));
    }
    for (String effect : fault.effects().names()) {
      if (points.stream()
          .noneMatch(point -> isNamed(point) && !point.impossible().contains(effect))) {
        throw new InvalidDocument(
            "effect",
            "nothing like " + effect + " can happen to the client " + String.join(", ", named));
      }
    }
  }

  private boolean isNamed(Point point) {
    return point.client() != null && named.contains(point.client());
  }
}
