/** The shop, whole, against a payments service that the test plays. */
@org.jspecify.annotations.NullMarked
package dev.jinx.examples.shop;
