/** What Jinx costs, as ratios: start-up, hooked calls, and the precision of delays. */
@NullMarked
package dev.jinx.benchmarks;

import org.jspecify.annotations.NullMarked;
