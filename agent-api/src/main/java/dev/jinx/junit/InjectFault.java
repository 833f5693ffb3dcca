package dev.jinx.junit;

import dev.jinx.FaultInjection;
import dev.jinx.NamedError;
import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Repeatable;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.ResourceLock;

/**
 * A fault that is armed while a test method runs, of each test of a class where it stands on the
 * class. What runs before and after the method ({@code @BeforeEach}, {@code @AfterEach}) does not
 * feel it. A test that passes although the fault never fired fails, unless {@link #required} is
 * false.
 *
 * <p>Exactly one of {@link #http}, {@link #jdbc}, {@link #socket}, {@link #dns}, {@link #tls} and
 * {@link #json} is given. The other attributes stand for fields of the fault document, which are
 * named with each; the agent judges their values. What has no attribute here goes into {@link
 * #json}, or through {@link dev.jinx.Jinx#inject}.
 *
 * <p>The test method may take a {@link FaultInjection} for each of its faults: first its own in the
 * order in which they are written, then those of its class; or all of them as {@code
 * FaultInjection[]}.
 */
@Documented
@Inherited
@Repeatable(InjectFault.List.class)
@Target({ElementType.METHOD, ElementType.TYPE})
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(JinxExtension.class)
@ResourceLock(JinxExtension.LOCK)
public @interface InjectFault {

  /** HTTP exchanges with these hosts ({@code target.host}); {@code "*"} for any. */
  String[] http() default {};

  /** JDBC calls on connections to these URLs ({@code target.url}); {@code "*"} for any. */
  String[] jdbc() default {};

  /** TCP connections with these hosts ({@code target.host}); {@code "*"} for any. */
  String[] socket() default {};

  /** Look-ups of these host names ({@code target.host}); {@code "*"} for any. */
  String[] dns() default {};

  /** TLS handshakes with these hosts ({@code target.host}); {@code "*"} for any. */
  String[] tls() default {};

  /** A whole fault document, instead of all other attributes but {@link #required}. */
  String json() default "";

  /** http, socket, tls: {@code target.port}. */
  int[] port() default {};

  /** http: {@code target.method}. */
  String[] method() default {};

  /** http: {@code target.path}, such as {@code /v1/charges/**}. */
  String[] path() default {};

  /** http: {@code target.client}, such as {@code okhttp}. */
  String[] client() default {};

  /** jdbc, socket: {@code target.operation}, such as {@code commit} or {@code connect}. */
  String[] operation() default {};

  /** jdbc: {@code target.statement}, such as {@code select}. */
  String[] statement() default {};

  /** jdbc: {@code target.table}. */
  String[] table() default {};

  /** {@code effect.latency}, such as {@code 800ms}. */
  String latency() default "";

  /** {@code effect.error}: one failure. */
  NamedError[] error() default {};

  /** {@code effect.drop}: the call is swallowed. */
  boolean drop() default false;

  /** http: {@code effect.response.status}; 0 for none. */
  int response() default 0;

  /** http: {@code effect.response.body}. */
  String body() default "";

  /** http: {@code effect.bandwidth}, such as {@code 64KB/s}. */
  String bandwidth() default "";

  /** http: {@code effect.reset.after}, such as {@code 4KB}. */
  String reset() default "";

  /** http: {@code effect.limit.after}, such as {@code 4KB}. */
  String limit() default "";

  /** {@code effect.phase: after}: the real call happens, and its outcome is lost. */
  boolean afterCall() default false;

  /** {@code selection.first}: only the first so many calls; 0 for all. */
  long first() default 0;

  /** {@code selection.after}: leaves the first so many calls alone. */
  long skip() default 0;

  /** {@code selection.every}: each so-manieth call; 0 for each. */
  long every() default 0;

  /** {@code selection.rate}: this share of the calls, 0 to 1. */
  double rate() default 1;

  /**
   * {@code selection.seed}: replays the decisions of a run, as its failure printed it; -1 for a new
   * one.
   */
  long seed() default -1;

  /** {@code ttl}, such as {@code 10m} or {@code none}; 5 minutes if nothing is said. */
  String ttl() default "";

  /** Whether a test fails that passed without this fault. */
  boolean required() default true;

  /** Several faults at once. */
  @Documented
  @Inherited
  @Target({ElementType.METHOD, ElementType.TYPE})
  @Retention(RetentionPolicy.RUNTIME)
  @ExtendWith(JinxExtension.class)
  @ResourceLock(JinxExtension.LOCK)
  @interface List {
    /** The faults. */
    InjectFault[] value();
  }
}
