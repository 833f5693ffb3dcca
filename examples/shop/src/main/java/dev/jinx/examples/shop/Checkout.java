package dev.jinx.examples.shop;

import java.math.BigDecimal;
import java.util.Optional;
import java.util.UUID;
import org.springframework.stereotype.Service;

/** Takes an order: stores it, charges it, and accepts it as pending where payments is down. */
@Service
class Checkout {
  private final Catalog catalog;
  private final Orders orders;
  private final Payments payments;

  Checkout(Catalog catalog, Orders orders, Payments payments) {
    this.catalog = catalog;
    this.orders = orders;
    this.payments = payments;
  }

  /** The order as taken, or empty where there is no such product. */
  Optional<Order> order(String sku, int quantity) {
    return catalog.find(sku).map(product -> order(product, quantity));
  }

  // no transaction around the whole: a slow payments service must not hold connections
  private Order order(Product product, int quantity) {
    BigDecimal amount = product.price().multiply(BigDecimal.valueOf(quantity));
    Order order =
        new Order(UUID.randomUUID(), product.sku(), quantity, amount, Order.Status.PENDING);
    orders.place(order);
    Order.Status status = payments.charge(order);
    if (status == Order.Status.PAID) {
      orders.paid(order.id());
    }
    return order.with(status);
  }
}
