/** The point for databases: which JDBC methods are hooked, and how each driver spells a failure. */
@NullMarked
package dev.jinx.agent.point.jdbc;

import org.jspecify.annotations.NullMarked;
