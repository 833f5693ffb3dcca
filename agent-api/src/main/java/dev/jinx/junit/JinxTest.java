package dev.jinx.junit;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.ResourceLock;

/**
 * The tests of this class may inject faults, by {@link InjectFault} or {@link
 * dev.jinx.Jinx#inject}. Attaches the Jinx agent before the first test if the JVM was started
 * without it.
 *
 * <p>The agent's jar is looked for in the system property {@code jinx.agent.jar}, the environment
 * variable {@code JINX_AGENT_JAR}, on the class path ({@code jinx-agent*.jar}) and in the Maven
 * repository that this library came from. From Java 21 on the JVM warns of an agent that is
 * attached; {@code -XX:+EnableDynamicAgentLoading} says that it is meant, and {@code
 * -javaagent:jinx-agent.jar=port=off} needs no attaching at all.
 *
 * <p>A fault is felt by the whole JVM. So that tests that inject never run at the same time, all of
 * them hold the resource lock {@code dev.jinx.faults}; other tests that run in parallel with them
 * and must not feel their faults take the same lock, with {@code @ResourceLock(value =
 * "dev.jinx.faults", mode = READ)}.
 */
@Documented
@Inherited
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(JinxExtension.class)
@ResourceLock(JinxExtension.LOCK)
public @interface JinxTest {}
