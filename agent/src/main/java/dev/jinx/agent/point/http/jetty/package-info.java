/** The adapter to Jetty's client: compiled against 12.1, and linked with 12.0 too. */
@NullMarked
package dev.jinx.agent.point.http.jetty;

import org.jspecify.annotations.NullMarked;
