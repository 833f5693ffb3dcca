package dev.jinx.junit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;

import dev.jinx.FakeAgent;
import dev.jinx.FaultInjection;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.Assumptions;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.reporting.ReportEntry;
import org.junit.platform.testkit.engine.EngineExecutionResults;
import org.junit.platform.testkit.engine.EngineTestKit;
import org.junit.platform.testkit.engine.Event;

class JinxExtensionTest {

  private FakeAgent agent;

  @BeforeEach
  void install() {
    agent = FakeAgent.install();
  }

  @AfterEach
  void uninstall() {
    assertThat(agent.armed()).as("faults that outlived their test").isEmpty();
    agent.close();
  }

  // ---- what fired

  @JinxTest
  static class Firing {
    @Test
    @InjectFault(http = "payments", response = 503, first = 2)
    void fires(FaultInjection fault) {
      assertThat(FakeAgent.current().document(0))
          .isEqualTo(
              "{\"id\":\"Firing.fires-1\",\"target\":{\"kind\":\"http\",\"host\":\"payments\"},"
                  + "\"effect\":{\"response\":{\"status\":503}},\"selection\":{\"first\":2}}");
      assertThat(FakeAgent.current().call("http", "payments")).isEqualTo(1);
      assertThat(fault.injections()).isEqualTo(1);
    }

    @Test
    @InjectFault(http = "payments", path = "/v1/**", drop = true)
    void never_fires() {
      FakeAgent.current().call("http", "refunds");
    }

    @Test
    @InjectFault(http = "payments", drop = true, rate = 0)
    void never_selected() {
      FakeAgent.current().call("http", "payments");
    }

    @Test
    @InjectFault(http = "payments", drop = true, required = false)
    void need_not_fire() {}

    @Test
    @InjectFault(http = "payments", drop = true)
    void is_skipped() {
      Assumptions.assumeThat(1).isEqualTo(2);
    }

    @Test
    @InjectFault(http = "payments", drop = true, seed = 42)
    @InjectFault(dns = "*", error = NamedError.UNKNOWN_HOST)
    void fails() {
      throw new IllegalStateException("broken");
    }

    @Test
    void has_no_fault() {}
  }

  @Test
  void a_test_whose_fault_fired_passes() {
    assertThat(failure(Firing.class, "fires", "dev.jinx.FaultInjection")).isNull();
  }

  @Test
  void a_test_whose_fault_never_fired_fails_with_its_near_misses() {
    assertThat(failure(Firing.class, "never_fires"))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("never fired: fault 'Firing.never_fires-1'")
        .hasMessageContaining("\"path\":\"/v1/**\"")
        .hasMessageContaining("near miss: host: asked for \"payments\", saw \"refunds\" (1 call)")
        .hasMessageContaining("required = false");
  }

  @Test
  void a_fault_that_matched_but_was_never_selected_says_so() {
    assertThat(failure(Firing.class, "never_selected"))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("let every call pass")
        .hasMessageContaining("\"seed\":123");
  }

  @Test
  void a_fault_that_is_not_required_need_not_fire() {
    assertThat(failure(Firing.class, "need_not_fire")).isNull();
    assertThat(failure(Firing.class, "has_no_fault")).isNull();
  }

  @Test
  void a_skipped_test_stays_skipped() {
    run(Firing.class, "is_skipped").testEvents().assertStatistics(s -> s.aborted(1).failed(0));
  }

  @Test
  void a_test_that_fails_tells_the_seeds_and_keeps_its_own_failure() {
    EngineExecutionResults results = run(Firing.class, "fails");
    Throwable failure = Objects.requireNonNull(failure(results));

    assertThat(failure).isInstanceOf(IllegalStateException.class).hasMessage("broken");
    assertThat(failure.getSuppressed()).hasSize(1);
    assertThat(failure.getSuppressed()[0])
        .hasMessageContaining("seed = 42 replays fault 'Firing.fails-1'")
        .hasMessageContaining("seed = 123 replays fault 'Firing.fails-2'");
    assertThat(results.testEvents().reportingEntryPublished().list())
        .extracting(
            event -> event.getRequiredPayload(ReportEntry.class).getKeyValuePairs().toString())
        .containsExactly("{jinx.seed.Firing.fails-1=42}", "{jinx.seed.Firing.fails-2=123}");
  }

