/** The start: premain and attach, options, wiring. The only place that knows every part. */
@NullMarked
package dev.jinx.agent;

import org.jspecify.annotations.NullMarked;
