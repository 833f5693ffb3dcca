package dev.jinx.examples.shop;

import com.zaxxer.hikari.HikariDataSource;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerRegistry;
import io.github.resilience4j.retry.RetryRegistry;
import io.micrometer.core.instrument.MeterRegistry;
import java.net.http.HttpTimeoutException;
import java.util.concurrent.atomic.LongAdder;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.event.EventListener;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** What the shop's own defences have done so far, from their own metrics and events. */
@RestController
class ResilienceController {
  private final LongAdder paymentRetries = new LongAdder();
  private final LongAdder paymentTimeouts = new LongAdder();
  private final LongAdder breakerRefusals = new LongAdder();
  private final LongAdder readRetries = new LongAdder();
  private final CircuitBreaker breaker;
  private final MeterRegistry meters;
  private final HikariDataSource pool;
  private volatile long createdAtStart;

  ResilienceController(
      RetryRegistry retries,
      CircuitBreakerRegistry breakers,
      MeterRegistry meters,
      HikariDataSource pool) {
    this.meters = meters;
    this.pool = pool;
    this.breaker = breakers.circuitBreaker("payments");
    breaker
        .getEventPublisher()
        .onCallNotPermitted(event -> breakerRefusals.increment())
        .onError(
            event -> {
              if (event.getThrowable().getCause() instanceof HttpTimeoutException) {
                paymentTimeouts.increment();
              }
            });
    retries.retry("payments").getEventPublisher().onRetry(event -> paymentRetries.increment());
    retries.retry("reads").getEventPublisher().onRetry(event -> readRetries.increment());
  }

  record Resilience(
      long paymentTimeouts,
      long paymentRetries,
      long breakerRefusals,
      long paymentFallbacks,
      long readRetries,
      long connectionsEvicted,
      String breaker) {}

  @EventListener(ApplicationReadyEvent.class)
  void started() {
    createdAtStart = created();
  }

  @GetMapping("/resilience")
  Resilience resilience() {
    return new Resilience(
        paymentTimeouts.sum(),
        paymentRetries.sum(),
        breakerRefusals.sum(),
        (long) meters.get("payments.fallbacks").counter().count(),
        readRetries.sum(),
        evicted(),
        breaker.getState().name());
  }

  // the pool does not count them: those that it replaced and those that it is about to replace
  private long evicted() {
    int missing = pool.getMaximumPoolSize() - pool.getHikariPoolMXBean().getTotalConnections();
    return created() - createdAtStart + missing;
  }

  private long created() {
    return meters.get("hikaricp.connections.creation").timer().count();
  }
}
