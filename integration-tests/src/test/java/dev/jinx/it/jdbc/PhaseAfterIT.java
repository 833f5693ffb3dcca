package dev.jinx.it.jdbc;

import static dev.jinx.Jinx.jdbc;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.FaultInjection;
import dev.jinx.JdbcFault;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What happened but was never heard of: a service that simply tries again charges twice, one that
 * recognises its own request charges once.
 */
@Timeout(60)
class PhaseAfterIT {

  static Stream<Database> servers() {
    return Stream.of(Postgres.server(), MariaDb.server());
  }

  @BeforeEach
  void create() throws SQLException {
    for (Database database : servers().toList()) {
      try (Connection connection = database.connect()) {
        Database.run(connection, "drop table if exists charge");
        Database.run(connection, "drop table if exists receipt");
        Database.run(connection, "create table charge (request varchar(40), amount int)");
        Database.run(
            connection, "create table receipt (request varchar(40) primary key, amount int)");
      }
    }
  }

  /** The outcome that gets lost. */
  enum Lost {
    COMMIT {
      @Override
      JdbcFault on(Database database) {
        return jdbc(database.target()).operation("commit").error(NamedError.CONNECTION_LOST);
      }
    },
    INSERT {
      @Override
      JdbcFault on(Database database) {
        return jdbc(database.target())
            .operation("execute")
            .statement("insert")
            .error(NamedError.TIMEOUT);
      }
    };

    abstract JdbcFault on(Database database);
  }

  static Stream<Arguments> outcomes() {
    return servers()
        .flatMap(database -> Stream.of(Lost.values()).map(lost -> Arguments.of(database, lost)));
  }

  /** Charges an amount; tries again, on a new connection, where that fails. */
  private abstract static class Payments {
    private final Database database;
    private final boolean autoCommit;
    int failures;

    Payments(Database database, Lost lost) {
      this.database = database;
      autoCommit = lost == Lost.INSERT;
    }

    void charge(String request, int amount) throws SQLException {
      while (true) {
        try (Connection connection = database.connect()) {
          connection.setAutoCommit(autoCommit);
          attempt(connection, request, amount);
          if (!autoCommit) {
            connection.commit();
          }
          return;
        } catch (SQLException e) {
          if (++failures == 3) {
            throw e;
          }
        }
      }
    }

    abstract void attempt(Connection connection, String request, int amount) throws SQLException;

    static int run(Connection connection, String sql, String request, int amount)
        throws SQLException {
      try (PreparedStatement statement = connection.prepareStatement(sql)) {
        statement.setString(1, request);
        statement.setInt(2, amount);
        return statement.executeUpdate();
      }
    }
  }

  private static final class Simple extends Payments {
    Simple(Database database, Lost lost) {
      super(database, lost);
    }

    @Override
    void attempt(Connection connection, String request, int amount) throws SQLException {
      run(connection, "insert into charge values (?, ?)", request, amount);
    }
  }

  /** The database itself takes a request once. */
  private static final class ByKey extends Payments {
    private final String insert;

    ByKey(Database database, Lost lost) {
      super(database, lost);
      insert =
          database instanceof Postgres
              ? "insert into receipt values (?, ?) on conflict do nothing"
              : "insert ignore into receipt values (?, ?)";
    }

    @Override
    void attempt(Connection connection, String request, int amount) throws SQLException {
      run(connection, insert, request, amount);
    }
  }

  /** Looks first whether the request has been served. */
  private static final class ByReading extends Payments {
    ByReading(Database database, Lost lost) {
      super(database, lost);
    }

    @Override
    void attempt(Connection connection, String request, int amount) throws SQLException {
      try (PreparedStatement known =
          connection.prepareStatement("select 1 from charge where request = ?")) {
        known.setString(1, request);
        if (known.executeQuery().next()) {
          return;
        }
      }
      run(connection, "insert into charge values (?, ?)", request, amount);
    }
  }

  @ParameterizedTest
  @MethodSource("outcomes")
  void anUnsafeRetryChargesTwice(Database database, Lost lost) throws Exception {
    assertThat(charges(database, lost, new Simple(database, lost))).isEqualTo(2);
  }

  @ParameterizedTest
  @MethodSource("outcomes")
  void aRetryThatTheDatabaseRecognisesChargesOnce(Database database, Lost lost) throws Exception {
    assertThat(charges(database, lost, new ByKey(database, lost))).isEqualTo(1);
  }

  @ParameterizedTest
  @MethodSource("outcomes")
  void aRetryThatLooksFirstChargesOnce(Database database, Lost lost) throws Exception {
    assertThat(charges(database, lost, new ByReading(database, lost))).isEqualTo(1);
  }

  /** As a check: had it failed before it happened, each of them would charge once. */
  @ParameterizedTest
  @MethodSource("outcomes")
  void whatFailsBeforeItHappensIsRepeatedSafely(Database database, Lost lost) throws Exception {
    Payments payments = new Simple(database, lost);
    try (FaultInjection fault = Jinx.inject(lost.on(database).first(1))) {
      payments.charge("r1", 100);
      assertThat(fault.injections()).isEqualTo(1);
    }
    assertThat(charges(database)).isEqualTo(1);
  }

  private static int charges(Database database, Lost lost, Payments payments) throws SQLException {
    try (FaultInjection fault = Jinx.inject(lost.on(database).afterCall().first(1))) {
      payments.charge("r1", 100);
      assertThat(fault.injections()).isEqualTo(1);
      assertThat(payments.failures).isEqualTo(1);
    }
    return charges(database);
  }

  private static int charges(Database database) throws SQLException {
    try (Connection connection = database.connect()) {
      return Database.number(connection, "select count(*) from charge")
          + Database.number(connection, "select count(*) from receipt");
    }
  }
}
