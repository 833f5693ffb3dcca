/** The twins of look-ups of host names: each failure made for real and injected. */
@NullMarked
package dev.jinx.it.dns;

import org.jspecify.annotations.NullMarked;
