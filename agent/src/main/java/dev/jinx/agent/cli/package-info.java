/** The command line: talks to running agents over HTTP, and attaches to JVMs without one. */
@NullMarked
package dev.jinx.agent.cli;

import org.jspecify.annotations.NullMarked;
