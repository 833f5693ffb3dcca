package dev.jinx.examples.shop;

import io.github.resilience4j.retry.annotation.Retry;
import java.util.Optional;
import java.util.UUID;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;
import org.springframework.transaction.annotation.Transactional;

/**
 * The orders taken. Reads are tried again; writes are not, so a failed one reaches the customer.
 */
@Repository
class Orders {
  private final JdbcClient jdbc;

  Orders(JdbcClient jdbc) {
    this.jdbc = jdbc;
  }

  /** Takes the goods from the stock and stores the order. */
  @Transactional
  void place(Order order) {
    int reserved =
        jdbc.sql("update products set stock = stock - :n where sku = :sku and stock >= :n")
            .param("n", order.quantity())
            .param("sku", order.sku())
            .update();
    if (reserved == 0) {
      throw new OutOfStock(order.sku());
    }
    jdbc.sql(
            "insert into orders (id, sku, quantity, amount, status)"
                + " values (:id, :sku, :quantity, :amount, :status)")
        .param("id", order.id())
        .param("sku", order.sku())
        .param("quantity", order.quantity())
        .param("amount", order.amount())
        .param("status", order.status().name())
        .update();
  }

  void paid(UUID id) {
    jdbc.sql("update orders set status = 'PAID' where id = :id").param("id", id).update();
  }

  @Retry(name = "reads")
  Optional<Order> find(UUID id) {
    return jdbc.sql("select id, sku, quantity, amount, status from orders where id = :id")
        .param("id", id)
        .query(Order.class)
        .optional();
  }

  /** There is not enough left of a product. */
  static class OutOfStock extends RuntimeException {
    OutOfStock(String sku) {
      super("out of stock: " + sku);
    }
  }
}
