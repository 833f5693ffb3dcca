package dev.jinx;

import static dev.jinx.Jinx.dns;
import static dev.jinx.Jinx.http;
import static dev.jinx.Jinx.jdbc;
import static dev.jinx.Jinx.socket;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FaultTest {

  @Test
  void http_fault_writes_its_keys() {
    assertDocument(
        http("payments", "^payments.eu")
            .scheme("https")
            .port(443, 8443)
            .method("POST")
            .path("/v1/**")
            .query("a=*")
            .header("X-Tenant", "acme")
            .client("jdk")
            .response(503, Map.of("Retry-After", "1"), "busy"),
        """
        {"target":{"kind":"http","host":["payments","^payments.eu"],"scheme":"https","port":[443,8443],
          "method":"POST","path":"/v1/**","query":"a=*","header.X-Tenant":"acme","client":"jdk"},
         "effect":{"response":{"status":503,"headers":{"Retry-After":"1"},"body":"busy"}}}
        """);
  }

  @Test
  void http_fault_writes_what_becomes_of_the_answer() {
    assertDocument(
        http("payments").limit("4KB").bandwidth("64KB/s"),
        """
        {"target":{"kind":"http","host":"payments"},
         "effect":{"limit":{"after":"4KB"},"bandwidth":"64KB/s"}}
        """);
    assertDocument(
        http("payments").reset("0B"),
        """
        {"target":{"kind":"http","host":"payments"},"effect":{"reset":{"after":"0B"}}}
        """);
    assertDocument(
        http("payments").response(200, Map.of("Content-Encoding", "gzip"), new byte[] {31, -117}),
        """
        {"target":{"kind":"http","host":"payments"},
         "effect":{"response":{"status":200,"headers":{"Content-Encoding":"gzip"},
           "body":{"base64":"H4s="}}}}
        """);
  }

  @Test
  void jdbc_fault_writes_its_keys() {
    assertDocument(
        jdbc("jdbc:h2:*")
            .driver("org.h2.*")
            .operation("execute", "commit")
            .statement("update")
            .table("orders")
            .sql("/.*/")
            .error("40001", 7, "again"),
        """
        {"target":{"kind":"jdbc","url":"jdbc:h2:*","driver":"org.h2.*","operation":["execute","commit"],
          "statement":"update","table":"orders","sql":"/.*/"},
         "effect":{"error":{"sqlState":"40001","vendorCode":7,"message":"again"}}}
        """);
  }

  @Test
  void socket_and_dns_faults_write_their_keys() {
    assertDocument(
        socket("db").port(5432).operation("read").drop(),
        """
        {"target":{"kind":"socket","host":"db","port":5432,"operation":"read"},"effect":{"drop":{}}}
        """);
    assertDocument(
        dns("db").error(NamedError.UNKNOWN_HOST),
        """
        {"target":{"kind":"dns","host":"db"},"effect":{"error":"unknownHost"}}
        """);
  }

  @Test
  void any_fault_writes_what_is_common_to_all() {
    assertDocument(
        http()
            .id("mine")
            .caller("com.acme.**")
            .thread("main")
            .latency(Duration.ofMillis(800))
            .error(IOException.class, "gone")
            .afterCall()
            .rate(0.25)
            .skip(1)
            .first(2)
            .every(3)
            .maxInjections(4)
            .maxActive(5)
            .sequence("fail,pass")
            .startIn(Duration.ofSeconds(2))
            .seed(7)
            .ttl(Duration.ofMinutes(10)),
        """
        {"id":"mine",
         "target":{"kind":"http","caller":"com.acme.**","thread":"main"},
         "effect":{"latency":"800ms","error":{"class":"java.io.IOException","message":"gone"},"phase":"after"},
         "selection":{"rate":0.25,"after":1,"first":2,"every":3,"maxInjections":4,"maxActive":5,
           "sequence":"fail,pass","startIn":"2s","seed":7},
         "ttl":"10m"}
        """);
  }

  @Test
  void star_alone_is_no_condition() {
    assertDocument(jdbc("*").noTtl(), "{\"target\":{\"kind\":\"jdbc\"},\"ttl\":\"none\"}");
  }

  @Test
  void what_has_no_method_is_set_by_its_path() {
    assertDocument(
        http().with("target.header.X.Y", "z").with("effect.bandwidth", "64KB/s"),
        """
        {"target":{"kind":"http","header.X.Y":"z"},"effect":{"bandwidth":"64KB/s"}}
        """);
  }

  @Test
  void a_fault_can_be_kept_and_varied() {
    HttpFault payments = http("payments");
    HttpFault slow = payments.latency(Duration.ofSeconds(1));

    assertThat(payments.toString()).doesNotContain("latency");
    assertThat(slow.first(1).toString()).contains("latency").contains("first");
    assertThat(slow.toString()).doesNotContain("first");
  }

  @Test
  void latencies_write_their_distribution() {
    Duration a = Duration.ofMillis(20);
    Duration b = Duration.ofSeconds(2);
    assertLatency(Latency.uniform(a, b), "{\"uniform\":{\"min\":\"20ms\",\"max\":\"2s\"}}");
    assertLatency(Latency.normal(b, a), "{\"normal\":{\"mean\":\"2s\",\"stddev\":\"20ms\"}}");
    assertLatency(Latency.lognormal(a, b), "{\"lognormal\":{\"median\":\"20ms\",\"p99\":\"2s\"}}");
    assertLatency(
        Latency.percentiles(new TreeMap<>(Map.of(50.0, a, 99.9, b))),
        "{\"percentiles\":{\"50.0\":\"20ms\",\"99.9\":\"2s\"}}");
    assertLatency(Latency.atLeast(b), "{\"floor\":\"2s\"}");
    assertLatency(
        Latency.uniform(a, b).floor(a),
        "{\"uniform\":{\"min\":\"20ms\",\"max\":\"2s\"},\"floor\":\"20ms\"}");
  }

  @ParameterizedTest
  @CsvSource({
    "PT0S, 0ms", "PT0.00025S, 250us", "PT0.8S, 800ms", "PT1.5S, 1500ms", "PT1.000001S, 1000001us",
    "PT2S, 2s", "PT90S, 90s", "PT5M, 5m", "PT1H, 1h", "PT90M, 90m",
    "PT0.0000015S, 2us", "PT0.0000004S, 0ms"
  })
  void durations_are_written_in_the_largest_whole_unit(Duration duration, String text) {
    assertThat(Latency.text(duration)).isEqualTo(text);
  }

  private static void assertLatency(Latency latency, String json) {
    assertDocument(
        http().latency(latency),
        "{\"target\":{\"kind\":\"http\"},\"effect\":{\"latency\":" + json + "}}");
  }

  private static void assertDocument(Fault<?> fault, String json) {
    assertThat(Json.read(fault.toString())).isEqualTo(Json.read(json));
  }
}
