package dev.jinx.agent.point.jdbc;

/** The registry of the drivers that have a file of their own: one line each. */
final class KnownDrivers {
  static final DriverClasses[] ALL = {
    H2.CLASSES, MariaDb.CLASSES, PostgreSql.CLASSES, HsqlDb.CLASSES, Derby.CLASSES, Sqlite.CLASSES,
  };

  private KnownDrivers() {}
}
