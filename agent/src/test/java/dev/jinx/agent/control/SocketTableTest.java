package dev.jinx.agent.control;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class SocketTableTest {
  private static final String HEAD = "  sl  local_address rem_address   st tx_queue rx_queue\n";

  @TempDir Path proc;

  private void tables(String tcp, String tcp6) throws IOException {
    assertThat(ByteOrder.nativeOrder()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
    Files.writeString(proc.resolve("status"), "Name:\tjava\nUid:\t7\t1000\t7\t7\n");
    Files.createDirectories(proc.resolve("net"));
    Files.writeString(proc.resolve("net/tcp"), HEAD + tcp);
    Files.writeString(proc.resolve("net/tcp6"), HEAD + tcp6);
  }

  private static String line(String local, String remote, int uid, int inode) {
    return "   1: "
        + local
        + " "
        + remote
        + " 01 00000000:00000000 00:00000000 00000000  "
        + uid
        + "        0 "
        + inode
        + " 1 0000000000000000 20 4 30 10 -1\n";
  }

  private static InetSocketAddress at(String address, int port) {
    return new InetSocketAddress(address, port);
  }

  private String refusal(String client, String server) {
    String refusal =
        new SocketTable(proc.toString()).refusal(at(client, 0x8001), at(server, 0x1BCD));
    return refusal == null ? "" : refusal;
  }

  @Test
  void the_own_user_and_root_may() throws IOException {
    tables(line("0100007F:8001", "0100007F:1BCD", 1000, 5), "");
    assertThat(refusal("127.0.0.1", "127.0.0.1")).isEmpty();
    tables(line("0100007F:8001", "0100007F:1BCD", 0, 5), "");
    assertThat(refusal("127.0.0.1", "127.0.0.1")).isEmpty();
  }

  @Test
  void another_user_may_not() throws IOException {
    tables(line("0100007F:8001", "0100007F:1BCD", 1001, 5), "");
    assertThat(refusal("127.0.0.1", "127.0.0.1")).contains("uid 1001, not 1000");
  }

  @Test
  void the_servers_own_end_says_nothing() throws IOException {
    tables(line("0100007F:1BCD", "0100007F:8001", 1000, 5), "");
    assertThat(refusal("127.0.0.1", "127.0.0.1")).contains("cannot be told");
  }

  @Test
  void a_socket_that_its_process_has_closed_is_not_roots() throws IOException {
    tables(line("0100007F:8001", "0100007F:1BCD", 0, 0), "");
    assertThat(refusal("127.0.0.1", "127.0.0.1")).contains("cannot be told");
  }

  @Test
  void version_6_and_mapped_addresses_are_found() throws IOException {
    String mapped = "0000000000000000FFFF00000100007F";
    tables("", line(mapped + ":8001", mapped + ":1BCD", 1001, 5));
    assertThat(refusal("127.0.0.1", "127.0.0.1")).contains("uid 1001");
    String six = "00000000000000000000000001000000";
    tables("", line(six + ":8001", six + ":1BCD", 1001, 5));
    assertThat(refusal("::1", "::1")).contains("uid 1001");
  }

  @Test
  void from_another_machine_the_table_knows_nothing() throws IOException {
    tables("", "");
    assertThat(refusal("10.1.2.3", "10.1.2.4")).isEmpty();
  }

  @Test
  void a_system_without_such_a_table_refuses_nobody() {
    assertThat(new SocketTable("/nowhere").refusal(at("127.0.0.1", 1), at("127.0.0.1", 2)))
        .isNull();
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void a_real_connection_of_our_own_is_found() throws IOException {
    for (String address : new String[] {"127.0.0.1", "::1"}) {
      try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getByName(address));
          Socket client = new Socket(server.getInetAddress(), server.getLocalPort());
          Socket accepted = server.accept()) {
        SocketTable sockets = new SocketTable("/proc/self");
        InetSocketAddress from = (InetSocketAddress) accepted.getRemoteSocketAddress();
        InetSocketAddress to = (InetSocketAddress) accepted.getLocalSocketAddress();
        assertThat(sockets.refusal(from, to)).isNull();
        client.close();
        assertThat(sockets.refusal(from, to)).contains("cannot be told");
      } catch (java.net.BindException e) {
        // no IPv6 here
        assertThat(address).isEqualTo("::1");
      }
    }
  }
}
