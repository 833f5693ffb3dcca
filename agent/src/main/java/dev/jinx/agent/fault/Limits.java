package dev.jinx.agent.fault;

/**
 * What may be asked for.
 *
 * @param maxDelay nanoseconds of one delay
 * @param maxFaults armed at once
 * @param maxActive calls that may be held at once
 */
public record Limits(long maxDelay, int maxFaults, long maxActive) {}
