/** A small order service as users write it today; nothing in it knows of Jinx. */
@org.jspecify.annotations.NullMarked
package dev.jinx.examples.shop;
