package dev.jinx.it.jdbc;

import static dev.jinx.Jinx.jdbc;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jinx.FaultInjection;
import dev.jinx.JdbcFault;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.configuration.FluentConfiguration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An application that migrates its database as it starts. */
@Timeout(60)
class FlywayIT {
  private final Database database = Postgres.server();

  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path migrations;

  @BeforeEach
  void write() throws IOException, SQLException {
    Files.writeString(
        migrations.resolve("V1__parcels.sql"), "create table parcel (id int primary key);");
    Files.writeString(
        migrations.resolve("V2__weights.sql"),
        """
        set local lock_timeout = '100ms';
        alter table parcel add column weight int;
        insert into parcel values (1, 2);
        """);
    try (Connection connection = database.connect()) {
      Database.run(connection, "drop schema if exists post cascade");
    }
  }

  private FluentConfiguration flyway(String url) {
    return Flyway.configure()
        .dataSource(url, database.user(), database.password())
        .locations("filesystem:" + migrations)
        .defaultSchema("post");
  }

  private int migrate(String target) {
    return flyway(database.url()).target(target).load().migrate().migrationsExecuted;
  }

  private int parcels() throws SQLException {
    try (Connection connection = database.connect()) {
      return Database.number(connection, "select count(*) from post.parcel");
    }
  }

  private JdbcFault on(String operation, NamedError error) {
    return jdbc(database.target()).operation(operation).error(error);
  }

  private static List<String> failure(Runnable start) {
    try {
      start.run();
    } catch (FlywayException e) {
      return Observation.describe(e);
    }
    return List.of("nothing failed");
  }

  @Test
  void theDatabaseIsNotThere() throws Exception {
    List<String> real =
        failure(() -> flyway("jdbc:postgresql://localhost:1/postgres").load().migrate());
    try (FaultInjection fault = Jinx.inject(on("connect", NamedError.CONNECTION_LOST))) {
      List<String> injected = failure(() -> flyway(database.url()).load().migrate());
      assertThat(injected).isEqualTo(real);
      assertThat(fault.injections()).isEqualTo(1);
    }
    assertThat(migrate("latest")).isEqualTo(2);
    assertThat(parcels()).isEqualTo(1);
  }

  @Test
  void tryingAgainOutlivesTwoFailures() throws Exception {
    try (FaultInjection fault =
        Jinx.inject(on("connect", NamedError.TOO_MANY_CONNECTIONS).first(2))) {
      Flyway patient = flyway(database.url()).connectRetries(2).connectRetriesInterval(1).load();
      assertThat(patient.migrate().migrationsExecuted).isEqualTo(2);
      assertThat(fault.injections()).isEqualTo(2);
    }
    assertThat(parcels()).isEqualTo(1);
  }

  @Test
  void aMigrationThatLosesItsConnectionLeavesNothing() throws Exception {
    migrate("1");
    try (FaultInjection fault =
        Jinx.inject(
            on("execute", NamedError.CONNECTION_LOST).table("parcel").statement("insert"))) {
      assertThatThrownBy(() -> migrate("latest"))
          .isInstanceOf(FlywayException.class)
          .hasStackTraceContaining("terminating connection");
      assertThat(fault.injections()).isEqualTo(1);
    }
    assertThat(migrate("latest")).isEqualTo(1); // the column is added anew
    assertThat(parcels()).isEqualTo(1);
  }

  @Test
  void aMigrationThatWaitsForALock() throws Exception {
    migrate("1");
    List<String> real;
    try (Connection other = database.connect()) {
      other.setAutoCommit(false);
      Database.run(other, "lock table post.parcel in share mode");
      real = failure(() -> migrate("latest"));
      other.rollback();
    }
    try (FaultInjection fault =
        Jinx.inject(on("execute", NamedError.LOCK_TIMEOUT).table("parcel").statement("ddl"))) {
      List<String> injected = failure(() -> migrate("latest"));
      assertThat(injected).isEqualTo(real);
      assertThat(fault.injections()).isEqualTo(1);
    }
    assertThat(migrate("latest")).isEqualTo(1);
    assertThat(parcels()).isEqualTo(1);
  }
}
