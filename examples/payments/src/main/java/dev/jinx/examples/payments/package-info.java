/** The payments service that the shop calls: a process of its own. */
@org.jspecify.annotations.NullMarked
package dev.jinx.examples.payments;
