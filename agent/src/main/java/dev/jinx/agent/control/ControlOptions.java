package dev.jinx.agent.control;

import org.jspecify.annotations.Nullable;

/**
 * What the user set.
 *
 * @param version of Jinx
 * @param port null where none was given; 0 for any that is free; -1 for no endpoint
 * @param host where the endpoint listens
 * @param token that requests must bear, or null
 * @param tokenFile a file with the token, or null; read when the endpoint starts
 * @param faults a file with faults, or null
 */
public record ControlOptions(
    String version,
    @Nullable Integer port,
    String host,
    @Nullable String token,
    @Nullable String tokenFile,
    @Nullable String faults) {}
