/**
 * What a hooked call is, in words that every part shares: kinds, operations and the fields that a
 * target can ask for.
 */
@NullMarked
package dev.jinx.agent.call;

import org.jspecify.annotations.NullMarked;
