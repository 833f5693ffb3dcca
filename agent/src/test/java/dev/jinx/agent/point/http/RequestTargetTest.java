package dev.jinx.agent.point.http;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RequestTargetTest {

  @ParameterizedTest
  @CsvSource({
    "'', /",
    "/, /",
    "/v1/charges, /v1/charges",
    "/v1/a%20b?c=d, /v1/a b",
    "'?c=d', /",
    "/%C3%A4/%2F, /ä//",
    "/100%, /100%",
    "/%zz/%2, /%zz/%2",
    "/a+b, /a+b"
  })
  void path(String raw, String path) {
    assertThat(RequestTarget.path(raw)).isEqualTo(path);
  }

  @Test
  void query() {
    assertThat(RequestTarget.query("/a?b=%20c&d=e+f")).isEqualTo("b= c&d=e+f");
    assertThat(RequestTarget.query("/a?")).isEmpty();
    assertThat(RequestTarget.query("/a")).isNull();
  }

  @Test
  void portAndHost() {
    assertThat(RequestTarget.port("https", -1)).isEqualTo("443");
    assertThat(RequestTarget.port("http", 0)).isEqualTo("80");
    assertThat(RequestTarget.port("http", 8080)).isEqualTo("8080");
    assertThat(RequestTarget.host("[::1]")).isEqualTo("::1");
    assertThat(RequestTarget.host("localhost")).isEqualTo("localhost");
  }
}
