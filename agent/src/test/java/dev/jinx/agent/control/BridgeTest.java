package dev.jinx.agent.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Source;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BridgeTest {
  private final Armory armory = Armories.create();
  private final Bridge bridge = new Bridge(armory, Armories.status());

  @Test
  void runs_commands_as_the_java_source() {
    Map<?, ?> reply = ask("POST /v1/faults", Armories.fault("f"));
    assertThat(reply.get("status")).isEqualTo(201);
    assertThat(Tree.at(reply, "body").get("id")).isEqualTo("f");
    assertThat(Objects.requireNonNull(armory.get("f")).fault().source()).isEqualTo(Source.JAVA);
    assertThat(ask("GET /v1/injections?limit=1", "").get("status")).isEqualTo(200);
  }

  @ParameterizedTest
  @CsvSource({
    "'',400",
    "GET,400",
    "'GET /v1/nothing',404",
    "'PUT /v1/status',405",
    "'POST /v1/faults',400",
    "'GET /v1/injections?limit=x',422"
  })
  void answers_errors_as_problem_details(String request, int status) {
    Map<?, ?> reply = ask(request, "nonsense");
    assertThat(reply.get("status")).isEqualTo(status);
    assertThat(Tree.at(reply, "body").get("detail")).isInstanceOf(String.class);
  }

  @Test
  @SuppressWarnings("NullAway") // the facade may be of another version
  void never_throws() {
    assertThat(bridge.apply(null, null)).contains("\"status\":400");
    Bridge broken =
        new Bridge(
            armory,
            new Status(
                "1",
                () -> {
                  throw new StackOverflowError();
                },
                java.util.List::of,
                0));
    assertThat(broken.apply("GET /v1/status", "")).contains("\"status\":500");
  }

  private Map<?, ?> ask(String request, String body) {
    return Tree.read(bridge.apply(request, body));
  }
}
