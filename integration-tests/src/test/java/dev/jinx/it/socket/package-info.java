/** The twins of blocking sockets and channels: each failure made for real and injected. */
@NullMarked
package dev.jinx.it.socket;

import org.jspecify.annotations.NullMarked;
