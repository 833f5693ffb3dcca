/**
 * The JUnit 5 extension: faults that last as long as a test, and that the test must feel. Runs on
 * JUnit 5.14 and 6.
 */
@org.jspecify.annotations.NullMarked
package dev.jinx.junit;
