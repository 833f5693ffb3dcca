package dev.jinx.benchmarks;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How fast a loopback copy is without the agent, with it idle, and with faults armed for other
 * hosts; and how exactly an injected bandwidth is kept. Run from the root of the project, on the
 * JDK that is measured.
 */
public final class Networks {
  private static final boolean SMOKE = Boolean.getBoolean("jinx.benchmarks.smoke");
  private static final int ROUNDS = SMOKE ? 1 : 7;
  private static final long BYTES = SMOKE ? 1L << 24 : 1L << 32;
  private static final int SECONDS = SMOKE ? 1 : 5;

  private Networks() {}

  /** Measures and prints; with an argument it is one of the JVMs that are measured. */
  public static void main(String[] arguments) throws Exception {
    if (arguments.length > 0) {
      work(arguments[0]);
      System.exit(0);
    }
    throughput();
    bandwidth();
  }

  private static String measure(String work, boolean agent) throws Exception {
    List<String> options = new ArrayList<>(List.of("-Xms256m", "-Xmx256m"));
    if (agent) {
      options.add("-javaagent:agent/target/jinx-agent.jar=port=off,log=warn");
    }
    try (ForkedJvm jvm =
        new ForkedJvm(
            options,
            List.of(
                "-Djinx.benchmarks.smoke=" + SMOKE,
                "-cp",
                System.getProperty("java.class.path"),
                Networks.class.getName(),
                work))) {
      return jvm.await("measured ([-0-9.]+)");
    }
  }

  private static void throughput() throws Exception {
    Report table =
        new Report(
            "Loopback copy, medians of " + ROUNDS + " JVMs",
            List.of("copy", "armed", "MB/s", "ratio"));
    Report budgets = Report.ofBudgets();
    for (String way : List.of("socket", "channel")) {
      Map<String, Sample> all = new LinkedHashMap<>();
      for (int round = 0; round < ROUNDS; round++) {
        for (String armed : List.of("no agent", "nothing", "1000 faults elsewhere")) {
          all.computeIfAbsent(armed, it -> new Sample())
              .add(
                  Double.parseDouble(
                      measure(
                          way + (armed.startsWith("1000") ? "+1000" : ""),
                          !armed.equals("no agent"))));
        }
      }
      double none = all.getOrDefault("no agent", new Sample()).median();
      all.forEach(
          (armed, sample) -> {
            double ratio = sample.median() / none;
            table.row(way, armed, Report.number(sample.median()), Report.ratio(ratio));
            if (!armed.equals("no agent")) {
              budgets.budget(way + ", " + armed + ": loses", 0.02, 1 - ratio, "");
            }
          });
    }
    table.print();
    budgets.print();
  }

  private static void bandwidth() throws Exception {
    Report table =
        new Report("Bandwidth over " + SECONDS + " s", List.of("way", "asked", "got", "off by"));
    Report budgets = Report.ofBudgets();
    for (String way : List.of("socket", "channel")) {
      for (String direction : List.of("read", "write")) {
        for (String rate : List.of("8KB/s", "64KB/s", "1MB/s", "50MB/s")) {
          double off = Double.parseDouble(measure(way + ":" + direction + ":" + rate, true));
          table.row(
              way + " " + direction, rate, Report.ratio(1 + off), Report.number(off * 100) + " %");
          budgets.budget(way + " " + direction + ", " + rate, 0.05, Math.abs(off), "");
        }
      }
    }
    table.print();
    budgets.print();
  }

  // ---- in the JVM that is measured

  private static void work(String work) throws Exception {
    String[] parts = work.split(":", -1);
    if (parts.length == 1) {
      if (work.endsWith("+1000")) {
        List<String> faults = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
          faults.add(
              Bridge.fault(
                  "f" + i,
                  "'kind':'socket','host':'host" + i + ".example'",
                  i % 2 == 0 ? "'bandwidth':'1KB/s'" : "'latency':'1s'"));
        }
        Bridge.arm(faults);
      }
      String way = work.replace("+1000", "");
      copy(way, BYTES / 8);
      long start = System.nanoTime();
      copy(way, BYTES);
      System.out.println("measured " + BYTES / 1e6 / ((System.nanoTime() - start) / 1e9));
      return;
    }
    double rate =
        Double.parseDouble(parts[2].replaceAll("\\D", ""))
            * (parts[2].contains("MB") ? 1 << 20 : 1 << 10);
    long bytes = (long) (rate * SECONDS);
    try (ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      InetSocketAddress address = new InetSocketAddress("localhost", server.getLocalPort());
      Bridge.arm(
          List.of(
              Bridge.fault(
                  "slow",
                  "'kind':'socket','side':'client','port':" + server.getLocalPort(),
                  "'bandwidth':'" + parts[2] + "'")));
      boolean reads = parts[1].equals("read");
      long start = System.nanoTime();
      transfer(parts[0], server, address, bytes, reads);
      double took = (System.nanoTime() - start) / 1e9;
      System.out.println("measured " + (SECONDS / took - 1));
    }
  }

  private static void copy(String way, long bytes) throws Exception {
    try (ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      transfer(way, server, new InetSocketAddress("localhost", server.getLocalPort()), bytes, true);
    }
  }

  /** Moves bytes between a plain peer and this end, until the receiving one has all. */
  private static void transfer(
      String way, ServerSocket server, InetSocketAddress address, long bytes, boolean reads)
      throws Exception {
    if (way.equals("socket")) {
      try (Socket socket = new Socket()) {
        socket.connect(address);
        try (Socket peer = server.accept()) {
          Thread other = peer(peer, bytes, !reads);
          byte[] buffer = new byte[1 << 16];
          long moved = 0;
          while (moved < bytes) {
            if (reads) {
              moved += socket.getInputStream().read(buffer);
            } else {
              int part = (int) Math.min(buffer.length, bytes - moved);
              socket.getOutputStream().write(buffer, 0, part);
              moved += part;
            }
          }
          other.join();
        }
      }
      return;
    }
    try (SocketChannel channel = SocketChannel.open(address);
        Socket peer = server.accept()) {
      Thread other = peer(peer, bytes, !reads);
      ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 16);
      long moved = 0;
      while (moved < bytes) {
        buffer.clear();
        buffer.limit((int) Math.min(buffer.capacity(), bytes - moved));
        moved += reads ? channel.read(buffer) : channel.write(buffer);
      }
      other.join();
    }
  }

  private static Thread peer(Socket peer, long bytes, boolean reads) {
    Thread thread =
        new Thread(
            () -> {
              try {
                byte[] buffer = new byte[1 << 16];
                InputStream in = peer.getInputStream();
                for (long moved = 0; moved < bytes; ) {
                  if (reads) {
                    moved += in.read(buffer);
                  } else {
                    int part = (int) Math.min(buffer.length, bytes - moved);
                    peer.getOutputStream().write(buffer, 0, part);
                    moved += part;
                  }
                }
              } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
              }
            },
            "peer");
    thread.start();
    return thread;
  }
}
