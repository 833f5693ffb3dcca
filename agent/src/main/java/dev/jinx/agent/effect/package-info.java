/**
 * What a fault does to a call: one effect, one file. Pure data that reads itself from a document;
 * the points carry it out.
 */
@NullMarked
package dev.jinx.agent.effect;

import org.jspecify.annotations.NullMarked;
