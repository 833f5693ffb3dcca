package dev.jinx.examples.shop;

import static dev.jinx.Jinx.jdbc;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.FaultInjection;
import dev.jinx.Jinx;
import dev.jinx.NamedError;
import dev.jinx.junit.InjectFault;
import dev.jinx.junit.JinxTest;
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
import org.springframework.http.HttpStatusCode;
import org.springframework.http.ResponseEntity;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import org.springframework.web.client.RestClient;

/**
 * What a customer notices when the shop's dependencies fail: a resilience test as a user of Jinx
 * writes it.
 */
@JinxTest
@SpringBootTest(webEnvironment = WebEnvironment.RANDOM_PORT)
class ResilienceTest {
  private static final FakePayments payments = new FakePayments();

  private final RestClient customer;

  ResilienceTest(@LocalServerPort int port) {
    customer = RestClient.create("http://localhost:" + port);
  }

  @DynamicPropertySource
  static void properties(DynamicPropertyRegistry registry) {
    registry.add("payments.url", payments::url);
    registry.add("spring.http.clients.read-timeout", () -> "2s");
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
  @InjectFault(http = "localhost", path = "/v1/charges", response = 503, first = 2)
  void two_503s_are_absorbed_by_the_retry(FaultInjection fault) {
    assertThat(order().getStatusCode()).isEqualTo(HttpStatus.CREATED);
    assertThat(fault.injections()).isEqualTo(2);
    assertThat(payments.keys()).as("charges that arrived").hasSize(1);
  }

  @Test
  @InjectFault(http = "localhost", path = "/v1/charges", drop = true)
  void silent_payments_leave_the_order_pending(FaultInjection fault) {
    assertThat(order().getStatusCode()).isEqualTo(HttpStatus.ACCEPTED);
    assertThat(fault.injections()).isPositive();
    assertThat(payments.keys()).isEmpty();
  }

  @Test
  @InjectFault(
      http = "localhost",
      path = "/v1/charges",
      error = NamedError.CONNECTION_RESET,
      afterCall = true,
      first = 1)
  void a_lost_answer_leaves_a_charged_order_pending() {
    assertThat(order().getStatusCode()).isEqualTo(HttpStatus.ACCEPTED);
    assertThat(payments.keys()).as("charges that arrived").hasSize(1);
  }

  /** As SQLState 08006: H2 has a code of its own for it, on which HikariCP does not evict. */
  @Test
  void a_lost_connection_is_absorbed_by_the_pool_and_the_retry_of_reads() {
    catalog();
    try (FaultInjection lost =
        Jinx.inject(jdbc().statement("select").error("08006", 0, "connection lost").first(1))) {
      assertThat(catalog()).isEqualTo(HttpStatus.OK);
      assertThat(lost.injections()).isEqualTo(1);
    }
  }

  @Test
  @InjectFault(
      jdbc = "*",
      statement = "insert",
      table = "orders",
      error = NamedError.DEADLOCK,
      first = 1)
  void a_deadlock_on_the_insert_leaks_to_the_customer() {
    assertThat(order().getStatusCode()).isEqualTo(HttpStatus.INTERNAL_SERVER_ERROR);
  }

  private HttpStatusCode catalog() {
    return customer.get().uri("/catalog").retrieve().toEntity(List.class).getStatusCode();
  }

  private ResponseEntity<Order> order() {
    return customer
        .post()
        .uri("/orders")
        .body(new ShopController.OrderRequest("salt", 1))
        .exchange(
            (request, response) ->
                new ResponseEntity<>(
                    response.getStatusCode().is2xxSuccessful()
                        ? response.bodyTo(Order.class)
                        : null,
                    response.getStatusCode()));
  }
}
