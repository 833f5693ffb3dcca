/** The packaged jar and its start, in JVMs of their own. */
@NullMarked
package dev.jinx.it.start;

import org.jspecify.annotations.NullMarked;
