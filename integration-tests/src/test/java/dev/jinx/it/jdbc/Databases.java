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

  static Stream<Database> all() {
    return ALL.stream();
  }
}
