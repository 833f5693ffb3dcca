/** Clients of many protocols, untouched, on networks that are really bad and on injected ones. */
@NullMarked
package dev.jinx.it.network;

import org.jspecify.annotations.NullMarked;
