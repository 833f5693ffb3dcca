/** The adapter to OkHttp: compiled against 5.x, and linked with 3.14 and 4.x too. */
@NullMarked
package dev.jinx.agent.point.http.okhttp;

import org.jspecify.annotations.NullMarked;
