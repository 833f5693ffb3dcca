package dev.jinx;

import static dev.jinx.Jinx.http;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class FaultInjectionTest {

  private static final Fault<?> SLOW = http("payments").latency(Duration.ofMillis(1));

  private FakeAgent agent;

  @BeforeEach
  void install() {
    agent = FakeAgent.install();
  }

  @AfterEach
  void uninstall() {
    agent.close();
  }

  @Test
  void is_armed_until_it_is_closed() {
    try (FaultInjection slow = Jinx.inject(SLOW)) {
      assertThat(agent.armed()).containsExactly(slow.id());
    }
    assertThat(agent.armed()).isEmpty();
  }

  @Test
  void counts_while_it_is_armed_and_remembers_afterwards() {
    FaultInjection slow = Jinx.inject(http("payments").rate(0).drop());
    FaultInjection all = Jinx.inject(http().drop());
    agent.call("http", "payments");
    assertThat(slow.matches()).isEqualTo(1);
    assertThat(slow.injections()).isZero();
    agent.call("http", "refunds");

    slow.close();
    all.close();

    assertThat(slow.matches()).isEqualTo(1);
    assertThat(all.injections()).isEqualTo(2);
  }

  @Test
  void closing_again_does_nothing() {
    FaultInjection slow = Jinx.inject(http().id("slow").drop());
    slow.close();
    Jinx.inject(http().id("slow").drop());

    slow.close();

    assertThat(agent.armed()).containsExactly("slow");
  }

  @Test
  void leaves_alone_what_another_had_armed_before() {
    String document = "{\"id\":\"shared\",\"target\":{\"kind\":\"http\"},\"effect\":{\"drop\":{}}}";
    try (FaultInjection first = Jinx.inject(document)) {
      Jinx.inject(document).close();

      assertThat(agent.armed()).containsExactly(first.id());
    }
    assertThat(agent.armed()).isEmpty();
  }

  @Test
  void equal_faults_are_two_and_count_apart() {
    try (FaultInjection first = Jinx.inject(SLOW)) {
      agent.call("http", "payments");
      try (FaultInjection second = Jinx.inject(SLOW)) {
        agent.call("http", "payments");
        assertThat(first.injections()).isEqualTo(2);
        assertThat(second.injections()).isEqualTo(1);
      }
    }
  }

  @Test
  void tells_its_seed() {
    assertThat(Jinx.inject(SLOW).seed()).isEqualTo(123);
    assertThat(Jinx.inject(http().drop().seed((1L << 53) - 1)).seed()).isEqualTo((1L << 53) - 1);
  }

  @Test
  void tells_near_misses_in_a_line_each() {
    FaultInjection slow = Jinx.inject(SLOW);
    assertThat(slow.nearMisses()).isEmpty();
    agent.call("http", "refunds");
    agent.call("http", "orders");

    assertThat(slow.nearMisses())
        .containsExactly("host: asked for \"payments\", saw \"refunds\", \"orders\" (2 calls)");
  }

  @Test
  void does_not_pretend_to_know_the_counters_of_a_fault_that_expired() {
    FaultInjection slow = Jinx.inject(SLOW);
    agent.call("http", "payments");
    agent.expire(slow.id());

    slow.close();

    assertThatIllegalStateException()
        .isThrownBy(slow::injections)
        .withMessageContaining(slow.id())
        .withMessageContaining("time to live");
  }

  @Test
  void a_refused_document_is_an_illegal_argument_with_the_agents_sentence() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Jinx.inject("{\"target\":{\"kind\":\"http\"}}"))
        .withMessage("the fault has no effect");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Jinx.inject("[]"))
        .withMessageContaining("One fault is one JSON object");
  }

  @Test
  void the_field_is_named_where_the_sentence_does_not() {
    agent.close();
    Agent.use(
        (request, body) ->
            "{\"status\":400,\"body\":{\"title\":\"Invalid\",\"detail\":\"too long\",\"field\":\"effect.latency\"}}");

    assertThatIllegalArgumentException()
        .isThrownBy(() -> Jinx.inject(SLOW))
        .withMessage("effect.latency: too long");
  }

  @Test
  void a_halted_agent_is_an_illegal_state() {
    agent.halt("incident");

    assertThatIllegalStateException()
        .isThrownBy(() -> Jinx.inject(SLOW))
        .withMessage("halted (incident)");
  }

  @Test
  void clear_disarms_everything() {
    Jinx.inject(SLOW);
    Jinx.inject(SLOW);

    Jinx.clear();

    assertThat(agent.armed()).isEmpty();
  }

  @Test
  void without_an_agent_the_way_out_is_said() {
    agent.close();

    assertThat(Jinx.isInstalled()).isFalse();
    assertThatIllegalStateException()
        .isThrownBy(() -> Jinx.inject(SLOW))
        .withMessageContaining("-javaagent:jinx-agent.jar")
        .withMessageContaining("@JinxTest");
  }
}
