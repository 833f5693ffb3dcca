package dev.jinx.agent.point.http;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Cut;
import dev.jinx.agent.effect.Reset;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.BodyFlow;
import dev.jinx.agent.fault.Fault;
import dev.jinx.agent.fault.Limits;
import dev.jinx.agent.fault.Source;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class FaultyBodyTest {
  private static InputStream body(Map<String, ?> effect, long patience) {
    var armory =
        new Armory(new Limits(TimeUnit.MINUTES.toNanos(10), 100, Long.MAX_VALUE), bits -> {});
    armory.hookable(() -> -1L, fault -> {});
    armory.add(
        List.of(
            Fault.read(
                Map.of("target", Map.of("kind", "http"), "effect", effect), "", Source.ENDPOINT)));
    BodyFlow flow =
        requireNonNull(
            requireNonNull(
                    armory.match(
                        Operation.HTTP_EXCHANGE, (f, n, self, argument) -> null, armory, null))
                .flow());
    return new FaultyBody(
        new ByteArrayInputStream("0123456789".getBytes(US_ASCII)),
        flow,
        new FaultyBody.Reader() {
          @Override
          public long patience() {
            return patience;
          }

          @Override
          public void outOfPatience() throws IOException {
            throw new SocketTimeoutException();
          }

          @Override
          public void cut(Cut cut) throws IOException {
            if (cut instanceof Reset) {
              throw new SocketException();
            }
          }
        });
  }

  @Test
  void endsInTheMiddle() throws Exception {
    try (InputStream body = body(Map.of("limit", Map.of("after", "4B")), Long.MAX_VALUE)) {
      assertThat(body.read()).isEqualTo('0');
      assertThat(body.available()).isEqualTo(3);
      assertThat(new String(body.readAllBytes(), US_ASCII)).isEqualTo("123");
      assertThat(body.read()).isEqualTo(-1);
    }
  }

  @Test
  void breaksInTheMiddle() throws Exception {
    try (InputStream body = body(Map.of("reset", Map.of("after", "4B")), Long.MAX_VALUE)) {
      assertThat(body.readNBytes(4)).hasSize(4);
      assertThatThrownBy(body::read).isInstanceOf(SocketException.class);
    }
  }

  @Test
  void aBodyThatIsShorterComesWhole() throws Exception {
    try (InputStream body = body(Map.of("reset", Map.of("after", "1KB")), Long.MAX_VALUE)) {
      assertThat(body.skip(2)).isEqualTo(2);
      assertThat(new String(body.readAllBytes(), US_ASCII)).isEqualTo("23456789");
    }
  }

  @Test
  void comesSlowly() throws Exception {
    long start = System.nanoTime();
    try (InputStream body = body(Map.of("bandwidth", "100B/s"), Long.MAX_VALUE)) {
      assertThat(body.readAllBytes()).hasSize(10);
    }
    assertThat(System.nanoTime() - start).isGreaterThan(TimeUnit.MILLISECONDS.toNanos(99));
  }

  @Test
  void theReadersOwnClockWins() throws Exception {
    try (InputStream body = body(Map.of("bandwidth", "1B/s"), 1)) {
      assertThatThrownBy(body::readAllBytes).isInstanceOf(SocketTimeoutException.class);
    }
  }
}
