package dev.jinx.it.network;

import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;

/** A single node of Kafka in a JVM of its own: its dependencies are not those of the tests. */
final class KafkaBroker {
  static final String TOPIC = "jinx";

  private KafkaBroker() {}

  /** Starts it for clients that find it by the proxy, and makes the topic. */
  static void start(ToxicProxy proxy) throws Exception {
    int port = ToxicProxy.freePort();
    Path data = Files.createTempDirectory(Path.of("target").toAbsolutePath(), "kafka");
    // what its storage tool would write in a JVM of its own
    Files.writeString(
        data.resolve("meta.properties"),
        "version=1\ncluster.id=AAAAAAAAAAAAAAAAAAAAAA\nnode.id=1\n");
    Path properties = data.resolve("server.properties");
    Files.write(properties, settings(data, port, proxy.port()));
    Process broker =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:TieredStopAtLevel=1", // it lives for a minute
                "-cp",
                "target/servers/kafka/*",
                "kafka.Kafka",
                properties.toString())
            .redirectErrorStream(true)
            .redirectOutput(Redirect.to(new File(data.toFile(), "broker.log")))
            .start();
    Server.atExit(broker::destroy);
    proxy.standBefore(port);
    createTopic(proxy.port());
  }

  private static List<String> settings(Path data, int port, int advertised) throws IOException {
    int controller = ToxicProxy.freePort();
    return List.of(
        "process.roles=broker,controller",
        "node.id=1",
        "controller.quorum.voters=1@127.0.0.1:" + controller,
        "listeners=CLIENTS://127.0.0.1:" + port + ",CONTROLLER://127.0.0.1:" + controller,
        "advertised.listeners=CLIENTS://127.0.0.1:" + advertised,
        "inter.broker.listener.name=CLIENTS",
        "controller.listener.names=CONTROLLER",
        "listener.security.protocol.map=CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "offsets.topic.replication.factor=1",
        "log.dirs=" + data);
  }

  /** Comes back when the broker is up. */
  private static void createTopic(int port) throws Exception {
    try (Admin admin =
        Admin.create(
            Map.of("bootstrap.servers", "127.0.0.1:" + port, "default.api.timeout.ms", 30_000))) {
      admin.createTopics(List.of(new NewTopic(TOPIC, 1, (short) 1))).all().get();
    }
  }
}
