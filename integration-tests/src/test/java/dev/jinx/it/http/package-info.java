/** The JDK's two HTTP clients: real failures and injected ones, side by side. */
@NullMarked
package dev.jinx.it.http;

import org.jspecify.annotations.NullMarked;
