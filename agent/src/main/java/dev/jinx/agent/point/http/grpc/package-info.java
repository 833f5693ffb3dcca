/** The adapter to gRPC's core, which all of its transports share. */
@NullMarked
package dev.jinx.agent.point.http.grpc;

import org.jspecify.annotations.NullMarked;
