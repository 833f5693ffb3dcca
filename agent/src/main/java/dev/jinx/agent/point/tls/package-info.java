/** Injection points of kind {@code tls}: handshakes, of clients and of servers. */
@NullMarked
package dev.jinx.agent.point.tls;

import org.jspecify.annotations.NullMarked;
