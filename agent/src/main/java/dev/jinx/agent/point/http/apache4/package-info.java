/** What is linked against Apache HttpAsyncClient 4: defined once for each loader that has it. */
@NullMarked
package dev.jinx.agent.point.http.apache4;

import org.jspecify.annotations.NullMarked;
