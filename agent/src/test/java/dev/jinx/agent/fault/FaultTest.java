package dev.jinx.agent.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.document.InvalidDocument;
import dev.jinx.agent.effect.Drop;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.effect.Response;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class FaultTest {
  private static final Map<String, ?> HTTP = Map.of("kind", "http");
  private static final Map<String, ?> JDBC = Map.of("kind", "jdbc");
  private static final Map<String, ?> DROP = Map.of("drop", Map.of());

  private static Fault read(Object target, Object effect, Object... more) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("target", target);
    document.put("effect", effect);
    for (int i = 0; i < more.length; i += 2) {
      document.put((String) more[i], more[i + 1]);
    }
    return Fault.read(document, "", Source.ENDPOINT);
  }

  @Test
  void reads_the_document_of_the_readme() {
    Fault fault =
        read(
            Map.of("kind", "http", "host", "payments.*", "method", "POST", "path", "/v1/**"),
            Map.of("latency", "800ms"),
            "id",
            "slow-payments",
            "selection",
            Map.of("rate", 0.25),
            "ttl",
            "5m");
    assertThat(fault.id()).isEqualTo("slow-payments");
    assertThat(fault.target().operations()).containsExactly(Operation.HTTP_EXCHANGE);
    assertThat(fault.target().conditions())
        .extracting(Target.Condition::json)
        .containsExactlyInAnyOrder("host", "method", "path");
    assertThat(fault.effects().latency()).isNotNull();
    assertThat(fault.effects().ending()).isNull();
    assertThat(fault.effects().phase()).isEqualTo(Phase.BEFORE);
    assertThat(fault.selection().rate()).isEqualTo(0.25);
    assertThat(fault.ttl()).isEqualTo(TimeUnit.MINUTES.toNanos(5));
  }

  @Test
  void ends_by_itself_unless_it_says_otherwise_or_stands_in_a_file() {
    Map<String, ?> document = Map.of("target", HTTP, "effect", DROP);
    assertThat(Fault.read(document, "", Source.ENDPOINT).ttl())
        .isEqualTo(TimeUnit.MINUTES.toNanos(5));
    assertThat(Fault.read(document, "", Source.JAVA).ttl()).isEqualTo(TimeUnit.MINUTES.toNanos(5));
    assertThat(Fault.read(document, "", Source.FILE).ttl()).isNull();
    assertThat(read(HTTP, DROP, "ttl", "none").ttl()).isNull();
  }

  @Test
  void an_id_that_is_not_given_comes_from_the_document_whatever_the_order_of_its_fields() {
    Map<String, Object> one = new LinkedHashMap<>();
    one.put("target", HTTP);
    one.put("effect", DROP);
    Map<String, Object> two = new LinkedHashMap<>();
    two.put("effect", DROP);
    two.put("target", HTTP);
    String id = Fault.read(one, "", Source.ENDPOINT).id();
    assertThat(Fault.read(two, "", Source.ENDPOINT).id()).isEqualTo(id).startsWith("fault-");
    assertThat(Fault.read(one, "", Source.ENDPOINT).document()).containsEntry("id", id);
    assertThat(read(JDBC, DROP).id()).isNotEqualTo(id);
    assertThat(read(HTTP, DROP, "ttl", "1m").id()).isNotEqualTo(id);
    assertThat(
            Stream.iterate(0, i -> i + 1)
                .limit(20_000)
                .map(i -> read(Map.of("kind", "http", "host", "h" + i), DROP).id())
                .distinct())
        .hasSize(20_000);
  }

  @Test
  void each_seed_that_is_not_given_is_another() {
    assertThat(
            Stream.generate(() -> read(HTTP, DROP).selection().seed())
                .limit(1000)
                .peek(seed -> assertThat(seed).isBetween(0L, Selection.MAX))
                .distinct())
        .hasSizeGreaterThan(990);
  }

  @Test
  void operations_are_all_of_the_kind_or_those_that_are_named() {
    assertThat(read(JDBC, Map.of("latency", "1s")).target().operations())
        .isEqualTo(Operation.of(dev.jinx.agent.call.Kind.JDBC));
    Map<String, ?> named = Map.of("kind", "jdbc", "operation", List.of("commit", "rollback"));
    assertThat(read(named, DROP).target().operations())
        .containsExactlyInAnyOrder(Operation.JDBC_COMMIT, Operation.JDBC_ROLLBACK);
    Map<String, ?> excluded = Map.of("kind", "socket", "operation", List.of("^read", "write"));
    assertThat(read(excluded, Map.of("error", "connectionRefused")).target().operations())
        .containsExactlyInAnyOrder(
            Operation.SOCKET_CONNECT, Operation.SOCKET_ACCEPT, Operation.SOCKET_CLOSE);
  }

  @Test
  void datagrams_are_read_and_written_too() {
    Map<String, ?> write = Map.of("kind", "socket", "operation", "write");
    assertThat(possible(write, DROP))
        .containsExactlyInAnyOrder(Operation.SOCKET_WRITE, Operation.DATAGRAM_SEND);
    assertThat(possible(write, Map.of("duplicate", Map.of())))
        .containsExactly(Operation.DATAGRAM_SEND);
    assertThat(possible(write, Map.of("error", "connectionRefused")))
        .containsExactly(Operation.DATAGRAM_SEND);
    Map<String, ?> any = Map.of("kind", "socket");
    assertThat(possible(any, Map.of("latency", "1s")))
        .contains(Operation.DATAGRAM_SEND)
        .doesNotContain(Operation.DATAGRAM_RECEIVE);
    assertThat(possible(any, DROP)).contains(Operation.DATAGRAM_SEND, Operation.DATAGRAM_RECEIVE);
    assertThat(possible(any, Map.of("reset", Map.of("after", "0B"))))
        .doesNotContain(Operation.DATAGRAM_SEND, Operation.DATAGRAM_RECEIVE);
    assertThatThrownBy(
            () ->
                read(
                    Map.of("kind", "socket", "operation", "connect"),
                    Map.of("duplicate", Map.of())))
        .hasMessageContaining("cannot have \"duplicate\"");
  }

  private static Set<Operation> possible(Map<String, ?> target, Map<String, ?> effect) {
    Fault fault = read(target, effect);
    return fault.effects().possibleOn(fault.target().operations(), fault.target().named());
  }

  @Test
  void endings_are_read() {
    assertThat(read(HTTP, DROP).effects().ending()).isInstanceOf(Drop.class);
    assertThat(read(HTTP, Map.of("error", "readTimeout")).effects().ending())
        .isInstanceOf(Failure.Named.class);
    assertThat(
            read(JDBC, Map.of("error", Map.of("sqlState", "40001", "vendorCode", 7)))
                .effects()
                .ending())
        .isEqualTo(new Failure.Sql("40001", 7, null));
    assertThat(
            read(HTTP, Map.of("error", Map.of("class", "java.io.IOException", "message", "m")))
                .effects()
                .ending())
        .isEqualTo(new Failure.Thrown("java.io.IOException", "m"));
    assertThat(
            read(
                    HTTP,
                    Map.of(
                        "response",
                        Map.of(
                            "status",
                            503,
                            "headers",
                            Map.of("Retry-After", 1, "Set-Cookie", List.of("a=1", "b=2")),
                            "body",
                            "zu viel ü")))
                .effects()
                .ending())
        .isInstanceOfSatisfying(
            Response.class,
            response -> {
              assertThat(response.status()).isEqualTo(503);
              assertThat(response.headers())
                  .containsEntry("Retry-After", List.of("1"))
                  .containsEntry("Set-Cookie", List.of("a=1", "b=2"));
              assertThat(new String(response.body(), StandardCharsets.UTF_8))
                  .isEqualTo("zu viel ü");
            });
    assertThat(
            read(HTTP, Map.of("response", Map.of("status", 200, "body", Map.of("base64", "AP8="))))
                .effects()
                .ending())
        .isInstanceOfSatisfying(
            Response.class, response -> assertThat(response.body()).containsExactly(0, 0xFF));
    assertThat(read(JDBC, Map.of("error", "deadlock", "phase", "after")).effects().phase())
        .isEqualTo(Phase.AFTER);
  }

  static Stream<Arguments> wrong() {
    Map<String, ?> slow = Map.of("latency", "1s");
    return Stream.of(
        wrong("target.kind", Map.of(), DROP),
        wrong("target.kind", Map.of("kind", "htp"), DROP),
        wrong("target.kind", Map.of("kind", 1), DROP),
        wrong("target", "http", DROP),
        wrong("target.hots", Map.of("kind", "http", "hots", "x"), DROP),
        wrong("target.table", Map.of("kind", "http", "table", "x"), DROP),
        wrong("target.host", Map.of("kind", "http", "host", ""), DROP),
        wrong("target.host", Map.of("kind", "http", "host", List.of()), DROP),
        wrong("target.host", Map.of("kind", "http", "host", Map.of()), DROP),
        wrong("target.host", Map.of("kind", "http", "host", "/(/"), DROP),
        wrong("target.header.", Map.of("kind", "http", "header.", "x"), DROP),
        wrong("target.operation", Map.of("kind", "http", "operation", "exchange"), DROP),
        wrong("target.operation", Map.of("kind", "jdbc", "operation", "comit"), DROP),
        wrong("target.statement", Map.of("kind", "jdbc", "statement", "selct"), DROP),
        wrong("target.scheme", Map.of("kind", "http", "scheme", "ftp"), DROP),
        wrong("effect", HTTP, Map.of()),
        wrong("effect", HTTP, "drop"),
        wrong("effect.dorp", HTTP, Map.of("dorp", Map.of())),
        wrong("effect.drop.x", HTTP, Map.of("drop", Map.of("x", 1))),
        wrong("effect.drop", HTTP, Map.of("drop", true)),
        wrong("effect.drop", Map.of("kind", "method"), DROP),
        wrong("effect.drop", HTTP, Map.of("error", "readTimeout", "drop", Map.of())),
        wrong("effect.phase", HTTP, Map.of("drop", Map.of(), "phase", "later")),
        wrong("effect.latency", HTTP, Map.of("latency", 5)),
        wrong("effect.latency", HTTP, Map.of("latency", "soon")),
        wrong("effect.latency", HTTP, Map.of("latency", Map.of())),
        wrong("effect.latency.gamma", HTTP, Map.of("latency", Map.of("gamma", 1, "floor", "1s"))),
        wrong("effect.latency.uniform.max", HTTP, latency("uniform", Map.of("min", "1s"))),
        wrong(
            "effect.latency.uniform.max",
            HTTP,
            latency("uniform", Map.of("min", "2s", "max", "1s"))),
        wrong(
            "effect.latency.normal.sd",
            HTTP,
            latency("normal", Map.of("mean", "1s", "stddev", "1s", "sd", "1s"))),
        wrong(
            "effect.latency.lognormal.median",
            HTTP,
            latency("lognormal", Map.of("median", "0s", "p99", "1s"))),
        wrong(
            "effect.latency.percentiles",
            HTTP,
            latency("percentiles", Map.of("50", "2s", "99", "1s"))),
        wrong("effect.latency.percentiles", HTTP, latency("percentiles", Map.of())),
        wrong("effect.latency.percentiles.101", HTTP, latency("percentiles", Map.of("101", "1s"))),
        wrong("effect.latency.percentiles.p50", HTTP, latency("percentiles", Map.of("p50", "1s"))),
        wrong(
            "effect.latency.normal",
            HTTP,
            Map.of("latency", Map.of("fixed", "1s", "normal", Map.of()))),
        wrong("effect.error", HTTP, Map.of("error", "deadlock")),
        wrong("effect.error", JDBC, Map.of("error", "readTimeout")),
        wrong("effect.error", HTTP, Map.of("error", "oops")),
        wrong("effect.error", HTTP, Map.of("error", 5)),
        wrong("effect.error.sqlState", HTTP, Map.of("error", Map.of("sqlState", "40001"))),
        wrong("effect.error.sqlState", JDBC, Map.of("error", Map.of("sqlState", "4001"))),
        wrong("effect.error.sqlState", JDBC, Map.of("error", Map.of("message", "m"))),
        wrong("effect.error.klass", HTTP, Map.of("error", Map.of("class", "x.Y", "klass", 1))),
        wrong("effect.response", JDBC, Map.of("response", Map.of("status", 503))),
        wrong("effect.response.status", HTTP, Map.of("response", Map.of())),
        wrong("effect.response.status", HTTP, Map.of("response", Map.of("status", 99))),
        wrong("effect.response.status", HTTP, Map.of("response", Map.of("status", "503"))),
        wrong("effect.response.body", HTTP, response("body", 5)),
        wrong("effect.response.body.base64", HTTP, response("body", Map.of("base64", "?"))),
        wrong("effect.response.headers.a b", HTTP, response("headers", Map.of("a b", "x"))),
        wrong("effect.response.headers.A", HTTP, response("headers", Map.of("A", "x\r\nB: y"))),
        wrong(
            "effect.response.headers.Content-Length",
            HTTP,
            response("headers", Map.of("Content-Length", 1))),
        wrong("effect.response.body", HTTP, Map.of("response", Map.of("status", 204, "body", "x"))),
        wrong(
            "effect", Map.of("kind", "jdbc", "operation", "isValid"), Map.of("error", "deadlock")),
        wrong("selection", HTTP, slow, "selection", "all"),
        wrong("selection.rat", HTTP, slow, "selection", Map.of("rat", 1)),
        wrong("selection.startIn", HTTP, slow, "selection", Map.of("startIn", 5)),
        wrong("ttl", HTTP, slow, "ttl", "0s"),
        wrong("ttl", HTTP, slow, "ttl", 60),
        wrong("ttl", HTTP, slow, "ttl", "never"),
        wrong("id", HTTP, slow, "id", "a b"),
        wrong("id", HTTP, slow, "id", ""),
        wrong("id", HTTP, slow, "id", 7),
        wrong("id", HTTP, slow, "id", "x".repeat(101)),
        wrong("name", HTTP, slow, "name", "x"));
  }

  private static Arguments wrong(String field, Object target, Object effect, Object... more) {
    return Arguments.of(field, target, effect, more);
  }

  private static Map<String, ?> latency(String name, Object value) {
    return Map.of("latency", Map.of(name, value));
  }

  private static Map<String, ?> response(String name, Object value) {
    return Map.of("response", Map.of("status", 200, name, value));
  }

  @ParameterizedTest
  @MethodSource("wrong")
  void each_error_names_its_field(String field, Object target, Object effect, Object[] more) {
    assertThatThrownBy(() -> read(target, effect, more))
        .isInstanceOfSatisfying(
            InvalidDocument.class,
            e -> {
              assertThat(e.field()).as(e.getMessage()).isEqualTo(field);
              assertThat(e.getMessage()).isNotBlank();
            });
  }

  @Test
  void what_is_missing_is_named() {
    for (String missing : List.of("target", "effect")) {
      Map<String, Object> document = new LinkedHashMap<>(Map.of("target", HTTP, "effect", DROP));
      document.remove(missing);
      assertThatThrownBy(() -> Fault.read(document, "[3]", Source.ENDPOINT))
          .isInstanceOfSatisfying(
              InvalidDocument.class, e -> assertThat(e.field()).isEqualTo("[3]." + missing));
    }
  }
}
