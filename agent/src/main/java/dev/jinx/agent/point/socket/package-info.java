/**
 * Injection points of kind {@code socket}: blocking TCP connections of the JDK, whatever library
 * talks through them.
 */
@NullMarked
package dev.jinx.agent.point.socket;

import org.jspecify.annotations.NullMarked;
