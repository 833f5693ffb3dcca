/** Injection points of kind {@code dns}: look-ups of host names. */
@NullMarked
package dev.jinx.agent.point.dns;

import org.jspecify.annotations.NullMarked;
