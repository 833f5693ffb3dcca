package dev.jinx.examples.shop;

import java.net.URI;
import java.util.List;
import java.util.UUID;
import org.springframework.http.HttpStatus;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;

@RestController
class ShopController {
  private final Catalog catalog;
  private final Checkout checkout;
  private final Orders orders;

  ShopController(Catalog catalog, Checkout checkout, Orders orders) {
    this.catalog = catalog;
    this.checkout = checkout;
    this.orders = orders;
  }

  record OrderRequest(String sku, int quantity) {}

  @GetMapping("/catalog")
  List<Product> catalog() {
    return catalog.all();
  }

  /** 201 where the order is paid, 202 where it is accepted and payment will be settled later. */
  @PostMapping("/orders")
  ResponseEntity<Order> order(@RequestBody OrderRequest request) {
    if (request.quantity() < 1) {
      throw new ResponseStatusException(HttpStatus.BAD_REQUEST, "quantity: at least 1");
    }
    Order order =
        checkout
            .order(request.sku(), request.quantity())
            .orElseThrow(() -> notFound("no such product: " + request.sku()));
    HttpStatus status =
        order.status() == Order.Status.PAID ? HttpStatus.CREATED : HttpStatus.ACCEPTED;
    return ResponseEntity.status(status).location(URI.create("/orders/" + order.id())).body(order);
  }

  @GetMapping("/orders/{id}")
  Order order(@PathVariable UUID id) {
    return orders.find(id).orElseThrow(() -> notFound("no such order: " + id));
  }

  @ExceptionHandler
  ProblemDetail outOfStock(Orders.OutOfStock sold) {
    return ProblemDetail.forStatusAndDetail(HttpStatus.CONFLICT, sold.getMessage());
  }

  private static ResponseStatusException notFound(String what) {
    return new ResponseStatusException(HttpStatus.NOT_FOUND, what);
  }
}
