package dev.jinx.agent.point.jdbc;

import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.point.Adapters;
import dev.jinx.agent.point.WeakIdentityMap;
import dev.jinx.agent.weave.Access;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Wrapper;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.sql.CommonDataSource;
import org.jspecify.annotations.Nullable;

/** What is known of the drivers whose classes are called, and reads what a call is about. */
final class Drivers {
  private static final int URLS = 256;
  private static final int LONGEST_BATCH = 1 << 14;
  private static final Pattern DATABASE = Pattern.compile("(?i);database(name)?=[^;]*");

  private final Access access;
  private final Map<String, String> bases = new ConcurrentHashMap<>();
  private final WeakIdentityMap<Object, String> urls = new WeakIdentityMap<>();
  private final WeakIdentityMap<Object, String> prepared = new WeakIdentityMap<>();
  private final WeakIdentityMap<Object, String> batches = new WeakIdentityMap<>();
  private final WeakIdentityMap<Object, Integer> sizes = new WeakIdentityMap<>();

  // kept by the driver's class, so that an undeployed application takes it along
  private final ClassValue<Driver> drivers =
      new ClassValue<>() {
        @Override
        protected Driver computeValue(Class<?> type) {
          return driver(type);
        }
      };

  /** One class of a driver. */
  static final class Driver {
    final StandardSql spelling;
    final boolean known;
    volatile @Nullable Boolean leaf;

    Driver(StandardSql spelling, boolean known) {
      this.spelling = spelling;
      this.known = known;
    }
  }

  Drivers(Access access) {
    this.access = access;
  }

  private Driver driver(Class<?> type) {
    for (Class<?> each = type; each != null; each = each.getSuperclass()) {
      for (DriverClasses known : KnownDrivers.ALL) {
        if (known.owns(each.getName())) {
          try {
            StandardSql spelling =
                new Adapters<>(known.adapter, StandardSql.class, access).of(each);
            spelling.open(access, each);
            return new Driver(spelling, true);
          } catch (ReflectiveOperationException | RuntimeException | LinkageError e) {
            OwnFailures.note(e); // another version of it: what every driver has still works
          }
        }
      }
    }
    return new Driver(new StandardSql(), false);
  }

  StandardSql spelling(Object self) {
    return drivers.get(self instanceof Class<?> type ? type : self.getClass()).spelling;
  }

  /** Whether an object is a driver's own, not a wrapper around one. */
  boolean isLeaf(Object self) {
    Driver driver = drivers.get(self instanceof Class<?> type ? type : self.getClass());
    if (driver.known || !(self instanceof Wrapper wrapper)) {
      return true;
    }
    Boolean leaf = driver.leaf;
    if (leaf == null) {
      Class<?> role = self instanceof Connection ? Connection.class : Statement.class;
      try (CallScope scope = CallScope.enter(null)) {
        leaf = !wrapper.isWrapperFor(role) || wrapper.unwrap(role) == self;
      } catch (SQLException | RuntimeException | LinkageError e) {
        leaf = true;
      }
      driver.leaf = leaf;
    }
    return leaf;
  }

  /**
   * The connection of a connection, a statement or its rows; null for a driver, and where it is
   * closed.
   */
  @Nullable Connection connection(Object self) {
    try {
      if (self instanceof Connection connection) {
        return connection;
      }
      Statement statement = statement(self);
      return statement == null ? null : statement.getConnection();
    } catch (SQLException closed) {
      return null;
    }
  }

  private static @Nullable Statement statement(Object self) throws SQLException {
    return self instanceof ResultSet rows
        ? rows.getStatement()
        : self instanceof Statement statement ? statement : null;
  }

  /** Whether a call can get as far as the database at all. */
  boolean isOpen(Object self) {
    try (CallScope scope = CallScope.enter(null)) {
      Connection connection = connection(self);
      if (connection == null) {
        return !(self instanceof Statement || self instanceof ResultSet);
      }
      if (self instanceof ResultSet rows && rows.isClosed()) {
        return false;
      }
      // in this order: MariaDB's statement closes itself when it finds its connection closed
      return !connection.isClosed() && !(self instanceof Statement it && it.isClosed());
    } catch (SQLException e) {
      return true;
    }
  }