  // ---- scope

  @InjectFault(dns = "db", latency = "1ms", required = false)
  static class Scopes {
    @BeforeEach
    void set_up_feels_nothing() {
      assertThat(FakeAgent.current().armed()).isEmpty();
    }

    @AfterEach
    void clean_up_feels_nothing() {
      assertThat(FakeAgent.current().armed()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    @InjectFault(
        socket = {"a", "b"},
        error = NamedError.CONNECTION_REFUSED,
        required = false)
    @InjectFault(jdbc = "*", operation = "commit", error = NamedError.DEADLOCK, required = false)
    void order(
        int number,
        FaultInjection socket,
        FaultInjection[] all,
        FaultInjection jdbc,
        FaultInjection ofClass) {
      assertThat(all).containsExactly(socket, jdbc, ofClass);
      assertThat(socket.toString()).contains("\"socket\"").contains("[\"a\",\"b\"]");
      assertThat(jdbc.toString()).contains("{\"kind\":\"jdbc\",\"operation\":\"commit\"}");
      assertThat(ofClass.toString()).contains("\"dns\"");
      assertThat(FakeAgent.current().armed()).hasSize(3);
    }

    @Nested
    class Inner {
      @Test
      void has_the_fault_of_the_outer_class(FaultInjection fault) {
        assertThat(fault.toString()).contains("\"dns\"");
      }
    }

    @Test
    void takes_too_many(FaultInjection first, FaultInjection second) {}
  }

  static class Inherits extends Scopes {}

  @ParameterizedTest
  @ValueSource(classes = {Scopes.class, Inherits.class})
  void faults_come_in_order_and_last_as_long_as_the_method(Class<?> tests) {
    EngineExecutionResults results =
        EngineTestKit.engine("junit-jupiter").selectors(selectClass(tests)).execute();

    results.testEvents().assertStatistics(s -> s.succeeded(3).failed(1));
    assertThat(failure(results))
        .hasMessageContaining("more faults than it has @InjectFault annotations: 1");
  }

  @JinxTest
  static class Answers {
    @Test
    @InjectFault(
        http = "*",
        client = "okhttp",
        limit = "4KB",
        bandwidth = "1KB/s",
        required = false)
    void test() {
      assertThat(FakeAgent.current().document(0))
          .contains("\"client\":\"okhttp\"")
          .contains("\"limit\":{\"after\":\"4KB\"}")
          .contains("\"bandwidth\":\"1KB/s\"");
    }
  }

  @Test
  void what_becomes_of_an_answer_has_attributes_too() {
    assertThat(failure(Answers.class, "test")).isNull();
  }

  @JinxTest
  static class BadPlace {
    @BeforeEach
    void early(FaultInjection fault) {}

    @Test
    void test() {}
  }

  @Test
  void only_the_test_method_can_take_faults() {
    assertThat(failure(BadPlace.class, "test"))
        .hasMessageContaining("only the test method can take them");
  }

  // ---- annotations that stand for nothing

  @JinxTest
  static class Bad {
    @Test
    @InjectFault(drop = true)
    void no_kind() {}

    @Test
    @InjectFault(http = "a", dns = "b", drop = true)
    void two_kinds() {}

    @Test
    @InjectFault(json = "{}", path = "/x")
    void json_and_more() {}

    @Test
    @InjectFault(
        http = "a",
        error = {NamedError.READ_TIMEOUT, NamedError.CONNECT_TIMEOUT})
    void two_errors() {}

    @Test
    @InjectFault(http = "a", drop = true)
    @InjectFault(http = "payments", first = 2)
    void refused() {}
  }

  @Test
  void a_bad_annotation_is_quoted_and_says_what_is_wrong() {
    assertThat(failure(Bad.class, "no_kind"))
        .hasMessage("@InjectFault(drop = true): give one of http, jdbc, socket, dns, tls and json");
    assertThat(failure(Bad.class, "two_kinds")).hasMessageContaining("give one of");
    assertThat(failure(Bad.class, "json_and_more")).hasMessageContaining("json is the whole fault");
    assertThat(failure(Bad.class, "two_errors")).hasMessageContaining("with one error");
    assertThat(failure(Bad.class, "refused"))
        .hasMessage("@InjectFault(first = 2, http = \"payments\"): the fault has no effect");
  }

  @JinxTest
  static class Raw {
    @Test
    @InjectFault(json = "{\"id\":\"raw\",\"target\":{\"kind\":\"http\"},\"effect\":{\"drop\":{}}}")
    void test(FaultInjection fault) {
      assertThat(fault.id()).isEqualTo("raw");
      FakeAgent.current().call("http", "any");
    }
  }

  @Test
  void a_document_goes_through_as_it_is() {
    assertThat(failure(Raw.class, "test", "dev.jinx.FaultInjection")).isNull();
  }

  // ---- parallel tests

  static final AtomicInteger RUNNING = new AtomicInteger();

  /** Fails if another test is in here; waits long enough for one that may run now to come. */
  static void alone() throws InterruptedException {
    assertThat(RUNNING.incrementAndGet()).isEqualTo(1);
    assertThat(new CountDownLatch(1).await(100, TimeUnit.MILLISECONDS)).isFalse();
    RUNNING.decrementAndGet();
  }

  @JinxTest
  @Execution(ExecutionMode.CONCURRENT)
  static class ParallelByClass {
    @Test
    void a() throws InterruptedException {
      alone();
    }

    @Test
    void b() throws InterruptedException {
      alone();
    }
  }

  @Execution(ExecutionMode.CONCURRENT)
  static class ParallelByMethod {
    @Test
    @InjectFault(http = "*", drop = true, required = false)
    void one() throws InterruptedException {
      alone();
    }

    @Test
    @InjectFault(http = "*", drop = true, required = false)
    @InjectFault(dns = "*", drop = true, required = false)
    void several(FaultInjection first, FaultInjection second) throws InterruptedException {
      alone();
    }
  }

  @Test
  void tests_that_inject_never_run_at_the_same_time() {
    EngineTestKit.engine("junit-jupiter")
        .configurationParameter("junit.jupiter.execution.parallel.enabled", "true")
        .configurationParameter("junit.jupiter.execution.parallel.config.strategy", "fixed")
        .configurationParameter("junit.jupiter.execution.parallel.config.fixed.parallelism", "4")
        .selectors(selectClass(ParallelByClass.class), selectClass(ParallelByMethod.class))
        .execute()
        .testEvents()
        .assertStatistics(s -> s.succeeded(4).failed(0));
  }

  // ---- without an agent

  @JinxTest
  static class Plain {
    @Test
    void test() {}
  }

  @Test
  void without_an_agent_and_without_a_jar_the_way_out_is_said() {
    agent.close();
    System.setProperty("jinx.agent.jar", "nowhere/jinx-agent.jar");
    try {
      assertThat(Jinx.isInstalled()).isFalse();
      EngineExecutionResults results =
          EngineTestKit.engine("junit-jupiter").selectors(selectClass(Plain.class)).execute();
      assertThat(failure(results))
          .hasMessageContaining("jinx.agent.jar")
          .hasMessageContaining("names no file");
    } finally {
      System.clearProperty("jinx.agent.jar");
    }
  }

  // ----

  private static @Nullable Throwable failure(Class<?> tests, String method, String... parameters) {
    return failure(run(tests, method, parameters));
  }

  private static EngineExecutionResults run(Class<?> tests, String method, String... parameters) {
    return EngineTestKit.engine("junit-jupiter")
        .selectors(selectMethod(tests, method, String.join(",", parameters)))
        .execute();
  }

  private static @Nullable Throwable failure(EngineExecutionResults results) {
    List<Event> finished = results.allEvents().finished().list();
    assertThat(finished).isNotEmpty();
    return finished.stream()
        .map(event -> event.getRequiredPayload(TestExecutionResult.class))
        .flatMap(result -> result.getThrowable().stream())
        .findFirst()
        .orElse(null);
  }
}
