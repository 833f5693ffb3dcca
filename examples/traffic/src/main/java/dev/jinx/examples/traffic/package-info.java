/** Sends requests at the shop and tells in one row how they fared. */
@org.jspecify.annotations.NullMarked
package dev.jinx.examples.traffic;
