package dev.jinx.agent.point.jdbc;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.point.BlockingHook;
import dev.jinx.agent.point.Outcome;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The methods of one JDBC operation, in whatever driver. Loaded before {@code main}: what links
 * {@code java.sql} stands elsewhere and is loaded by the first call that a fault looks at.
 */
class JdbcHook extends BlockingHook {
  final AnyDriver point;

  JdbcHook(Armory armory, Operation operation, AnyDriver point) {
    super(armory, operation);
    this.point = point;
  }

  @Override
  public boolean nests() {
    return true;
  }

  @Override
  protected boolean concerns(Object self, @Nullable Object argument) {
    return operation() == Operation.JDBC_CONNECT
        ? Calls.accepts(self, argument)
        : point.drivers().isLeaf(self);
  }

  @Override
  public boolean counts(Object self, @Nullable Object argument) {
    return operation() == Operation.JDBC_CONNECT
        || (point.drivers().isOpen(self)
            // Derby commits the nothing before it while leaving auto-commit
            && (operation() != Operation.JDBC_COMMIT || !point.drivers().isAutoCommit(self)));
  }

  @Override
  public @Nullable String read(
      Field field, @Nullable String name, Object self, @Nullable Object argument) {
    return switch (field) {
      case URL -> point.drivers().url(self, argument);
      case DRIVER -> Drivers.name(point.drivers().url(self, argument));
      case SQL, STATEMENT, TABLE -> {
        SqlText text = text(self, argument);
        yield text == null ? null : first(field, text);
      }
      default -> null;
    };
  }

  private static @Nullable String first(Field field, SqlText text) {
    if (field == Field.SQL) {
      return text.normal();
    }
    List<String> values = field == Field.TABLE ? text.tables() : text.kinds();
    return values.isEmpty() ? null : values.get(0);
  }

  @Override
  public boolean matches(
      Field field,
      @Nullable String name,
      TextMatcher pattern,
      Object self,
      @Nullable Object argument) {
    if (field == Field.TABLE || field == Field.STATEMENT) {
      SqlText text = text(self, argument);
      if (text != null) {
        List<String> values = field == Field.TABLE ? text.tables() : text.kinds();
        for (int i = 0; i < values.size(); i++) {
          if (pattern.matches(values.get(i))) {
            return true;
          }
        }
        return values.isEmpty() && pattern.matches(null);
      }
    }
    return super.matches(field, name, pattern, self, argument);
  }

  private @Nullable SqlText text(Object self, @Nullable Object argument) {
    String sql = sql(self, argument);
    return sql == null ? null : SqlText.of(sql);
  }

  /** The text that a call is about; null where it is about none. */
  protected @Nullable String sql(Object self, @Nullable Object argument) {
    return switch (operation()) {
      case JDBC_PREPARE -> (String) argument;
      case JDBC_EXECUTE -> argument instanceof String sql ? sql : point.drivers().text(self);
      case JDBC_BATCH -> point.drivers().batchText(self);
      case JDBC_NEXT -> point.drivers().text(self);
      default -> null;
    };
  }

  private Calls call(Phase phase, Object self, Object[] arguments) {
    Object first = arguments.length == 0 ? null : arguments[0];
    return Calls.of(point, operation(), phase, self, arguments, sql(self, first));
  }

  @Override
  protected Injection.Waited await(Injection injection, Phase phase, long limit, Object self)
      throws Throwable {
    Object connection = point.drivers().connection(self);
    point.waiting().add(injection, self, connection);
    try {
      boolean needsIt =
          operation() != Operation.JDBC_CONNECT && operation() != Operation.JDBC_CLOSE;
      if (needsIt && (point.waiting().isGone(connection) || !point.drivers().isOpen(self))) {
        injection.close(); // before it was added
      }
      return super.await(injection, phase, limit, self);
    } finally {
      point.waiting().remove(injection);
    }
  }

  @Override
  protected long patience(Phase phase, Object self, Object[] arguments) throws Throwable {
    return call(phase, self, arguments).patience();
  }

  @Override
  protected Outcome outOfPatience(Phase phase, Object self, Object[] arguments) throws Throwable {
    return call(phase, self, arguments).outOfPatience();
  }

  @Override
  protected Outcome failed(Failure failure, Phase phase, Object self, Object[] arguments)
      throws Throwable {
    return call(phase, self, arguments).failed(failure);
  }

  @Override
  protected Outcome closed(Object self, Object[] arguments) throws Throwable {
    return call(Phase.BEFORE, self, arguments).closed();
  }

  @Override
  protected void discard(@Nullable Object result, Object self) throws Throwable {
    if (result instanceof AutoCloseable resource) {
      resource.close();
    }
  }
}
