package dev.jinx.it.network;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.jinx.it.http.GrpcClients;
import dev.jinx.it.network.Client.Conversation;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SocketOptions;
import io.lettuce.core.api.StatefulRedisConnection;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.RedisClient;

/** The registry of the clients that are tried on bad networks: one line each. */
final class Clients {
  private static final Duration SOON = Duration.ofMillis(500);

  static final Client JEDIS = new Client("Jedis", Server.REDIS, SOON, Clients::jedis);
  static final Client LETTUCE = new Client("Lettuce", Server.REDIS, SOON, Clients::lettuce);

  private static final List<Client> ALL =
      List.of(
          JEDIS,
          LETTUCE,
          new Client("Kafka producer", Server.KAFKA, SOON, Clients::kafkaProducer),
          // its timeout is in whole seconds
          new Client("pgjdbc", Server.POSTGRES, Duration.ofSeconds(1), Postgres::new),
          new Client("gRPC on NIO", Server.GRPC, SOON, Clients::grpcOnNio),
          new Client("gRPC shaded, on epoll", Server.GRPC, SOON, Clients::grpcShaded));

  private Clients() {}

  /** On a second JDK, one that blocks and one that does not: the clients' code is the same. */
  static Stream<Client> all() {
    List<Client> clients = Boolean.getBoolean("jinx.it.few") ? List.of(JEDIS, LETTUCE) : ALL;
    return clients.stream()
        .filter(client -> client.name().matches(System.getProperty("jinx.it.clients", ".*")));
  }

  private interface Closing {
    void close() throws Exception;
  }

  private interface Asking {
    Object ask() throws Exception;
  }

  private static Conversation conversation(Asking asking, Closing closing) {
    return new Conversation() {
      @Override
      public Object ask() throws Exception {
        return asking.ask();
      }

      @Override
      public void close() throws Exception {
        closing.close();
      }
    };
  }

  /** Blocking sockets, kept in its pool. */
  private static Conversation jedis(int port, int timeout) {
    RedisClient client =
        RedisClient.builder()
            .hostAndPort("127.0.0.1", port)
            .clientConfig(DefaultJedisClientConfig.builder().timeoutMillis(timeout).build())
            .build();
    return conversation(client::ping, client::close);
  }

  /** Netty on NIO; one connection, which it mends by itself. */
  private static Conversation lettuce(int port, int timeout) {
    System.setProperty("io.lettuce.core.epoll", "false");
    System.setProperty("io.lettuce.core.iouring", "false");
    RedisURI uri =
        RedisURI.builder()
            .withHost("127.0.0.1")
            .withPort(port)
            .withTimeout(Duration.ofMillis(timeout))
            .build();
    var client = io.lettuce.core.RedisClient.create(uri);
    client.setOptions(
        ClientOptions.builder()
            .socketOptions(
                SocketOptions.builder().connectTimeout(Duration.ofMillis(timeout)).build())
            .build());
    StatefulRedisConnection<String, String> connection = client.connect();
    return conversation(
        connection.sync()::ping, () -> client.shutdown(Duration.ZERO, Duration.ofSeconds(2)));
  }

  /** A selector of its own. */
  private static Conversation kafkaProducer(int port, int timeout) {
    Producer<String, String> producer =
        new KafkaProducer<>(
            Map.of(
                "bootstrap.servers",
                "127.0.0.1:" + port,
                "linger.ms",
                0,
                "max.block.ms",
                timeout,
                "delivery.timeout.ms",
                timeout,
                "request.timeout.ms",
                timeout / 2, // so that it tries again
                "retry.backoff.ms",
                20,
                "reconnect.backoff.ms",
                50,
                "reconnect.backoff.max.ms",
                100),
            new StringSerializer(),
            new StringSerializer());
    return conversation(
        () -> {
          var sent = producer.send(new ProducerRecord<>(KafkaBroker.TOPIC, "word"));
          return sent.get().hasOffset();
        },
        () -> producer.close(Duration.ZERO));
  }

  /** The driver's socket alone; as a pool would, asks for a new connection when one is lost. */
  private static final class Postgres implements Conversation {
    private final String url;
    private @Nullable Connection connection;

    Postgres(int port, int timeout) {
      long seconds = TimeUnit.MILLISECONDS.toSeconds(timeout);
      url =
          "jdbc:postgresql://127.0.0.1:%d/postgres?user=postgres&connectTimeout=%d&socketTimeout=%d"
              .formatted(port, seconds, seconds);
    }

    @Override
    public Object ask() throws SQLException {
      if (connection == null || connection.isClosed()) {
        connection = DriverManager.getConnection(url);
      }
      try (Statement statement = connection.createStatement()) {
        return statement.execute("select 1");
      }
    }

    @Override
    public void close() throws SQLException {
      if (connection != null) {
        connection.close();
      }
    }
  }

  /** Carries a Netty of its own along, with epoll, which it uses where it can. */
  private static Conversation grpcShaded(int port, int timeout) {
    assumeTrue(io.grpc.netty.shaded.io.netty.channel.epoll.Epoll.isAvailable(), "epoll is Linux's");
    ManagedChannel channel =
        io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder.forAddress("127.0.0.1", port)
            .usePlaintext()
            .build();
    return conversation(() -> unary(channel, timeout), channel::shutdownNow);
  }

  /** HTTP/2 on Netty; one connection, which it mends by itself. */
  private static Conversation grpcOnNio(int port, int timeout) {
    EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    ManagedChannel channel =
        NettyChannelBuilder.forAddress("127.0.0.1", port)
            .eventLoopGroup(group)
            .channelType(NioSocketChannel.class)
            .usePlaintext()
            .build();
    return conversation(
        () -> unary(channel, timeout),
        () -> {
          channel.shutdownNow();
          var unused = group.shutdownGracefully(0, 0, TimeUnit.SECONDS);
        });
  }

  private static String unary(ManagedChannel channel, int timeout) {
    return ClientCalls.blockingUnaryCall(
        channel,
        GrpcClients.UNARY,
        CallOptions.DEFAULT.withDeadlineAfter(timeout, TimeUnit.MILLISECONDS),
        "ping");
  }
}
