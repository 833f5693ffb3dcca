package dev.jinx.examples.shop;

import java.math.BigDecimal;

record Product(String sku, String name, BigDecimal price, int stock) {}
