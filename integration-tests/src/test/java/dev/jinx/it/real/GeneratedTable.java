package dev.jinx.it.real;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BinaryOperator;

/**
 * A table of what tests came to: written to {@code target/NAME.md}, and compared with the one in
 * {@code docs/NAME.md}.
 */
public final class GeneratedTable {
  public static final String FAILED = "**differs**";

  private final Path written;
  private final Path documented;
  private final String corner;

  /** By row, by column. */
  private final Map<String, Map<String, String>> cells = new LinkedHashMap<>();

  /**
   * @param corner what stands above the rows
   */
  public GeneratedTable(String name, String corner) {
    written = Path.of("target", name + ".md");
    documented = Path.of("..", "docs", name + ".md");
    this.corner = corner;
  }

  /**
   * @param merge what becomes of a cell that is there already
   */
  public synchronized void note(
      String row, String column, String cell, BinaryOperator<String> merge) {
    cells.computeIfAbsent(row, r -> new LinkedHashMap<>()).merge(column, cell, merge);
  }

  /**
   * Writes what has run, beside what other JVMs have.
   *
   * @param compare whether it must be what the documentation says; what has not run is not
   *     compared, nor what is {@link #FAILED}: its own test says so
   */
  public synchronized void write(boolean compare) {
    Map<String, Map<String, String>> there = read(documented);
    try {
      Map<String, Map<String, String>> all =
          Files.exists(written) ? read(written) : new LinkedHashMap<>();
      cells.forEach(
          (row, line) -> all.computeIfAbsent(row, r -> new LinkedHashMap<>()).putAll(line));
      Files.write(written, lines(all));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    if (compare) {
      cells.forEach(
          (row, line) ->
              line.forEach(
                  (column, cell) -> {
                    if (!cell.equals(FAILED)) {
                      assertThat(there.getOrDefault(row, Map.of()).get(column))
                          .as(
                              "%s of %s in %s; integration-tests/%s is up to date",
                              column, row, documented.getFileName(), written)
                          .isEqualTo(cell);
                    }
                  }));
    }
  }

  private List<String> lines(Map<String, Map<String, String>> table) {
    Set<String> columns = new LinkedHashSet<>();
    table.values().forEach(line -> columns.addAll(line.keySet()));
    List<String> lines = new ArrayList<>();
    lines.add("| " + corner + " | " + String.join(" | ", columns) + " |");
    lines.add("|---" + "|---".repeat(columns.size()) + "|");
    table.forEach(
        (row, line) -> {
          var text = new StringBuilder("| " + row + " |");
          columns.forEach(column -> text.append(" " + line.getOrDefault(column, "") + " |"));
          lines.add(text.toString());
        });
    return lines;
  }

  private Map<String, Map<String, String>> read(Path file) {
    Map<String, Map<String, String>> table = new LinkedHashMap<>();
    List<String> columns = List.of();
    try {
      for (String line : Files.readAllLines(file)) {
        if (line.startsWith("| " + corner + " |")) {
          columns = split(line);
        } else if (line.startsWith("| ") && !columns.isEmpty()) {
          List<String> parts = split(line);
          for (int i = 1; i < parts.size(); i++) {
            table
                .computeIfAbsent(parts.get(0), r -> new LinkedHashMap<>())
                .put(columns.get(i), parts.get(i));
          }
        } else if (!line.startsWith("|---")) {
          columns = List.of();
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return table;
  }

  private static List<String> split(String line) {
    List<String> cells = new ArrayList<>();
    for (String cell : line.substring(1).split("\\|", 0)) {
      cells.add(cell.strip());
    }
    return cells;
  }
}
