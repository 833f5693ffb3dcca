/**
 * The Java facade: arms faults in this JVM from code and tells what became of them. It speaks to
 * the agent in JDK types only, so the versions of the two may differ.
 */
@org.jspecify.annotations.NullMarked
package dev.jinx;
