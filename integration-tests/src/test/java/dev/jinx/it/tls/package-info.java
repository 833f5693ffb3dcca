/** The twins of TLS handshakes: each failure made for real and injected. */
@NullMarked
package dev.jinx.it.tls;

import org.jspecify.annotations.NullMarked;
