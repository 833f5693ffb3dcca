package dev.jinx.examples.shop;

import java.math.BigDecimal;
import java.util.UUID;

/** An order; its id is also the idempotency key of its charge. */
record Order(UUID id, String sku, int quantity, BigDecimal amount, Status status) {

  enum Status {
    /** Accepted; whether it is paid will be settled later. */
    PENDING,
    PAID
  }

  Order with(Status newStatus) {
    return new Order(id, sku, quantity, amount, newStatus);
  }
}