  /** Whether there is nothing to commit. */
  boolean isAutoCommit(Object self) {
    try (CallScope scope = CallScope.enter(null)) {
      return self instanceof Connection connection && connection.getAutoCommit();
    } catch (SQLException e) {
      return false;
    }
  }

  /** The URL as it was given. */
  @Nullable String fullUrl(Object self, @Nullable Object argument) {
    boolean source = self instanceof CommonDataSource; // whose argument may be a user
    if (argument instanceof String url && !source && !(self instanceof Wrapper)) {
      return url;
    }
    if (argument instanceof Properties settings) { // a connection that comes to be
      return spelling(self).url(settings);
    }
    Connection connection = connection(self);
    Object from = connection != null ? connection : argument == null || source ? self : argument;
    String url = spelling(self).url(from);
    if (url == null && connection != null) {
      url = urls.get(connection);
      if (url == null) {
        try (CallScope scope = CallScope.enter(null)) {
          url = connection.getMetaData().getURL();
        } catch (SQLException e) {
          return null;
        }
        urls.put(connection, url == null ? "" : url);
      }
    }
    return url;
  }

  /**
   * The URL that faults are matched by: without its parameters, among them often a password (SQL
   * Server names the database among them: there only that is left).
   */
  @Nullable String url(Object self, @Nullable Object argument) {
    String full = fullUrl(self, argument);
    return full == null ? null : base(full);
  }

  String base(String full) {
    String base = bases.get(full);
    if (base == null) {
      base = withoutParameters(full);
      if (bases.size() >= URLS) {
        bases.clear();
      }
      bases.put(full, base);
    }
    return base;
  }

  static String withoutParameters(String url) {
    String base = url;
    int parameters = base.indexOf('?');
    if (parameters >= 0) {
      base = base.substring(0, parameters);
    }
    int settings = base.indexOf(';');
    if (settings >= 0) {
      Matcher database = DATABASE.matcher(base);
      String kept = base.startsWith("jdbc:sqlserver:") && database.find() ? database.group() : "";
      base = base.substring(0, settings) + kept;
    }
    int at = base.indexOf('@');
    int user = base.lastIndexOf("//", at);
    if (user < 0) { // jdbc:oracle:thin:scott/tiger@host
      user = base.indexOf("thin:") < 0 ? -1 : base.indexOf("thin:") + 3;
    }
    return at > 0 && user >= 0 && at > user + 2
        ? base.substring(0, user + 2) + base.substring(at + 1)
        : base;
  }

  /** {@code postgresql} of {@code jdbc:postgresql://…}. */
  static @Nullable String name(@Nullable String url) {
    if (url == null || !url.startsWith("jdbc:")) {
      return null;
    }
    int end = url.indexOf(':', "jdbc:".length());
    return end < 0 ? null : url.substring("jdbc:".length(), end);
  }

  /** The text of a statement that was prepared or executed, or the statement of rows. */
  @Nullable String text(Object self) {
    try {
      Statement statement = statement(self);
      if (statement == null) {
        return null;
      }
      String text = spelling(statement).sql(statement);
      return text == null ? prepared.get(statement) : text;
    } catch (SQLException closed) {
      return null;
    }
  }

  /** What a batch is about: the texts that were put together, or the one that was prepared. */
  @Nullable String batchText(Object statement) {
    String texts = batches.get(statement);
    return texts == null ? text(statement) : texts;
  }

  /** Whether the statements of that connection tell their texts themselves. */
  boolean tellsTexts(Object connection) {
    return drivers.get(connection.getClass()).known;
  }

  /** Notes the text of a statement. */
  void prepared(Object statement, String sql) {
    prepared.put(statement, sql);
  }

  /** Notes one more text of a batch. */
  void batched(Object statement, String sql) {
    String before = batches.get(statement);
    if (before == null) {
      batches.put(statement, sql);
    } else if (!before.endsWith(sql) && before.length() < LONGEST_BATCH) {
      batches.put(statement, before + ";\n" + sql);
    }
  }

  /** A batch is about to be executed, after which its driver does not know its size any more. */
  void batchBegins(Object statement) {
    sizes.put(statement, spelling(statement).batchSize(statement));
  }

  int batchSize(Object statement) {
    Integer size = sizes.get(statement);
    return size == null ? 0 : size;
  }

  void batchOver(Object statement) {
    batches.remove(statement);
    sizes.remove(statement);
  }
}
