package dev.jinx.benchmarks;

import static net.bytebuddy.matcher.ElementMatchers.named;
import static net.bytebuddy.matcher.ElementMatchers.none;

import java.lang.instrument.Instrumentation;
import net.bytebuddy.agent.builder.AgentBuilder;
import net.bytebuddy.asm.Advice;

/**
 * What a small agent looks like that is built on Byte Buddy's AgentBuilder: an empty advice on one
 * method of each of twenty classes that an agent like Jinx would hook.
 */
public final class ByteBuddyAgent {
  private static final String[][] HOOKS = {
    {"java.net.InetAddress", "getAllByName"},
    {"java.net.Socket", "connect"},
    {"java.net.Socket$SocketInputStream", "read"},
    {"java.net.Socket$SocketOutputStream", "write"},
    {"sun.nio.ch.SocketChannelImpl", "connect"},
    {"sun.net.www.protocol.http.HttpURLConnection", "getInputStream"},
    {"jdk.internal.net.http.HttpClientImpl", "sendAsync"},
    {"org.apache.http.impl.client.InternalHttpClient", "doExecute"},
    {"org.apache.hc.client5.http.impl.classic.InternalHttpClient", "doExecute"},
    {"okhttp3.internal.connection.RealCall", "execute"},
    {"org.h2.Driver", "connect"},
    {"org.h2.jdbc.JdbcConnection", "commit"},
    {"org.h2.jdbc.JdbcStatement", "executeQuery"},
    {"org.h2.jdbc.JdbcPreparedStatement", "executeQuery"},
    {"org.postgresql.jdbc.PgConnection", "commit"},
    {"org.postgresql.jdbc.PgStatement", "executeQuery"},
    {"org.postgresql.jdbc.PgPreparedStatement", "executeQuery"},
    {"org.mariadb.jdbc.Connection", "commit"},
    {"org.mariadb.jdbc.Statement", "executeQuery"},
    {"org.mariadb.jdbc.ClientPreparedStatement", "executeQuery"},
  };

  private ByteBuddyAgent() {}

  /** Installs the advices, on classes that are loaded already too. */
  public static void premain(String arguments, Instrumentation instrumentation) {
    AgentBuilder builder =
        new AgentBuilder.Default()
            .disableClassFormatChanges()
            .with(AgentBuilder.RedefinitionStrategy.RETRANSFORMATION)
            .ignore(none());
    for (String[] hook : HOOKS) {
      builder =
          builder
              .type(named(hook[0]))
              .transform(
                  (type, description, loader, module, domain) ->
                      type.visit(Advice.to(Empty.class).on(named(hook[1]))));
    }
    builder.installOn(instrumentation);
  }

  static final class Empty {
    private Empty() {}

    @Advice.OnMethodEnter
    static void enter() {}
  }
}
