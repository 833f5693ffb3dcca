package dev.jinx.agent.point.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Limits;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.weave.Access;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.mockito.Mockito;

class AnyDriverTest {
  private final AnyDriver point = point();

  private static AnyDriver point() {
    Access access = Mockito.mock(Access.class);
    Armory armory = new Armory(new Limits(1, 1, 1), bits -> {});
    return new AnyDriver(armory, access, new Exceptions(access));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"com/acme/db/AcmeConnection", "com/acme/AcmePreparedStatement", "acme/Driver"})
  void a_driver_nobody_knows_may_be_one_by_its_name(String name) {
    assertThat(DriverNames.mayConcern(name)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "com/acme/db/Statements$Parser$Item2/Thing",
        "com/zaxxer/hikari/pool/HikariProxyConnection",
        "com/p6spy/engine/wrapper/ConnectionWrapper",
        "org/apache/commons/dbcp2/DelegatingStatement",
        "java/sql/DriverManager",
        "sun/nio/ch/SocketChannelImpl",
        "com/acme/Order"
      })
  void pools_wrappers_and_all_else_are_left_alone(String name) {
    assertThat(DriverNames.mayConcern(name)).isFalse();
  }

  @Test
  void only_who_names_an_interface_of_jdbc_itself_is_hooked() {
    assertThat(find("com/acme/AcmeConnection", "java/io/Closeable", "java/sql/Connection"))
        .isTrue();
    assertThat(find("com/acme/AcmeStatement", "java/sql/CallableStatement")).isTrue();
    assertThat(find("com/acme/AcmeDriver", "java/sql/Driver")).isTrue();
    assertThat(find("com/acme/SomeConnection", "com/acme/Connection")).isFalse();
    assertThat(find("com/acme/SomeConnection")).isFalse();
  }

  private boolean find(String className, String... interfaces) {
    return point.find(className, interfaces) != null;
  }

  @ParameterizedTest
  @CsvSource({
    "jdbc:postgresql://db:5432/shop?user=bob&password=s3cret, jdbc:postgresql://db:5432/shop",
    "jdbc:h2:mem:shop;DB_CLOSE_DELAY=-1;PASSWORD=s3cret, jdbc:h2:mem:shop",
    "jdbc:mysql://bob:s3cret@db/shop, jdbc:mysql://db/shop",
    "jdbc:oracle:thin:scott/tiger@db:1521:xe, jdbc:oracle:thin:db:1521:xe",
    "jdbc:oracle:thin:@//db:1521/xe, jdbc:oracle:thin:@//db:1521/xe",
    "jdbc:sqlserver://db:1433;encrypt=true;databaseName=shop;password=s3cret, jdbc:sqlserver://db:1433;databaseName=shop",
    "jdbc:sqlserver://db:1433, jdbc:sqlserver://db:1433",
    "jdbc:hsqldb:mem:any, jdbc:hsqldb:mem:any"
  })
  void a_url_is_matched_without_parameters_and_passwords(String url, String matched) {
    assertThat(Drivers.withoutParameters(url)).isEqualTo(matched);
    assertThat(Drivers.name(url)).isEqualTo(url.split(":", -1)[1]);
  }
}
