package dev.jinx.agent.point;

import java.util.List;

/** Where Netty's packages are: its own, and those of libraries that carry it along. */
public final class Netty {
  /** What its adapters are compiled against. */
  public static final String PACKAGE = "io.netty.";

  /** With slashes. */
  public static final List<String> HOMES =
      List.of(
          "io/netty/",
          "io/grpc/netty/shaded/io/netty/",
          "com/couchbase/client/core/deps/io/netty/",
          "org/apache/pulsar/shade/io/netty/");

  private Netty() {}
}
