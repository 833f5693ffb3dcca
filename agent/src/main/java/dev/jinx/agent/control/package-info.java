/**
 * What the outside says to Jinx and hears from it: the endpoint, the bridge of the Java facade, the
 * faults file, the run directory. All of them go through the same commands.
 */
@NullMarked
package dev.jinx.agent.control;

import org.jspecify.annotations.NullMarked;
