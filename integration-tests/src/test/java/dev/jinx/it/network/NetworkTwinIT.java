package dev.jinx.it.network;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Clients that Jinx knows nothing of meet a network that is really bad and one whose troubles are
 * injected: what they throw, when they give up, and how they come back are the same.
 */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class NetworkTwinIT {

  static Stream<Arguments> troubles() {
    return Clients.all()
        .flatMap(client -> Trouble.ALL.stream().map(each -> Arguments.of(client, each)));
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("troubles")
  void sameAsReal(Client client, Trouble trouble) throws Exception {
    Observation real = Observation.of(client, trouble.real());

    Observation injected = Observation.of(client, trouble.injected());

    assertThat(injected).isEqualTo(real);
  }
}
