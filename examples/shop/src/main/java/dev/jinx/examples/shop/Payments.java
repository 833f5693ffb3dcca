package dev.jinx.examples.shop;

import io.github.resilience4j.circuitbreaker.CallNotPermittedException;
import io.github.resilience4j.circuitbreaker.annotation.CircuitBreaker;
import io.github.resilience4j.retry.annotation.Retry;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.net.ConnectException;
import java.util.function.Predicate;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.stereotype.Component;
import org.springframework.web.client.HttpServerErrorException;
import org.springframework.web.client.ResourceAccessException;
import org.springframework.web.client.RestClient;

/**
 * The payments service, over HTTP. A 5xx is tried again, a timeout is not (it has used up what the
 * customer is ready to wait), and where payments fails altogether the order stays pending.
 */
@Component
class Payments {
  private final RestClient http;
  private final Counter fallbacks;

  Payments(RestClient.Builder http, MeterRegistry meters, @Value("${payments.url}") String url) {
    this.http = http.baseUrl(url).build();
    this.fallbacks = meters.counter("payments.fallbacks");
  }

  @Retry(name = "payments", fallbackMethod = "settleLater")
  @CircuitBreaker(name = "payments")
  Order.Status charge(Order order) {
    http.post()
        .uri("/v1/charges")
        .header("Idempotency-Key", order.id().toString())
        .body(new Charge(order.id().toString(), order.amount().toPlainString()))
        .retrieve()
        .toBodilessEntity();
    return Order.Status.PAID;
  }

  Order.Status settleLater(Order order, ResourceAccessException unreachable) {
    return pending();
  }

  Order.Status settleLater(Order order, HttpServerErrorException broken) {
    return pending();
  }

  Order.Status settleLater(Order order, CallNotPermittedException breakerOpen) {
    return pending();
  }

  private Order.Status pending() {
    fallbacks.increment();
    return Order.Status.PENDING;
  }

  private record Charge(String order, String amount) {}

  /** Failures after which a second attempt is likely to do better. Public for resilience4j. */
  public static class WorthRetrying implements Predicate<Throwable> {
    @Override
    public boolean test(Throwable failure) {
      return failure instanceof HttpServerErrorException
          || (failure instanceof ResourceAccessException
              && failure.getCause() instanceof ConnectException);
    }
  }
}
