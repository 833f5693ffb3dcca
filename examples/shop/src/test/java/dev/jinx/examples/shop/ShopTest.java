package dev.jinx.examples.shop;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.resilience4j.circuitbreaker.CircuitBreakerRegistry;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.SpringBootTest.WebEnvironment;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import org.springframework.web.client.RestClient;

@SpringBootTest(webEnvironment = WebEnvironment.RANDOM_PORT)
class ShopTest {
  private static final FakePayments payments = new FakePayments();

  private final RestClient customer;

  ShopTest(@LocalServerPort int port) {
    customer = RestClient.create("http://localhost:" + port);
  }

  @DynamicPropertySource
  static void properties(DynamicPropertyRegistry registry) {
    registry.add("payments.url", payments::url);
    // a cold JVM on a busy machine may need more than the shop's 400 ms
    registry.add("spring.http.clients.read-timeout", () -> "10s");
  }

  @AfterAll
  static void stop() {
    payments.close();
  }

  @BeforeEach
  void reset(@Autowired CircuitBreakerRegistry breakers) {
    payments.reset();
    breakers.circuitBreaker("payments").reset();
  }

  @Test
  void shows_the_catalog() {
    List<?> products = customer.get().uri("/catalog").retrieve().body(List.class);

    assertThat(products).hasSize(4);
  }

  @Test
  void an_order_is_charged_and_can_be_read_again() {
    ResponseEntity<Order> placed = order("ladder", 2);

    assertThat(placed.getStatusCode()).isEqualTo(HttpStatus.CREATED);
    assertThat(body(placed).status()).isEqualTo(Order.Status.PAID);
    assertThat(body(placed).amount()).isEqualByComparingTo("99.80");
    assertThat(payments.keys()).containsExactly(body(placed).id().toString());
    assertThat(stored(placed)).isEqualTo(body(placed));
  }

  @Test
  void retries_twice_then_succeeds() {
    payments.answerNext(503, 503);

    ResponseEntity<Order> placed = order("salt", 1);

    String key = body(placed).id().toString();
    assertThat(placed.getStatusCode()).isEqualTo(HttpStatus.CREATED);
    assertThat(payments.keys()).as("one key for all attempts").containsExactly(key, key, key);
  }

  @Test
  void accepts_the_order_as_pending_when_payments_stays_broken() {
    payments.answerNext(503, 503, 503);

    ResponseEntity<Order> placed = order("salt", 1);

    assertThat(placed.getStatusCode()).isEqualTo(HttpStatus.ACCEPTED);
    assertThat(stored(placed).status()).isEqualTo(Order.Status.PENDING);
    assertThat(payments.keys()).hasSize(3);
  }

  @Test
  void does_not_hide_that_payments_calls_the_request_wrong() {
    payments.answerNext(400);

    ResponseEntity<Order> placed = order("salt", 1);

    assertThat(placed.getStatusCode()).isEqualTo(HttpStatus.INTERNAL_SERVER_ERROR);
    assertThat(payments.keys()).hasSize(1);
  }

  @Test
  void refuses_an_unknown_product_and_an_empty_order() {
    assertThat(order("umbrella", 1).getStatusCode()).isEqualTo(HttpStatus.NOT_FOUND);
    assertThat(order("salt", 0).getStatusCode()).isEqualTo(HttpStatus.BAD_REQUEST);
    assertThat(order("salt", 2_000_000).getStatusCode()).isEqualTo(HttpStatus.CONFLICT);
  }

  private ResponseEntity<Order> order(String sku, int quantity) {
    return customer
        .post()
        .uri("/orders")
        .body(new ShopController.OrderRequest(sku, quantity))
        .exchange(
            (request, response) ->
                new ResponseEntity<>(
                    response.getStatusCode().is2xxSuccessful()
                        ? response.bodyTo(Order.class)
                        : null,
                    response.getStatusCode()));
  }

  private Order stored(ResponseEntity<Order> placed) {
    return requireNonNull(
        customer.get().uri("/orders/{id}", body(placed).id()).retrieve().body(Order.class));
  }

  private static Order body(ResponseEntity<Order> answer) {
    return requireNonNull(answer.getBody());
  }
}
