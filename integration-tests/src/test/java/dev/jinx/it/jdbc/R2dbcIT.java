package dev.jinx.it.jdbc;

import static dev.jinx.Jinx.jdbc;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jinx.FaultInjection;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import io.r2dbc.spi.Connection;
import io.r2dbc.spi.ConnectionFactories;
import io.r2dbc.spi.ConnectionFactory;
import java.sql.SQLException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;

/** R2DBC is no JDBC, though it speaks to the same database. */
@Timeout(60)
class R2dbcIT {
  private static ConnectionFactory database() {
    String url = Postgres.server().url().replaceFirst("jdbc:postgresql://", "postgres@");
    return ConnectionFactories.get("r2dbc:postgresql://" + url.replaceFirst("[?].*", ""));
  }

  private static @Nullable Integer ask(ConnectionFactory database) {
    return Flux.usingWhen(
            database.create(),
            connection ->
                Flux.from(connection.createStatement("select 1").execute())
                    .flatMap(result -> result.map((row, metadata) -> row.get(0, Integer.class))),
            Connection::close)
        .blockLast(Duration.ofSeconds(20));
  }

  @Test
  void aJdbcFaultDoesNotConcernIt() {
    try (FaultInjection fault =
        Jinx.inject(jdbc("jdbc:postgresql:**").error(NamedError.CONNECTION_LOST))) {
      assertThat(ask(database())).isEqualTo(1);
      assertThat(fault.matches()).isZero();

      assertThatThrownBy(() -> Postgres.server().connect()).isInstanceOf(SQLException.class);
      assertThat(fault.matches()).isEqualTo(1);
    }
  }
}
