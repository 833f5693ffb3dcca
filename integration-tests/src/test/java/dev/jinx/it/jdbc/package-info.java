/** Real databases, what their drivers make of real failures, and the same failures injected. */
@NullMarked
package dev.jinx.it.jdbc;

import org.jspecify.annotations.NullMarked;
