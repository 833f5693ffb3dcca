/**
 * Injection points: which methods are hooked, how their calls read, and how an injection is carried
 * out. What all libraries share stands here; a library is one file in the package of its kind, and
 * one line in {@link dev.jinx.agent.point.Points}.
 */
@NullMarked
package dev.jinx.agent.point;

import org.jspecify.annotations.NullMarked;
