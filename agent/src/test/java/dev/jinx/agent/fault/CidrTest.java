package dev.jinx.agent.fault;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CidrTest {

  private static TextPattern host(String... patterns) {
    return new TextPattern(List.of(patterns), (char) 0, true, "target.host");
  }

  @ParameterizedTest
  @CsvSource({
    "10.0.0.0/8, 10.255.3.4, true",
    "10.0.0.0/8, 11.0.0.0, false",
    "192.168.128.0/17, 192.168.129.1, true",
    "192.168.128.0/17, 192.168.127.1, false",
    "0.0.0.0/0, 8.8.8.8, true",
    "0.0.0.0/0, ::1, false",
    "127.0.0.1/32, 127.0.0.1, true",
    "fd00::/8, fd12:3456::1, true",
    "fd00::/8, fe80::1%eth0, false",
    "fe80::/10, fe80::1%eth0, true",
    "::ffff:10.0.0.0/104, ::ffff:10.1.2.3, true",
    "2001:db8:0:0:1::/80, 2001:db8::1:0:0:9, true",
    "::1, 0:0:0:0:0:0:0:1, true",
    "0:0:0:0:0:0:0:1, ::1, true",
    "[2001:DB8::1], 2001:db8:0:0:0:0:0:1%eth0, true",
    "::1, 0:0:0:0:0:0:0:2, false",
    "::1, 127.0.0.1, false",
    "10.0.0.0/8, payments, false",
    "10.0.0.0/8, 10.0.0, false",
    "10.0.0.0/8, '', false",
  })
  void contains(String network, String host, boolean expected) {
    assertThat(host(network).matches(host)).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({
    "10.0.0.0/33",
    "payments/8",
    "10.0.0/8",
    "10.0.0.0/",
    "1:2:3/8",
    "::/129",
    "payments:80",
    ":",
    "[::1"
  })
  void whatIsNoNetworkIsItself(String text) {
    assertThat(host(text).matches(text)).isTrue();
    assertThat(host(text).matches("10.0.0.1")).isFalse();
  }

  @Test
  void ofTwoNamesOneIsEnoughButNoneMayBeExcluded() {
    assertThat(host("10.0.0.0/8").matches("payments", "10.1.2.3")).isTrue();
    assertThat(host("payments").matches("payments", "10.1.2.3")).isTrue();
    assertThat(host("^10.0.0.0/8").matches("payments", "10.1.2.3")).isFalse();
    assertThat(host("^payments").matches("payments", "10.1.2.3")).isFalse();
    assertThat(host("^orders").matches("payments", "10.1.2.3")).isTrue();
  }
}
