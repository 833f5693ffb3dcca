package dev.jinx.it.http;

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
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * The table client × effect × twin result: written to {@code target/http-clients.md} from what the
 * tests of the contract came to, and compared with the one in the documentation.
 */
final class ClientTable implements AfterTestExecutionCallback, AfterAllCallback {
  private static final Path WRITTEN = Path.of("target", "http-clients.md");
  private static final Path DOCUMENTED = Path.of("..", "docs", "http-clients.md");
  private static final String TWIN = "twin";
  private static final String NEVER = "–";

  /** By client, by column. */
  private static final Map<String, Map<String, String>> CELLS = new LinkedHashMap<>();

  /** A client cannot have that effect, and arming it says so. */
  static void impossible(Client client, String column) {
    note(client.name(), column, NEVER);
  }

  /** The outcome of a test that names its client, not as JUnit parameters do. */
  static void twin(String client, String column) {
    note(client, column, TWIN);
  }

  @Override
  public void afterTestExecution(ExtensionContext test) {
    Column column = test.getRequiredTestMethod().getAnnotation(Column.class);
    if (column != null) {
      boolean failed = test.getExecutionException().isPresent();
      note(test.getDisplayName(), column.value(), failed ? "**differs**" : TWIN);
    }
  }

  private static synchronized void note(String client, String column, String result) {
    CELLS
        .computeIfAbsent(client, c -> new LinkedHashMap<>())
        .merge(column, result, (there, now) -> there.equals(TWIN) ? now : there);
  }

  /** Only what has run is compared, and nothing where only some clients were asked for. */
  @Override
  public synchronized void afterAll(ExtensionContext contract) {
    Map<String, Map<String, String>> documented = read(DOCUMENTED);
    try {
      // other classes of the contract may run in another JVM
      Map<String, Map<String, String>> all =
          Files.exists(WRITTEN) ? read(WRITTEN) : new LinkedHashMap<>();
      CELLS.forEach(
          (client, cells) -> all.computeIfAbsent(client, c -> new LinkedHashMap<>()).putAll(cells));
      Files.write(WRITTEN, lines(all));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    if (System.getProperty("jinx.it.clients") != null) {
      return;
    }
    CELLS.forEach(
        (client, cells) ->
            cells.forEach(
                (column, result) ->
                    assertThat(documented.getOrDefault(client, Map.of()).get(column))
                        .as(
                            "%s of %s in docs/http-clients.md; integration-tests/%s is up to date",
                            column, client, WRITTEN)
                        .isEqualTo(result)));
  }

  private static List<String> lines(Map<String, Map<String, String>> table) {
    Set<String> columns = new LinkedHashSet<>();
    table.values().forEach(cells -> columns.addAll(cells.keySet()));
    List<String> lines = new ArrayList<>();
    lines.add("| client | " + String.join(" | ", columns) + " |");
    lines.add("|---" + "|---".repeat(columns.size()) + "|");
    table.forEach(
        (client, cells) -> {
          var line = new StringBuilder("| " + client + " |");
          columns.forEach(column -> line.append(" " + cells.getOrDefault(column, "") + " |"));
          lines.add(line.toString());
        });
    return lines;
  }

  private static Map<String, Map<String, String>> read(Path file) {
    Map<String, Map<String, String>> table = new LinkedHashMap<>();
    List<String> columns = List.of();
    try {
      for (String line : Files.readAllLines(file)) {
        if (line.startsWith("| client |")) {
          columns = cells(line);
        } else if (line.startsWith("| ") && !columns.isEmpty()) {
          List<String> cells = cells(line);
          for (int i = 1; i < cells.size(); i++) {
            table
                .computeIfAbsent(cells.get(0), c -> new LinkedHashMap<>())
                .put(columns.get(i), cells.get(i));
          }
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return table;
  }

  private static List<String> cells(String line) {
    List<String> cells = new ArrayList<>();
    for (String cell : line.substring(1).split("\\|", 0)) {
      cells.add(cell.strip());
    }
    return cells;
  }
}
