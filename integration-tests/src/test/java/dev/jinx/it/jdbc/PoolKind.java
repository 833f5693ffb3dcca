package dev.jinx.it.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.function.IntSupplier;
import java.util.function.IntUnaryOperator;
import javax.sql.DataSource;

/**
 * A pool of connections, or a wrapper around one, and how applications set it up.
 *
 * @param persistence of a caller's patience, the milliseconds that it waits at least before it is
 *     told that no connection can be made
 */
record PoolKind(String name, Opener opener, IntUnaryOperator persistence) {

  /** One that fails as soon as it cannot connect. */
  PoolKind(String name, Opener opener) {
    this(name, opener, patience -> 0);
  }

  Pool open(Settings settings) throws Exception {
    return opener.open(settings);
  }

  /**
   * @param size how many connections it may have
   * @param patience milliseconds that it lets its callers wait for one
   * @param validates whether it looks at a connection before it gives it out
   */
  record Settings(
      String url, String user, String password, int size, int patience, boolean validates) {

    static Settings of(Database database) {
      return new Settings(database.url(), database.user(), database.password(), 1, 10_000, false);
    }

    Settings size(int size) {
      return new Settings(url, user, password, size, patience, validates);
    }

    Settings patience(int millis) {
      return new Settings(url, user, password, size, millis, validates);
    }

    Settings validating() {
      return new Settings(url, user, password, size, patience, true);
    }

    Settings url(String url) {
      return new Settings(url, user, password, size, patience, validates);
    }

    Settings user(String user, String password) {
      return new Settings(url, user, password, size, patience, validates);
    }
  }

  @FunctionalInterface
  interface Opener {
    Pool open(Settings settings) throws Exception;
  }

  /**
   * An open pool.
   *
   * @param active how many of its connections are given out
   */
  record Pool(DataSource source, IntSupplier active, AutoCloseable end) implements AutoCloseable {
    Connection getConnection() throws SQLException {
      return source.getConnection();
    }

    @Override
    public void close() throws Exception {
      end.close();
    }
  }

  @Override
  public String toString() {
    return name;
  }
}
