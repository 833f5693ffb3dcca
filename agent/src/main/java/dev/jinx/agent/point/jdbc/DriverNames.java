package dev.jinx.agent.point.jdbc;

/** Which classes may be a driver's, by their names. */
public final class DriverNames {
  /** Who wraps drivers, and is never hit itself. */
  private static final String[] WRAPPERS = {
    "com/zaxxer/hikari/",
    "org/apache/commons/dbcp",
    "org/apache/tomcat/",
    "com/mchange/",
    "io/agroal/",
    "com/p6spy/",
    "net/ttddyy/",
    "io/opentelemetry/",
    "org/springframework/",
    "org/hibernate/",
    "org/jooq/",
    "oracle/ucp/",
    "com/alibaba/druid/",
    "org/vibur/",
    "bitronix/",
    "com/atomikos/",
    "com/arjuna/",
    "org/jboss/",
    "io/micrometer/",
    "brave/",
    "datadog/",
    "org/apache/shardingsphere/",
    "net/sf/log4jdbc/"
  };

  private DriverNames() {}

  /** A cheap look, for every class that is loaded. */
  public static boolean mayConcern(String className) {
    int simple = className.lastIndexOf('/') + 1;
    if (className.indexOf("Statement", simple) < 0
        && className.indexOf("Connection", simple) < 0
        && className.indexOf("Driver", simple) < 0
        && className.indexOf("ResultSet", simple) < 0) {
      return false;
    }
    for (String wrapper : WRAPPERS) {
      if (className.startsWith(wrapper)) {
        return false;
      }
    }
    return !className.startsWith("java/")
        && !className.startsWith("javax/")
        && !className.startsWith("sun/")
        && !className.startsWith("com/sun/")
        && !className.startsWith("jdk/");
  }
}
