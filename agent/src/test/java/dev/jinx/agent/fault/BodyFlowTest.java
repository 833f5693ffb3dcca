package dev.jinx.agent.fault;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.document.InvalidDocument;
import dev.jinx.agent.effect.Limit;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.effect.Reset;
import dev.jinx.agent.fault.Injection.Waited;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class BodyFlowTest {
  private final Armory armory =
      new Armory(new Limits(TimeUnit.MINUTES.toNanos(10), 100, Long.MAX_VALUE), bits -> {});

  BodyFlowTest() {
    armory.hookable(() -> -1L, fault -> {});
  }

  @SafeVarargs
  private final @Nullable BodyFlow flow(Map<String, ?>... effects) {
    for (Map<String, ?> effect : effects) {
      armory.add(
          List.of(
              Fault.read(
                  Map.of("target", Map.of("kind", "http"), "effect", effect),
                  "",
                  Source.ENDPOINT)));
    }
    Injection injection =
        requireNonNull(
            armory.match(Operation.HTTP_EXCHANGE, (f, n, self, argument) -> null, this, null));
    assertThat(injection.ending(Phase.BEFORE)).isNull();
    assertThat(injection.planned(Phase.BEFORE)).isNull();
    injection.finish();
    return injection.flow();
  }

  @SafeVarargs
  private final BodyFlow some(Map<String, ?>... effects) {
    return requireNonNull(flow(effects));
  }

  @Test
  void leavesTheBodyAlone() {
    assertThat(flow(Map.of("latency", "1ms"))).isNull();
  }

  @Test
  void cutsBehindSoManyBytes() {
    BodyFlow flow = some(Map.of("limit", Map.of("after", "10B")));

    assertThat(flow.portion(4)).isEqualTo(4);
    flow.passed(4);
    assertThat(flow.cut()).isNull();
    assertThat(flow.portion(100)).isEqualTo(6);
    flow.passed(6);
    assertThat(flow.portion(100)).isZero();
    assertThat(flow.cut()).isEqualTo(new Limit(10));
  }

  @Test
  void theNearestCutOfSeveralFaultsCounts() {
    BodyFlow flow =
        some(Map.of("limit", Map.of("after", "10B")), Map.of("reset", Map.of("after", "3B")));

    assertThat(flow.portion(100)).isEqualTo(3);
    flow.passed(3);
    assertThat(flow.cut()).isEqualTo(new Reset(3));
  }

  @Test
  void clearingLetsTheRestBy() {
    BodyFlow flow = some(Map.of("limit", Map.of("after", "10B"), "bandwidth", "1B/s"));
    flow.passed(10);
    assertThat(flow.portion(5)).isZero();
    armory.clear();

    assertThat(flow.portion(5)).isEqualTo(5);
    assertThat(flow.cut()).isNull();
    assertThat(flow.await(5, Long.MAX_VALUE, false)).isEqualTo(Waited.ELAPSED);
  }

  @Test
  void keepsToTheBandwidth() {
    BodyFlow flow = some(Map.of("bandwidth", "50KB/s"));
    long start = System.nanoTime();
    long left = 10 * 1024;
    while (left > 0) {
      long portion = flow.portion(left);
      assertThat(portion).isBetween(1L, 1024L);
      assertThat(flow.await(portion, Long.MAX_VALUE, false)).isEqualTo(Waited.ELAPSED);
      flow.passed(portion);
      left -= portion;
    }

    assertThat(System.nanoTime() - start)
        .isBetween(TimeUnit.MILLISECONDS.toNanos(200), TimeUnit.SECONDS.toNanos(5));
  }

  @Test
  void waitsOnNoThread() throws Exception {
    BodyFlow flow = some(Map.of("bandwidth", "100B/s"));
    long start = System.nanoTime();
    var waited = new CompletableFuture<Waited>();
    flow.later(10, waited::complete);

    assertThat(waited.get()).isEqualTo(Waited.ELAPSED);
    assertThat(System.nanoTime() - start).isGreaterThan(TimeUnit.MILLISECONDS.toNanos(99));
  }

  @Test
  void theCallersOwnClockWins() {
    BodyFlow flow = some(Map.of("bandwidth", "1B/s"));

    assertThat(flow.await(1000, 1, false)).isEqualTo(Waited.TIMED_OUT);
  }

  @Test
  void closingEndsAWait() throws Exception {
    BodyFlow flow = some(Map.of("bandwidth", "1B/s"));
    var waited = new CompletableFuture<Waited>();
    flow.later(1000, waited::complete);
    flow.close();

    assertThat(waited.get()).isEqualTo(Waited.CLOSED);
  }

  @Test
  void whatHasNoAnswerCannotBeSlow() {
    assertThatThrownBy(() -> some(Map.of("bandwidth", "1KB/s", "drop", Map.of())))
        .isInstanceOf(InvalidDocument.class)
        .hasMessageContaining("bandwidth has nothing to slow down");
    assertThatThrownBy(() -> some(Map.of("limit", Map.of())))
        .hasMessage("effect.limit.after is missing; give a size such as \"4KB\"");
  }
}
