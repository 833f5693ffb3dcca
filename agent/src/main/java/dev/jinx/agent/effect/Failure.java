package dev.jinx.agent.effect;

import dev.jinx.agent.call.Kind;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.document.Doc;
import dev.jinx.agent.document.InvalidDocument;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The call fails. {@code "error": "connectionReset"}, {@code {"sqlState", "vendorCode", "message"}}
 * or {@code {"class", "message"}}.
 */
public sealed interface Failure extends Ending {

  /** A failure that the library has a spelling of its own for. */
  record Named(NamedError error) implements Failure {
    @Override
    public Set<Operation> possibleOn() {
      return error.possibleOn();
    }

    @Override
    public String name() {
      return error.json();
    }

    @Override
    public String summary() {
      return "error " + error.json();
    }
  }

  /**
   * A failure of the database, by its code; {@code vendorCode} 0 and {@code message} null where not
   * given.
   */
  record Sql(String sqlState, int vendorCode, @Nullable String message) implements Failure {
    @Override
    public Set<Operation> possibleOn() {
      return Operation.of(Kind.JDBC);
    }

    @Override
    public String name() {
      return "error";
    }

    @Override
    public String summary() {
      return "error " + sqlState;
    }
  }

  /**
   * A failure by its exception class, which has been found and checked when the fault was armed.
   */
  record Thrown(String className, @Nullable String message) implements Failure {
    @Override
    public Set<Operation> possibleOn() {
      return EnumSet.allOf(Operation.class);
    }

    @Override
    public String name() {
      return "error";
    }

    @Override
    public String summary() {
      return "error " + className;
    }
  }

  /** Reads the field {@code error} of an effect. */
  static Failure read(Doc effect, Kind kind) {
    String path = effect.path("error");
    if (effect.value("error") instanceof String name) {
      NamedError error = NamedError.of(name);
      if (error == null
          || error.possibleOn().stream().noneMatch(operation -> operation.kind() == kind)) {
        throw new InvalidDocument(
            path,
            (error == null
                    ? "unknown error \""
                    : "a " + kind.json() + " call cannot have the error \"")
                + name
                + "\"; for "
                + kind.json()
                + ": "
                + String.join(", ", names(kind)));
      }
      return new Named(error);
    }
    if (!(effect.value("error") instanceof Map)) {
      throw new InvalidDocument(
          path,
          path
              + " must be a name, or an object with sqlState or class, not "
              + Doc.show(effect.value("error")));
    }
    Doc error = Doc.of(effect.value("error"), path);
    String message = error.text("message");
    Failure failure;
    if (error.has("class")) {
      failure = new Thrown(error.requiredText("class"), message);
    } else {
      String sqlState = error.requiredText("sqlState");
      if (!sqlState.matches("[0-9A-Z]{5}")) {
        throw new InvalidDocument(
            error.path("sqlState"),
            error.path("sqlState") + " must be five digits or capitals, such as \"40001\"");
      }
      if (kind != Kind.JDBC) {
        throw new InvalidDocument(
            error.path("sqlState"), error.path("sqlState") + " is for jdbc faults only");
      }
      Long code = error.whole("vendorCode", Integer.MIN_VALUE, Integer.MAX_VALUE);
      failure = new Sql(sqlState, code == null ? 0 : code.intValue(), message);
    }
    error.done();
    return failure;
  }

  private static Set<String> names(Kind kind) {
    Set<String> names = new TreeSet<>();
    for (NamedError error : NamedError.values()) {
      if (error.possibleOn().stream().anyMatch(operation -> operation.kind() == kind)) {
        names.add(error.json());
      }
    }
    return names;
  }
}
