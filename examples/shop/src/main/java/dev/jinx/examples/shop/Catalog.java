package dev.jinx.examples.shop;

import io.github.resilience4j.retry.annotation.Retry;
import java.util.List;
import java.util.Optional;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** What is for sale. A read that met a lost connection is tried again on another one. */
@Repository
@Retry(name = "reads")
class Catalog {
  private final JdbcClient jdbc;

  Catalog(JdbcClient jdbc) {
    this.jdbc = jdbc;
  }

  List<Product> all() {
    return jdbc.sql("select sku, name, price, stock from products order by sku")
        .query(Product.class)
        .list();
  }

  Optional<Product> find(String sku) {
    return jdbc.sql("select sku, name, price, stock from products where sku = :sku")
        .param("sku", sku)
        .query(Product.class)
        .optional();
  }
}
