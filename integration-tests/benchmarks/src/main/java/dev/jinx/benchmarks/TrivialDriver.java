package dev.jinx.benchmarks;

import static net.bytebuddy.matcher.ElementMatchers.isAbstract;

import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import net.bytebuddy.ByteBuddy;
import net.bytebuddy.implementation.StubMethod;
import org.jspecify.annotations.NullUnmarked;

/** A JDBC driver that does nothing: what its calls take is what their hooks take. */
@NullUnmarked
final class TrivialDriver {
  private TrivialDriver() {}

  static Connection connect(String url) {
    TrivialMetaData metaData = implement(TrivialMetaData.class);
    metaData.url = url;
    TrivialConnection connection = implement(TrivialConnection.class);
    connection.metaData = metaData;
    return connection;
  }

  /** Does nothing in each of the many methods that the class leaves open. */
  private static <T> T implement(Class<T> type) {
    try {
      return new ByteBuddy()
          .subclass(type)
          .method(isAbstract())
          .intercept(StubMethod.INSTANCE)
          .make()
          .load(type.getClassLoader())
          .getLoaded()
          .getDeclaredConstructor()
          .newInstance();
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Prepares. */
  public abstract static class TrivialConnection implements Connection {
    private DatabaseMetaData metaData;

    @Override
    public PreparedStatement prepareStatement(String sql) {
      TrivialStatement statement = implement(TrivialStatement.class);
      statement.connection = this;
      return statement;
    }

    @Override
    public DatabaseMetaData getMetaData() {
      return metaData;
    }
  }

  /** Finds nothing. */
  public abstract static class TrivialStatement implements PreparedStatement {
    private Connection connection;

    @Override
    public ResultSet executeQuery() {
      return null;
    }

    @Override
    public Connection getConnection() {
      return connection;
    }
  }

  /** Tells the URL. */
  public abstract static class TrivialMetaData implements DatabaseMetaData {
    private String url;

    @Override
    public String getURL() {
      return url;
    }
  }
}
