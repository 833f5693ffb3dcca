package dev.jinx.agent.fault;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.agent.call.CallReader;
import dev.jinx.agent.call.Field;
import dev.jinx.agent.effect.Limit;
import dev.jinx.agent.effect.Reset;
import dev.jinx.agent.fault.Injection.Waited;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LineTest {
  private static final CallReader READER =
      (field, name, self, argument) -> field == Field.HOST ? "redis" : null;

  private final Armory armory =
      new Armory(new Limits(TimeUnit.MINUTES.toNanos(10), 100, Long.MAX_VALUE), bits -> {});
  private final CountDownLatch over = new CountDownLatch(1);

  LineTest() {
    armory.hookable(() -> -1L, fault -> {});
  }

  private void arm(String id, Map<String, ?> effect, Map<String, ?> selection) {
    armory.add(
        List.of(
            Fault.read(
                Map.of(
                    "id", id,
                    "target", Map.of("kind", "socket", "host", "redis"),
                    "effect", effect,
                    "selection", selection),
                "",
                Source.ENDPOINT)));
  }

  private Line look(Line line) {
    line.look(armory, READER, Armory.Choice.ALL, this, null, over::countDown);
    return line;
  }

  private Line line(Map<String, ?> effect) {
    arm("a", effect, Map.of());
    return look(new Line());
  }

  @Test
  void aFaultIsDecidedOnceForEachConnection() {
    arm("a", Map.of("bandwidth", "1KB/s"), Map.of("first", 1));

    Line first = look(look(new Line()));
    Line second = look(new Line());

    assertThat(first.isIdle()).isFalse();
    assertThat(second.isIdle()).isTrue();
    assertThat(armory.all().get(0).matched()).isEqualTo(2);
    assertThat(armory.all().get(0).injected()).isEqualTo(1);
  }

  @Test
  void whatIsArmedLaterReachesAConnectionThatIsThere() {
    Line line = look(new Line());
    assertThat(line.isIdle()).isTrue();

    arm("a", Map.of("drop", Map.of()), Map.of());

    assertThat(look(line).inbound().isSilent()).isTrue();
    assertThat(line.outbound().isSilent()).isTrue();
  }

  @Test
  void aFaultThatIsNotLiveYetIsDecidedWhenItIs() throws InterruptedException {
    arm("a", Map.of("drop", Map.of()), Map.of("startIn", "50ms"));
    Line line = look(new Line());
    assertThat(line.isIdle()).isTrue();
    assertThat(armory.all().get(0).matched()).isZero();

    while (armory.all().get(0).pending()) {
      LockSupport.parkNanos(100_000);
    }

    assertThat(look(line).inbound().isSilent()).isTrue();
  }

  @Test
  void itsEndIsToldAndLeavesTheLineFree() throws InterruptedException {
    Line line = line(Map.of("drop", Map.of()));
    assertThat(armory.active()).isEqualTo(1);

    assertThat(armory.clear()).isEqualTo(1);

    assertThat(over.await(10, SECONDS)).isTrue();
    assertThat(line.isIdle()).isTrue();
    assertThat(line.inbound().delay()).isZero();
    assertThat(armory.active()).isZero();
  }

  @Test
  void clearingWakesWhoWaits() throws Exception {
    Line line = line(Map.of("drop", Map.of()));
    CompletableFuture<Waited> waiting =
        CompletableFuture.supplyAsync(() -> line.inbound().await(Long.MAX_VALUE, false));
    CountDownLatch free = new CountDownLatch(1);
    line.outbound().whenFree(free::countDown);
    assertThat(free.getCount()).isEqualTo(1);

    armory.clear();

    assertThat(waiting.get(10, SECONDS)).isEqualTo(Waited.ELAPSED);
    assertThat(free.await(10, SECONDS)).isTrue();
  }

  @Test
  void closingWakesWhoWaits() throws Exception {
    Line line = line(Map.of("drop", Map.of()));
    CompletableFuture<Waited> waiting =
        CompletableFuture.supplyAsync(() -> line.inbound().await(Long.MAX_VALUE, false));

    line.close();

    assertThat(waiting.get(10, SECONDS)).isEqualTo(Waited.CLOSED);
  }

  @Test
  void theCallersOwnClockWins() {
    Line line = line(Map.of("drop", Map.of()));

    assertThat(line.inbound().await(MILLISECONDS.toNanos(20), false)).isEqualTo(Waited.TIMED_OUT);
  }

  @Test
  void aBandwidthMakesBytesTakeTheirTime() {
    Lane lane = line(Map.of("bandwidth", Map.of("write", "10KB/s"))).outbound();
    assertThat(lane.delay()).isZero();
    assertThat(lane.portion(1_000_000)).isBetween(50L, 1024L);

    lane.passed(10 * 1024);

    assertThat(lane.delay()).isBetween(MILLISECONDS.toNanos(800), MILLISECONDS.toNanos(1000));
  }

  @Test
  void aBandwidthOfOneDirectionLeavesTheOtherAlone() {
    Line line = line(Map.of("bandwidth", Map.of("write", "10KB/s")));

    assertThat(line.inbound().isIdle()).isTrue();
  }

  @Test
  void cutsBehindSoManyBytesOfEitherDirection() {
    Lane lane = line(Map.of("limit", Map.of("after", "1KB"))).inbound();
    assertThat(lane.cut()).isNull();
    assertThat(lane.portion(5000)).isEqualTo(1024);

    lane.passed(1024);

    assertThat(lane.cut()).isEqualTo(new Limit(1024));
  }

  @Test
  void cutsAtOnce() {
    assertThat(line(Map.of("reset", Map.of("after", "0B"))).outbound().cut())
        .isEqualTo(new Reset(0));
  }

  @Test
  void comesInSlices() {
    Lane lane = line(Map.of("slice", Map.of("size", "10B", "delay", "5s"))).inbound();
    assertThat(lane.portion(100)).isEqualTo(10);

    lane.passed(10);

    assertThat(lane.delay()).isBetween(SECONDS.toNanos(4), SECONDS.toNanos(5));
  }

  @Test
  void aShareOfTheBytesIsFlippedAndTheSameAgain() {
    byte[] once = corrupted();
    armory.clear();
    assertThat(corrupted()).isEqualTo(once);
    int flipped = 0;
    for (byte each : once) {
      assertThat(Integer.bitCount(each & 0xff)).isLessThanOrEqualTo(1);
      flipped += each == 0 ? 0 : 1;
    }
    assertThat(flipped).isBetween(50, 200);
  }

  private byte[] corrupted() {
    arm("a", Map.of("corrupt", Map.of("rate", 0.01)), Map.of("seed", 7));
    byte[] bytes = new byte[10_000];
    look(new Line()).inbound().corrupt(ByteBuffer.wrap(bytes));
    return bytes;
  }

  @Test
  void aLostTailCostsARetransmissionTimeout() {
    Lane lane = line(Map.of("loss", Map.of("rate", 1))).inbound();

    lane.passed(100);

    // 200 ms, doubled five times more: RFC 6298
    assertThat(lane.delay()).isGreaterThan(MILLISECONDS.toNanos(200 * (1 + 2 + 4)));
  }

  @Test
  void noLossCostsNothing() {
    Lane lane = line(Map.of("loss", Map.of("rate", 1e-12))).inbound();

    lane.passed(1_000_000);

    assertThat(lane.delay()).isZero();
  }

  @Test
  void aProfilesLatencyIsFeltOnceATurn() {
    Lane lane = line(Map.of("profile", "satellite")).inbound();

    lane.turn();

    assertThat(lane.delay()).isGreaterThan(MILLISECONDS.toNanos(200));
  }
}
