package dev.jinx.agent.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jinx.agent.call.CallReader;
import dev.jinx.agent.call.Field;
import dev.jinx.agent.call.Kind;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.document.InvalidDocument;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.fault.Injection.Waited;
import dev.jinx.agent.fault.Selection.Skip;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ArmoryTest {
  private static final Map<String, ?> ERROR = Map.of("error", "connectionReset");

  private final AtomicLong gate = new AtomicLong();
  private final AtomicInteger reads = new AtomicInteger();
  private final CallReader reader = new CallOfMap();

  private Armory armory = armory(new Limits(TimeUnit.MINUTES.toNanos(10), 20_000, Long.MAX_VALUE));

  private Armory armory(Limits limits) {
    Armory armory = new Armory(limits, gate::set);
    armory.hookable(() -> -1L, fault -> {});
    return armory;
  }

  /** A call is a map of its fields. */
  private final class CallOfMap implements CallReader {
    @Override
    public @Nullable String read(
        Field field, @Nullable String name, Object self, @Nullable Object argument) {
      reads.incrementAndGet();
      return (String) ((Map<?, ?>) self).get(name == null ? field.json() : "header." + name);
    }
  }

  private static Fault fault(String id, Map<String, ?> target, Object effect, Object... more) {
    return fault(Source.ENDPOINT, id, target, effect, more);
  }

  private static Fault fault(
      Source source, String id, Map<String, ?> target, Object effect, Object... more) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("id", id);
    Map<String, Object> full = new LinkedHashMap<>(target);
    full.putIfAbsent("kind", "http");
    document.put("target", full);
    document.put("effect", effect);
    for (int i = 0; i < more.length; i += 2) {
      document.put((String) more[i], more[i + 1]);
    }
    return Fault.read(document, "", source);
  }

  private @Nullable Injection match(Map<String, ?> call) {
    return armory.match(Operation.HTTP_EXCHANGE, reader, call, null);
  }

  private boolean isHit(Map<String, ?> call) {
    Injection injection = match(call);
    if (injection != null) {
      injection.finish();
    }
    return injection != null;
  }

  private Injection hit(Map<String, ?> call) {
    return Objects.requireNonNull(match(call));
  }

  private ArmedFault armed(String id) {
    return Objects.requireNonNull(armory.get(id));
  }

  private List<String> ids() {
    return armory.all().stream().map(fault -> fault.fault().id()).toList();
  }

  // ---- arming

  @Test
  void adding_the_same_document_twice_is_one_fault_with_its_counters() {
    assertThat(armory.add(List.of(fault("a", Map.of(), ERROR)))).isTrue();
    isHit(Map.of());
    ArmedFault first = armed("a");
    assertThat(armory.add(List.of(fault("a", Map.of(), ERROR)))).isFalse();
    assertThat(armed("a")).isSameAs(first);
    assertThat(first.injected()).isEqualTo(1);
  }

  @Test
  void an_id_with_another_document_is_refused_and_nothing_of_the_rest_is_armed() {
    armory.add(List.of(fault("a", Map.of(), ERROR)));
    assertThatThrownBy(
            () ->
                armory.add(
                    List.of(fault("b", Map.of(), ERROR), fault("a", Map.of("host", "x"), ERROR))))
        .isInstanceOf(Refused.class)
        .hasMessageContaining("PUT /v1/faults/a");
    assertThat(ids()).containsExactly("a");
  }

  @Test
  void replacing_touches_only_the_own_source_and_keeps_what_stays() {
    armory.add(List.of(fault(Source.JAVA, "java", Map.of(), ERROR)));
    armory.add(List.of(fault("old", Map.of(), ERROR), fault("stays", Map.of(), ERROR)));
    ArmedFault stays = armed("stays");
    ArmedFault old = armed("old");
    armory.replaceAll(
        Source.ENDPOINT, List.of(fault("stays", Map.of(), ERROR), fault("new", Map.of(), ERROR)));
    assertThat(ids()).containsExactlyInAnyOrder("java", "stays", "new");
    assertThat(armed("stays")).isSameAs(stays);
    assertThat(old.isLive()).isFalse();
    assertThatThrownBy(
            () -> armory.replaceAll(Source.ENDPOINT, List.of(fault("java", Map.of(), ERROR))))
        .isInstanceOf(Refused.class);
    assertThat(ids()).containsExactlyInAnyOrder("java", "stays", "new");
  }

  @Test
  void putting_replaces_the_one_of_that_id() {
    assertThat(armory.put(fault("a", Map.of("host", "x"), ERROR))).isTrue();
    assertThat(isHit(Map.of("host", "y"))).isFalse();
    assertThat(armory.put(fault("a", Map.of("host", "y"), ERROR))).isFalse();
    assertThat(isHit(Map.of("host", "y"))).isTrue();
    assertThat(isHit(Map.of("host", "x"))).isFalse();
  }

  @Test
  void halt_clears_and_refuses_until_resume() {
    armory.add(List.of(fault("a", Map.of(), ERROR)));
    armory.halt("because");
    assertThat(ids()).isEmpty();
    assertThat(isHit(Map.of())).isFalse();
    assertThat(gate).hasValue(0);
    assertThatThrownBy(() -> armory.add(List.of(fault("a", Map.of(), ERROR))))
        .isInstanceOf(Refused.class)
        .hasMessageContaining("because");
    armory.resume();
    armory.add(List.of(fault("a", Map.of(), ERROR)));
    assertThat(isHit(Map.of())).isTrue();
  }

  @Test
  void limits_are_kept() {
    armory = armory(new Limits(TimeUnit.SECONDS.toNanos(1), 2, Long.MAX_VALUE));
    armory.add(List.of(fault("a", Map.of(), ERROR), fault("b", Map.of(), ERROR)));
    assertThatThrownBy(() -> armory.add(List.of(fault("c", Map.of(), ERROR))))
        .isInstanceOf(Refused.class)
        .hasMessageContaining("maxFaults");
    armory.clear();
    for (Object latency :
        List.of(
            "1001ms", Map.of("uniform", Map.of("min", "0s", "max", "2s")), Map.of("floor", "2s"))) {
      assertThatThrownBy(() -> armory.put(fault("d", Map.of(), Map.of("latency", latency))))
          .isInstanceOfSatisfying(
              InvalidDocument.class, e -> assertThat(e.field()).isEqualTo("effect.latency"));
    }
  }

  @Test
  void what_no_point_can_hit_is_refused() {
    armory.hookable(() -> Operation.HTTP_EXCHANGE.bit(), fault -> {});
    assertThatThrownBy(
            () -> armory.put(fault("a", Map.of("kind", "dns"), Map.of("error", "unknownHost"))))
        .isInstanceOfSatisfying(
            InvalidDocument.class, e -> assertThat(e.field()).isEqualTo("target"));
    armory.hookable(
        () -> -1L,
        fault -> {
          throw new InvalidDocument("effect.error.class", "no");
        });
    assertThatThrownBy(() -> armory.put(fault("a", Map.of(), ERROR))).hasMessage("no");
    assertThat(ids()).isEmpty();
  }

  @Test
  void the_gate_is_open_for_the_operations_of_armed_faults_alone() {
    armory.add(
        List.of(
            fault("a", Map.of(), ERROR),
            fault("b", Map.of("kind", "jdbc", "operation", "commit"), Map.of("drop", Map.of()))));
    assertThat(gate).hasValue(Operation.HTTP_EXCHANGE.bit() | Operation.JDBC_COMMIT.bit());
    armory.remove("a");
    assertThat(gate).hasValue(Operation.JDBC_COMMIT.bit());
    armory.keepOpen(Operation.DNS_RESOLVE);
    armory.keepOpen(Operation.DNS_RESOLVE);
    armory.clear();
    assertThat(gate).hasValue(Operation.DNS_RESOLVE.bit());
    armory.letShut(Operation.DNS_RESOLVE);
    assertThat(gate).hasValue(Operation.DNS_RESOLVE.bit());
    armory.letShut(Operation.DNS_RESOLVE);
    assertThat(gate).hasValue(0);
  }

  @Test
  void the_time_of_a_fault_ends() {
    armory.add(List.of(fault("a", Map.of(), ERROR, "ttl", "50ms")));
    ArmedFault armed = armed("a");
    long start = System.nanoTime();
    while (armory.get("a") != null) {
      LockSupport.parkNanos(100_000);
    }
    assertThat(System.nanoTime() - start).isGreaterThan(TimeUnit.MILLISECONDS.toNanos(40));
    assertThat(armed.isLive()).isFalse();
    assertThat(isHit(Map.of())).isFalse();
  }

  @Test
  void a_fault_that_starts_later_hits_nothing_before() {
    armory.add(List.of(fault("a", Map.of(), ERROR, "selection", Map.of("startIn", "300ms"))));
    assertThat(armed("a").pending()).isTrue();
    assertThat(isHit(Map.of())).isFalse();
    assertThat(armed("a").skipped()).containsEntry(Skip.START_IN, 1L);
    assertThat(armed("a").matched()).isZero();
    while (armed("a").pending()) {
      LockSupport.parkNanos(100_000);
    }
    assertThat(isHit(Map.of())).isTrue();
  }

  // ---- matching

  @Test
  void every_condition_must_hold() {
    armory.add(
        List.of(
            fault(
                "a",
                Map.of("host", "payments", "method", "POST", "path", "/v1/**", "header.X-T", "a*"),
                ERROR)));
    Map<String, String> call =
        Map.of("host", "payments", "method", "POST", "path", "/v1/c", "header.X-T", "abc");
    assertThat(isHit(call)).isTrue();
    for (String field : call.keySet()) {
      Map<String, String> other = new LinkedHashMap<>(call);
      other.put(field, "other");
      assertThat(isHit(other)).as(field).isFalse();
      other.remove(field);
      assertThat(isHit(other)).as(field).isFalse();
    }
  }

  @Test
  void the_callers_class_and_thread_are_conditions_too() throws Exception {
    armory.add(
        List.of(
            fault("a", Map.of("caller", "dev.jinx.agent.fault.ArmoryTest"), ERROR),
            fault("b", Map.of("thread", "worker-*"), ERROR)));
    assertThat(isHit(Map.of())).isTrue();
    assertThat(armed("a").injected()).isEqualTo(1);
    assertThat(armed("b").injected()).isZero();
    Thread worker = new Thread(() -> isHit(Map.of()), "worker-1");
    worker.start();
    worker.join();
    assertThat(armed("b").injected()).isEqualTo(1);
  }

  @Test
  void several_faults_on_one_call_draw_independently() {
    armory.add(
        List.of(
            fault("a", Map.of(), ERROR, "selection", Map.of("rate", 0.5, "seed", 1)),
            fault("b", Map.of(), ERROR, "selection", Map.of("rate", 0.5, "seed", 2))));
    int calls = 4000;
    int any = 0;
    for (int i = 0; i < calls; i++) {
      any += isHit(Map.of()) ? 1 : 0;
    }
    // three quarters, five standard deviations
    assertThat(any).isBetween(2863, 3137);
    assertThat(armed("a").matched()).isEqualTo(calls);
    assertThat(armed("b").matched()).isEqualTo(calls);
  }

  @Test
  void a_nested_call_of_the_same_kind_is_not_hit_again() {
    armory.add(List.of(fault("a", Map.of(), ERROR)));
    try (CallScope scope = CallScope.enter(dev.jinx.agent.call.Kind.HTTP)) {
      assertThat(scope).isNotNull();
      assertThat(isHit(Map.of())).isFalse();
    }
    assertThat(isHit(Map.of())).isTrue();
    assertThat(armed("a").matched()).isEqualTo(1);
  }

  @Test
  void ten_thousand_faults_cost_a_call_that_matches_none_one_look_up() {
    List<Fault> many = new ArrayList<>();
    for (int i = 0; i < 10_000; i++) {
      many.add(fault("f" + i, Map.of("host", "host-" + i % 5000, "path", "/p" + i / 5000), ERROR));
    }
    armory.add(many);
    Map<String, String> stranger = Map.of("host", "stranger", "path", "/p0");
    assertThat(isHit(stranger)).isFalse();
    reads.set(0);
    for (int i = 0; i < 100; i++) {
      assertThat(isHit(stranger)).isFalse();
    }
    assertThat(reads).hasValue(100);
    // and the right ones are found among them
    assertThat(isHit(Map.of("host", "host-4711", "path", "/p1"))).isTrue();
    assertThat(armed("f9711").injected()).isEqualTo(1);
    assertThat(armory.all().stream().mapToLong(ArmedFault::injected).sum()).isEqualTo(1);
    assertThat(isHit(Map.of("host", "host-4711", "path", "/p2"))).isFalse();
  }

  @Test
  void many_faults_on_one_host_are_told_apart_by_path() {
    List<Fault> many = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      many.add(fault("f" + i, Map.of("host", "payments", "path", "/p" + i), ERROR));
    }
    armory.add(many);
    Map<String, String> other = Map.of("host", "payments", "path", "/other");
    assertThat(isHit(other)).isFalse();
    reads.set(0);
    assertThat(isHit(other)).isFalse();
    assertThat(reads).hasValue(2);
    assertThat(isHit(Map.of("host", "payments", "path", "/p77"))).isTrue();
    assertThat(armed("f77").injected()).isEqualTo(1);
  }

  @Test
  void more_hosts_than_are_remembered_are_still_told_apart() {
    armory.add(List.of(fault("a", Map.of("host", "host-7"), ERROR)));
    for (int round = 0; round < 2; round++) {
      for (int i = 0; i < 3000; i++) {
        assertThat(isHit(Map.of("host", "host-" + i))).isEqualTo(i == 7);
      }
    }
  }

  @Test
  void a_miss_tells_which_condition_failed_and_what_was_there() {
    armory.add(List.of(fault("a", Map.of("host", "payments", "method", "POST"), ERROR)));
    isHit(Map.of("host", "payments", "method", "GET"));
    isHit(Map.of("host", "payments", "method", "GET"));
    isHit(Map.of("host", "refunds", "method", "POST"));
    assertThat(armed("a").nearMisses())
        .containsExactlyInAnyOrder(
            new NearMisses.Miss("host", "payments", List.of("refunds"), 1),
            new NearMisses.Miss("method", "POST", List.of("GET"), 2));
  }

  // ---- deciding

  @Test
  void max_injections_and_max_active_hold_also_under_many_threads() throws Exception {
    armory.add(
        List.of(
            fault("few", Map.of("host", "few"), ERROR, "selection", Map.of("maxInjections", 100)),
            fault("held", Map.of("host", "held"), ERROR, "selection", Map.of("maxActive", 3))));
    List<Thread> threads = new ArrayList<>();
    AtomicInteger hits = new AtomicInteger();
    for (int t = 0; t < 8; t++) {
      Thread thread =
          new Thread(
              () -> {
                for (int i = 0; i < 500; i++) {
                  hits.addAndGet(isHit(Map.of("host", "few")) ? 1 : 0);
                }
              });
      thread.start();
      threads.add(thread);
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(hits).hasValue(100);
    assertThat(armed("few").injected()).isEqualTo(100);
    assertThat(armed("few").matched()).isEqualTo(4000);
    assertThat(armed("few").skipped()).containsEntry(Skip.MAX_INJECTIONS, 3900L);
    assertThat(armed("few").active()).isZero();

    List<Injection> held = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      held.add(hit(Map.of("host", "held")));
    }
    assertThat(isHit(Map.of("host", "held"))).isFalse();
    assertThat(armed("held").active()).isEqualTo(3);
    held.get(0).finish();
    held.get(0).finish();
    assertThat(armed("held").active()).isEqualTo(2);
    assertThat(isHit(Map.of("host", "held"))).isTrue();
    assertThat(armed("held").skipped()).isEqualTo(Map.of(Skip.MAX_ACTIVE, 1L));
  }

  @Test
  void the_limit_of_all_held_calls_is_kept() {
    armory = armory(new Limits(TimeUnit.MINUTES.toNanos(10), 10, 2));
    armory.add(List.of(fault("a", Map.of(), ERROR)));
    Injection first = hit(Map.of());
    hit(Map.of());
    assertThat(armory.active()).isEqualTo(2);
    assertThat(match(Map.of())).isNull();
    first.finish();
    assertThat(isHit(Map.of())).isTrue();
  }

  @Test
  void what_a_call_that_was_spared_calls_itself_is_not_decided_on_again() {
    CallReader nesting =
        new CallReader() {
          @Override
          public @Nullable String read(
              Field field, @Nullable String name, Object self, @Nullable Object argument) {
            return null;
          }

          @Override
          public boolean nests() {
            return true;
          }
        };
    armory.add(List.of(fault("a", Map.of(), ERROR, "selection", Map.of("sequence", "pass,fail"))));

    Injection spared =
        Objects.requireNonNull(armory.match(Operation.HTTP_EXCHANGE, nesting, "outer", null));
    assertThat(spared.ending(Phase.BEFORE)).isNull();
    try (CallScope outer = CallScope.enter(Kind.HTTP)) {
      assertThat(armory.match(Operation.HTTP_EXCHANGE, nesting, "inner", null)).isNull();
    }
    spared.finish();

    assertThat(armed("a").matched()).isEqualTo(1);
    assertThat(armory.active()).isZero();
  }

  @Test
  void the_log_tells_each_decision_so_that_it_can_be_replayed() {
    Fault fault =
        fault(
            "a",
            Map.of(),
            Map.of("latency", Map.of("uniform", Map.of("min", "1ms", "max", "9ms"))),
            "selection",
            Map.of("rate", 0.5, "seed", 3));
    armory.add(List.of(fault));
    for (int i = 0; i < 50; i++) {
      isHit(Map.of("host", "payments", "path", "/x"));
    }
    List<InjectionLog.Entry> entries = armory.log().after(0, 100);
    assertThat(entries).hasSize((int) armed("a").injected());
    assertThat(entries.get(0).call()).containsEntry("host", "payments").containsEntry("path", "/x");
    for (InjectionLog.Entry entry : entries) {
      assertThat(fault.selection().decide(entry.n())).isNull();
      assertThat(entry.draw()).isEqualTo(fault.selection().draw(entry.n(), 0)).isLessThan(0.5);
      assertThat(entry.delay())
          .isEqualTo(
              Objects.requireNonNull(fault.effects().latency())
                  .sample(fault.selection().draw(entry.n(), 1)));
    }
    assertThat(armory.log().after(entries.get(1).seq(), 2))
        .extracting(InjectionLog.Entry::seq)
        .containsExactly(3L, 4L);
  }

  @Test
  void the_log_forgets_the_oldest() {
    armory.add(List.of(fault("a", Map.of(), ERROR)));
    for (int i = 0; i < 10_000; i++) {
      isHit(Map.of());
    }
    List<InjectionLog.Entry> entries = armory.log().after(0, 20_000);
    assertThat(entries).hasSize(8192);
    assertThat(entries.get(entries.size() - 1).seq())
        .isEqualTo(10_000)
        .isEqualTo(armory.log().last());
  }

  // ---- holding

  private CompletableFuture<Waited> await(Injection injection, long limit) {
    CompletableFuture<Waited> waited = new CompletableFuture<>();
    Thread thread = new Thread(() -> waited.complete(injection.await(Phase.BEFORE, limit, true)));
    thread.start();
    while (thread.getState() != Thread.State.TIMED_WAITING
        && thread.getState() != Thread.State.TERMINATED) {
      LockSupport.parkNanos(100_000);
    }
    return waited;
  }

  private static CompletableFuture<Waited> later(Injection injection, long limit) {
    CompletableFuture<Waited> waited = new CompletableFuture<>();
    injection.later(Phase.BEFORE, limit, waited::complete);
    return waited;
  }

  @Test
  void a_delay_takes_its_time_and_then_the_call_ends_as_planned() {
    armory.add(
        List.of(fault("a", Map.of(), Map.of("latency", "60ms", "error", "connectionReset"))));
    for (boolean blocking : new boolean[] {true, false}) {
      Injection injection = hit(Map.of());
      long start = System.nanoTime();
      Waited waited =
          blocking
              ? injection.await(Phase.BEFORE, Long.MAX_VALUE, true)
              : later(injection, Long.MAX_VALUE).join();
      assertThat(waited).isEqualTo(Waited.ELAPSED);
      assertThat(System.nanoTime() - start)
          .isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(60));
      assertThat(injection.ending(Phase.BEFORE)).isInstanceOf(Failure.Named.class);
      injection.finish();
    }
  }

  @Test
  void the_delays_of_several_faults_add_up() {
    armory.add(
        List.of(
            fault("a", Map.of(), Map.of("latency", "30ms")),
            fault("b", Map.of(), Map.of("latency", "40ms"))));
    assertThat(hit(Map.of()).delay(Phase.BEFORE, Long.MAX_VALUE))
        .isEqualTo(TimeUnit.MILLISECONDS.toNanos(70));
  }

  @Test
  void a_floor_pads_the_whole_call_to_it() {
    armory.add(List.of(fault("a", Map.of(), Map.of("latency", Map.of("floor", "200ms")))));
    for (boolean blocking : new boolean[] {true, false}) {
      long start = System.nanoTime();
      Injection injection = hit(Map.of());
      assertThat(injection.delay(Phase.BEFORE, Long.MAX_VALUE)).isZero();
      assertThat(injection.hasAfter()).isTrue();
      CompletableFuture<Waited> waited = new CompletableFuture<>();
      if (blocking) {
        waited.complete(injection.await(Phase.AFTER, Long.MAX_VALUE, true));
      } else {
        injection.later(Phase.AFTER, Long.MAX_VALUE, waited::complete);
      }
      assertThat(waited.join()).isEqualTo(Waited.ELAPSED);
      assertThat(System.nanoTime() - start)
          .isBetween(TimeUnit.MILLISECONDS.toNanos(200), TimeUnit.SECONDS.toNanos(20));
    }
  }

  @Test
  void a_floor_is_not_cut_short_by_what_else_ends() {
    armory.add(
        List.of(
            fault("a", Map.of(), Map.of("latency", Map.of("floor", "400ms"))),
            fault("b", Map.of(), Map.of("latency", Map.of("floor", "1ms")))));
    for (boolean blocking : new boolean[] {true, false}) {
      armory.put(fault("b", Map.of(), Map.of("latency", Map.of("floor", "1ms"))));
      long start = System.nanoTime();
      Injection injection = hit(Map.of());
      CompletableFuture<Waited> waited = new CompletableFuture<>();
      if (blocking) {
        new Thread(() -> waited.complete(injection.await(Phase.AFTER, Long.MAX_VALUE, true)))
            .start();
      } else {
        injection.later(Phase.AFTER, Long.MAX_VALUE, waited::complete);
      }
      while (System.nanoTime() - start < TimeUnit.MILLISECONDS.toNanos(250)) {
        LockSupport.parkNanos(100_000);
      }
      armory.remove("b"); // wakes the wait, to look anew
      assertThat(waited.join()).isEqualTo(Waited.ELAPSED);
      assertThat(System.nanoTime() - start).isGreaterThan(TimeUnit.MILLISECONDS.toNanos(400));
    }
  }

  @Test
  void the_callers_own_limit_comes_first() {
    armory.add(List.of(fault("a", Map.of(), Map.of("drop", Map.of()))));
    long limit = TimeUnit.MILLISECONDS.toNanos(50);
    assertThat(hit(Map.of()).await(Phase.BEFORE, limit, true)).isEqualTo(Waited.TIMED_OUT);
    assertThat(later(hit(Map.of()), limit).join()).isEqualTo(Waited.TIMED_OUT);
  }

  @Test
  void clear_and_halt_release_a_thread_and_a_later_at_once_and_the_call_goes_on() {
    for (Runnable end : List.<Runnable>of(() -> armory.clear(), () -> armory.halt("now"))) {
      armory.resume();
      armory.add(List.of(fault("a", Map.of(), Map.of("drop", Map.of()))));
      armory.put(
          fault("b", Map.of("host", "x"), Map.of("latency", "5m", "error", "connectionReset")));
      armory.remove("a");
      armory.add(List.of(fault("a", Map.of("host", "y"), Map.of("drop", Map.of()))));
      Injection blocking = hit(Map.of("host", "x"));
      Injection async = hit(Map.of("host", "y"));
      CompletableFuture<Waited> first = await(blocking, Long.MAX_VALUE);
      CompletableFuture<Waited> second = later(async, Long.MAX_VALUE);
      assertThat(first).isNotDone();
      assertThat(second).isNotDone();
      end.run();
      assertThat(first.orTimeout(20, TimeUnit.SECONDS).join()).isEqualTo(Waited.ELAPSED);
      assertThat(second.orTimeout(20, TimeUnit.SECONDS).join()).isEqualTo(Waited.ELAPSED);
      assertThat(blocking.ending(Phase.BEFORE)).isNull();
      assertThat(async.planned(Phase.BEFORE)).isNull();
    }
  }

  @Test
  void expiry_releases_them_too() {
    armory.add(List.of(fault("a", Map.of(), Map.of("drop", Map.of()), "ttl", "200ms")));
    CompletableFuture<Waited> first = await(hit(Map.of()), Long.MAX_VALUE);
    CompletableFuture<Waited> second = later(hit(Map.of()), Long.MAX_VALUE);
    assertThat(first.orTimeout(20, TimeUnit.SECONDS).join()).isEqualTo(Waited.ELAPSED);
    assertThat(second.orTimeout(20, TimeUnit.SECONDS).join()).isEqualTo(Waited.ELAPSED);
  }

  @Test
  void a_later_calls_back_once_whatever_ends_it_first() {
    for (int i = 0; i < 200; i++) {
      armory.add(List.of(fault("a", Map.of(), Map.of("latency", "1ms"))));
      AtomicInteger calls = new AtomicInteger();
      CompletableFuture<Waited> done = new CompletableFuture<>();
      Injection injection = hit(Map.of());
      injection.later(
          Phase.BEFORE,
          Long.MAX_VALUE,
          waited -> {
            calls.incrementAndGet();
            done.complete(waited);
          });
      injection.close();
      armory.clear();
      done.orTimeout(20, TimeUnit.SECONDS).join();
      assertThat(calls).hasValue(1);
    }
  }

  @Test
  void closing_and_interrupting_end_a_wait() throws Exception {
    armory.add(List.of(fault("a", Map.of(), Map.of("drop", Map.of()))));
    Injection injection = hit(Map.of());
    CompletableFuture<Waited> closed = await(injection, Long.MAX_VALUE);
    injection.close();
    assertThat(closed.orTimeout(20, TimeUnit.SECONDS).join()).isEqualTo(Waited.CLOSED);

    CompletableFuture<Boolean> flag = new CompletableFuture<>();
    Injection other = hit(Map.of());
    Thread thread =
        new Thread(
            () -> {
              Waited waited = other.await(Phase.BEFORE, Long.MAX_VALUE, true);
              flag.complete(waited == Waited.INTERRUPTED && Thread.currentThread().isInterrupted());
            });
    thread.start();
    thread.interrupt();
    assertThat(flag.orTimeout(20, TimeUnit.SECONDS).join()).isTrue();
  }

  @Test
  void a_wait_that_no_interrupt_ends_keeps_the_flag_for_afterwards() throws Exception {
    armory.add(List.of(fault("a", Map.of(), Map.of("latency", "200ms"))));
    Injection injection = hit(Map.of());
    CompletableFuture<Boolean> flag = new CompletableFuture<>();
    long start = System.nanoTime();
    Thread thread =
        new Thread(
            () -> {
              Waited waited = injection.await(Phase.BEFORE, Long.MAX_VALUE, false);
              flag.complete(waited == Waited.ELAPSED && Thread.currentThread().isInterrupted());
            });
    thread.start();
    thread.interrupt();
    assertThat(flag.orTimeout(20, TimeUnit.SECONDS).join()).isTrue();
    assertThat(System.nanoTime() - start).isGreaterThan(TimeUnit.MILLISECONDS.toNanos(200));
  }
}
