package dev.jinx.it.socket;

import static dev.jinx.Jinx.socket;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jinx.FaultInjection;
import dev.jinx.Jinx;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.management.MBeanServerConnection;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXConnectorServer;
import javax.management.remote.JMXConnectorServerFactory;
import javax.management.remote.JMXServiceURL;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a fault for all connections leaves alone. */
@Timeout(60)
class SparedIT {

  @Test
  void theEndpoint() throws Exception {
    Path file =
        Path.of("/tmp", "jinx-" + System.getProperty("user.name"))
            .resolve(ProcessHandle.current().pid() + ".agent");
    String url =
        Files.readAllLines(file).stream()
            .filter(line -> line.startsWith("url="))
            .map(line -> line.substring("url=".length()))
            .findFirst()
            .orElseThrow();
    HttpClient client = HttpClient.newHttpClient();
    HttpRequest faults = HttpRequest.newBuilder(URI.create(url + "/v1/faults")).build();
    try (FaultInjection everything = Jinx.inject(socket().side("server").drop())) {
      assertThat(client.send(faults, BodyHandlers.ofString()).body()).contains(everything.id());
      assertThat(everything.injections()).isZero();
    }
  }

  @Test
  @SuppressWarnings("BanJNDI") // the server is ours
  void remoteManagementUnlessItsPortIsNamed() throws Exception {
    int port = free();
    JMXServiceURL url = new JMXServiceURL("service:jmx:rmi://localhost:" + port);
    JMXConnectorServer server =
        JMXConnectorServerFactory.newJMXConnectorServer(
            url, Map.of(), ManagementFactory.getPlatformMBeanServer());
    server.start();
    try (JMXConnector connector = JMXConnectorFactory.connect(server.getAddress())) {
      MBeanServerConnection beans = connector.getMBeanServerConnection();
      try (FaultInjection everything = Jinx.inject(socket().side("server").drop())) {
        FutureTask<Integer> asking = ask(beans);
        assertThat(asking.get(10, TimeUnit.SECONDS)).isPositive();
        assertThat(everything.injections()).isZero();
      }
      FutureTask<Integer> asking;
      try (FaultInjection named = Jinx.inject(socket().side("server").port(port).drop())) {
        asking = ask(beans);
        assertThatThrownBy(() -> asking.get(300, TimeUnit.MILLISECONDS))
            .isInstanceOf(TimeoutException.class);
        assertThat(named.injections()).isPositive();
      }
      assertThat(asking.get(10, TimeUnit.SECONDS)).isPositive();
    } finally {
      server.stop();
    }
  }

  private static FutureTask<Integer> ask(MBeanServerConnection beans) {
    FutureTask<Integer> asking = new FutureTask<>(beans::getMBeanCount);
    Thread thread = new Thread(asking, "asking");
    thread.setDaemon(true);
    thread.start();
    return asking;
  }

  private static int free() throws Exception {
    try (ServerSocket any = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return any.getLocalPort();
    }
  }
}
