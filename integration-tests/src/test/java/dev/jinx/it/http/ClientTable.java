package dev.jinx.it.http;

import dev.jinx.it.real.GeneratedTable;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** The table client × effect × twin result. */
final class ClientTable implements AfterTestExecutionCallback, AfterAllCallback {
  private static final String TWIN = "twin";
  private static final String NEVER = "–";
  private static final GeneratedTable TABLE = new GeneratedTable("http-clients", "client");

  /** A client cannot have that effect, and arming it says so. */
  static void impossible(Client client, String column) {
    note(client.name(), column, NEVER);
  }

  /** The outcome of a test that names its client, not as JUnit parameters do. */
  static void twin(String client, String column) {
    note(client, column, TWIN);
  }

  private static void note(String client, String column, String result) {
    TABLE.note(client, column, result, (there, now) -> there.equals(TWIN) ? now : there);
  }

  @Override
  public void afterTestExecution(ExtensionContext test) {
    Column column = test.getRequiredTestMethod().getAnnotation(Column.class);
    if (column != null) {
      boolean failed = test.getExecutionException().isPresent();
      note(test.getDisplayName(), column.value(), failed ? GeneratedTable.FAILED : TWIN);
    }
  }

  /** Nothing is compared where only some clients were asked for. */
  @Override
  public void afterAll(ExtensionContext contract) {
    TABLE.write(System.getProperty("jinx.it.clients") == null);
  }
}
