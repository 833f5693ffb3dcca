/**
 * What is linked against Apache HttpClient 5, asynchronous: defined once for each loader that has
 * it.
 */
@NullMarked
package dev.jinx.agent.point.http.apache5;

import org.jspecify.annotations.NullMarked;
