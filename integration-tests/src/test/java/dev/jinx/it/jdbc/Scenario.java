package dev.jinx.it.jdbc;

import java.sql.Connection;

/**
 * A way in which work on a database really fails.
 *
 * @param operation the operation that fails, as fault documents name it
 * @param error the name of that failure in fault documents
 * @param before brings the connection to where it fails; done for the real and the injected failure
 * @param trap makes the next step really fail; what it returns is closed afterwards
 * @param act the step that fails
 */
record Scenario(String operation, String error, Step before, Trap trap, Step act) {

  /** One in which a statement fails. */
  Scenario(String error, Step before, Trap trap, Step act) {
    this("execute", error, before, trap, act);
  }

  @FunctionalInterface
  interface Step {
    void on(Connection victim) throws Exception;
  }

  @FunctionalInterface
  interface Trap {
    AutoCloseable set(Connection victim) throws Exception;
  }

  @Override
  public String toString() {
    return operation + " " + error;
  }
}
