/** Injection points of kind {@code tls}: handshakes of clients. */
@NullMarked
package dev.jinx.agent.point.tls;

import org.jspecify.annotations.NullMarked;
