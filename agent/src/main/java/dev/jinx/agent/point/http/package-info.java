/** Injection points of kind {@code http}: clients. */
@NullMarked
package dev.jinx.agent.point.http;

import org.jspecify.annotations.NullMarked;
