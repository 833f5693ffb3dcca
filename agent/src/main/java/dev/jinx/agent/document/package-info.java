/**
 * Strict reading of documents: every error names the field and the way out. Knows neither JSON nor
 * faults.
 */
@NullMarked
package dev.jinx.agent.document;

import org.jspecify.annotations.NullMarked;
