/** Servers that fail for real, and what a client saw of it: the other half of every twin test. */
@NullMarked
package dev.jinx.it.real;

import org.jspecify.annotations.NullMarked;
