package dev.jinx.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Prints Markdown: tables whose columns line up, and budgets with whether they were met. */
final class Report {
  private final String heading;
  private final List<List<String>> rows = new ArrayList<>();

  /** A table under a heading that names the machine: no figure means anything without it. */
  Report(String title, List<String> columns) {
    heading =
        "\n### %s (JDK %s, %d cores, %s)\n"
            .formatted(
                title,
                System.getProperty("java.version"),
                Runtime.getRuntime().availableProcessors(),
                System.getProperty("os.arch"));
    rows.add(columns);
  }

  private Report(List<String> columns) {
    heading = "";
    rows.add(columns);
  }

  /** The table that {@link #budget} fills. */
  static Report ofBudgets() {
    return new Report(List.of("budget", "at most", "measured", ""));
  }

  void row(String... cells) {
    rows.add(List.of(cells));
  }

  void budget(String what, double limit, double measured, String unit) {
    budget(what, limit, measured, 0, unit);
  }

  /**
   * A line of the table of budgets.
   *
   * @param noise by how much the measurement that it is compared with varied by itself
   */
  void budget(String what, double limit, double measured, double noise, String unit) {
    String verdict = "NOT MET";
    if (Double.isNaN(measured)) {
      verdict = "not measured";
    } else if (measured <= limit) {
      verdict = "met";
    } else if (measured <= limit + noise) {
      verdict = "within noise";
    }
    row(what, number(limit) + unit, number(measured) + unit, verdict);
  }

  void print() {
    int[] widths = new int[rows.get(0).size()];
    for (List<String> row : rows) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    StringBuilder rule = new StringBuilder("|");
    for (int i = 0; i < widths.length; i++) {
      rule.append("-".repeat(widths[i] + 1)).append(i == 0 ? "-|" : ":|");
    }
    System.out.println(heading);
    System.out.println(line(rows.get(0), widths));
    System.out.println(rule);
    rows.subList(1, rows.size()).forEach(row -> System.out.println(line(row, widths)));
    System.out.flush();
  }

  private static String line(List<String> row, int[] widths) {
    StringBuilder line = new StringBuilder("|");
    for (int i = 0; i < widths.length; i++) {
      String cell = row.get(i);
      String blank = " ".repeat(widths[i] - cell.length());
      line.append(' ').append(i == 0 ? cell + blank : blank + cell).append(" |");
    }
    return line.toString();
  }

  /** Three digits that matter, or what stands before the point. */
  static String number(double value) {
    if (Double.isNaN(value)) {
      return "-";
    }
    double size = Math.abs(value);
    int decimals = size >= 100 ? 0 : size >= 10 ? 1 : 2;
    String text = String.format(Locale.ROOT, "%." + decimals + "f", value);
    return text.contains(".") ? text.replaceAll("0+$", "").replaceAll("\\.$", "") : text;
  }

  /** From one percentile to another. */
  static String range(Sample sample, double from, double to) {
    return number(sample.percentile(from)) + " to " + number(sample.percentile(to));
  }

  /** With its sign, for what is added. */
  static String added(double value) {
    return (value > 0 ? "+" : "") + number(value);
  }

  /** Always with two decimals, for ratios. */
  static String ratio(double value) {
    return Double.isNaN(value) ? "-" : String.format(Locale.ROOT, "%.2f", value);
  }
}
