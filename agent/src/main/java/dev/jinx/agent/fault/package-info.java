/**
 * The faults: their model, the armed table, selection, TTL and decisions, and the holding of calls.
 * Pure Java, no I/O, no instrumentation.
 */
@NullMarked
package dev.jinx.agent.fault;

import org.jspecify.annotations.NullMarked;
