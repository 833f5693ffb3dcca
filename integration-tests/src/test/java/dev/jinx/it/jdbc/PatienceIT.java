package dev.jinx.it.jdbc;

import static dev.jinx.Jinx.jdbc;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.FaultInjection;
import dev.jinx.Jinx;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A call that gets no answer ends by the shortest of its timeouts, as for real. */
@Timeout(120)
class PatienceIT {
  private static final int SHORT = 1;
  private static final int LONG = 15;

  /** The timeout that ends it; the others are long. */
  enum Shortest {
    QUERY,
    SOCKET,
    NETWORK
  }

  static Stream<Arguments> timeouts() {
    return Stream.of(Postgres.server(), MariaDb.server())
        .flatMap(
            database -> Stream.of(Shortest.values()).map(each -> Arguments.of(database, each)));
  }

  @ParameterizedTest
  @MethodSource("timeouts")
  void theShortestEndsADrop(Database database, Shortest shortest) throws Exception {
    List<String> real = timedOut(database, shortest, database.slowQuery());
    try (FaultInjection fault =
        Jinx.inject(jdbc(database.target()).operation("execute").sql("select ?").first(1).drop())) {
      List<String> injected = timedOut(database, shortest, "select 2");
      assertThat(injected).isEqualTo(real);
      assertThat(fault.injections()).isEqualTo(1);
    }
  }

  /** How it fails, and whether the connection is gone then. */
  private static List<String> timedOut(Database database, Shortest shortest, String sql)
      throws SQLException {
    String unit = database instanceof Postgres ? "" : "000";
    String url =
        database.url()
            + (database.url().contains("?") ? "&" : "?")
            + "socketTimeout="
            + (shortest == Shortest.SOCKET ? SHORT : LONG)
            + unit;
    try (Connection connection = Database.connect(url, database.user(), database.password());
        Statement statement = connection.createStatement()) {
      if (shortest == Shortest.NETWORK) {
        connection.setNetworkTimeout(Runnable::run, SHORT * 1000);
      }
      statement.setQueryTimeout(shortest == Shortest.QUERY ? SHORT : LONG);
      long start = System.nanoTime();
      List<String> seen =
          new ArrayList<>(Observation.failure(connection, c -> statement.execute(sql)));
      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .isBetween(Duration.ofMillis(900), Duration.ofSeconds(LONG - 3));
      seen.add("closed " + connection.isClosed());
      return seen;
    }
  }
}
