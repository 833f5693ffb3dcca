package dev.jinx.it.jdbc;

import java.util.List;
import java.util.stream.Stream;

/** The registry of the databases and drivers that the twin tests compare: one line each. */
final class Databases {
  private static final List<Database> ALL =
      List.of(
          Postgres.server(), //
          MariaDb.server(),
          MySql.server(),
          H2.EMBEDDED,
          H2.server(),
          HsqlDb.MVCC,
          HsqlDb.LOCKS,
          Derby.EMBEDDED,
          Sqlite.FILE);

  private Databases() {}

  /** On a second JDK, one of each kind is enough: the drivers' code is the same. */
  static Stream<Database> all() {
    return Boolean.getBoolean("jinx.it.few")
        ? Stream.of(Postgres.server(), MariaDb.server(), H2.EMBEDDED)
        : ALL.stream();
  }
}
