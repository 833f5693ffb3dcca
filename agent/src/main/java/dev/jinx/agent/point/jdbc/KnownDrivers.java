package dev.jinx.agent.point.jdbc;

/** The registry of the drivers that have a file of their own: one line each. */
final class KnownDrivers {
  static final DriverClasses[] ALL = {
    Derby.CLASSES, //
    H2.CLASSES,
    HsqlDb.CLASSES,
    MariaDb.CLASSES,
    MySql.CLASSES,
    Oracle.CLASSES,
    PostgreSql.CLASSES,
    Sqlite.CLASSES,
    SqlServer.CLASSES,
  };

  private KnownDrivers() {}
}
