/**
 * Inserts the hook calls into classes, and reaches what stands behind them. Knows no library and no
 * fault.
 */
@NullMarked
package dev.jinx.agent.weave;

import org.jspecify.annotations.NullMarked;
