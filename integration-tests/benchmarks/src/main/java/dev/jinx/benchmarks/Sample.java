package dev.jinx.benchmarks;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Measured values of one thing. */
final class Sample {
  private final List<Double> values = new ArrayList<>();

  void add(double value) {
    values.add(value);
  }

  double median() {
    return percentile(50);
  }

  /** The value that so many percent of all do not exceed, between neighbours interpolated. */
  double percentile(double percent) {
    if (values.isEmpty()) {
      return Double.NaN;
    }
    List<Double> sorted = new ArrayList<>(values);
    Collections.sort(sorted);
    double rank = percent / 100 * (sorted.size() - 1);
    int below = (int) Math.floor(rank);
    int above = (int) Math.ceil(rank);
    return sorted.get(below) + (rank - below) * (sorted.get(above) - sorted.get(below));
  }

  /** The greatest less the least. */
  double spread() {
    return percentile(100) - percentile(0);
  }

  /** What each round added to the same round of another: slow drifts of the machine cancel out. */
  Sample minus(Sample other) {
    Sample differences = new Sample();
    for (int i = 0; i < Math.min(values.size(), other.values.size()); i++) {
      differences.add(values.get(i) - other.values.get(i));
    }
    return differences;
  }
}
