package dev.jinx.agent.point;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.call.Kind;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Fault;
import dev.jinx.agent.fault.Limits;
import dev.jinx.agent.fault.Target;
import dev.jinx.agent.point.dns.InetAddressLookUp;
import dev.jinx.agent.point.dns.NettyResolver;
import dev.jinx.agent.point.http.ApacheHttpAsyncClient4;
import dev.jinx.agent.point.http.ApacheHttpAsyncClient5;
import dev.jinx.agent.point.http.ApacheHttpClient4;
import dev.jinx.agent.point.http.ApacheHttpClient5;
import dev.jinx.agent.point.http.AsyncHttpClient;
import dev.jinx.agent.point.http.Grpc;
import dev.jinx.agent.point.http.HttpUrlConnection;
import dev.jinx.agent.point.http.JdkHttpClient;
import dev.jinx.agent.point.http.JettyHttpClient;
import dev.jinx.agent.point.http.NettyHttp;
import dev.jinx.agent.point.http.OkHttp;
import dev.jinx.agent.point.http.ReactorNetty;
import dev.jinx.agent.point.http.Vertx;
import dev.jinx.agent.point.jdbc.Agroal;
import dev.jinx.agent.point.jdbc.AnyDriver;
import dev.jinx.agent.point.jdbc.C3p0;
import dev.jinx.agent.point.jdbc.Dbcp2;
import dev.jinx.agent.point.jdbc.DriverNames;
import dev.jinx.agent.point.jdbc.HikariCp;
import dev.jinx.agent.point.jdbc.TomcatJdbc;
import dev.jinx.agent.point.socket.AsyncChannel;
import dev.jinx.agent.point.socket.Datagrams;
import dev.jinx.agent.point.socket.JavaSocket;
import dev.jinx.agent.point.socket.NettyNative;
import dev.jinx.agent.point.socket.NioChannel;
import dev.jinx.agent.point.tls.Handshakes;
import dev.jinx.agent.point.tls.JdkHttpClientTls;
import dev.jinx.agent.point.tls.JdkSslEngine;
import dev.jinx.agent.point.tls.JdkSslSocket;
import dev.jinx.agent.point.tls.NettyOpenSsl;
import dev.jinx.agent.point.tls.NettySslHandler;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.Catalogue;
import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.Landmark;
import dev.jinx.agent.weave.MethodHook;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** The registry: every library that faults can hit, one line each. */
public final class Points implements Catalogue, Consumer<Fault>, LongSupplier {
  private static final int DRIVERS = 0;

  private final Armory armory;
  private final Access access;
  private final Exceptions exceptions;
  private final Handshakes handshakes;
  private final boolean hasJdbc = ModuleLayer.boot().findModule("java.sql").isPresent();
  private final List<@Nullable Point> made = new ArrayList<>();
  private final PointIndex index;

  public Points(Armory armory, Access access) {
    this.armory = armory;
    this.access = access;
    exceptions = new Exceptions(access);
    handshakes = new Handshakes(access, exceptions);
    PointIndex written = PointIndex.read();
    index = written == null ? indexOfAll() : written;
  }

  /** A line for each library; it is made when it is first asked for. */
  private @Nullable Point make(int number) {
    return switch (number) {
      case DRIVERS -> new AnyDriver(armory, access, exceptions);
      case 1 -> new JavaSocket(armory, access, exceptions);
      case 2 -> new NioChannel(armory, access, exceptions);
      case 3 -> new InetAddressLookUp(armory, exceptions);
      case 4 -> new HttpUrlConnection(armory, access, exceptions);
      case 5 -> new JdkHttpClient(armory, access, exceptions);
      case 6 -> new ApacheHttpClient5(armory, access, exceptions);
      case 7 -> new ApacheHttpClient4(armory, access, exceptions);
      case 8 -> new ApacheHttpAsyncClient5(armory, access, exceptions);
      case 9 -> new ReactorNetty(armory, access, exceptions);
      case 10 -> new NettyHttp(armory, access, exceptions);
      case 11 -> new JettyHttpClient(armory, access, exceptions);
      case 12 -> new OkHttp(armory, access, exceptions);
      case 13 -> new AsyncHttpClient(armory, access, exceptions);
      case 14 -> new Vertx(armory, access, exceptions);
      case 15 -> new Grpc(armory, access, exceptions);
      case 16 -> new ApacheHttpAsyncClient4(armory, access, exceptions);
      case 17 -> new NettyResolver(armory, access, exceptions);
      case 18 -> new JdkSslSocket(armory, handshakes);
      case 19 -> new JdkSslEngine(armory, handshakes);
      case 20 -> new JdkHttpClientTls(armory, access, handshakes);
      case 21 -> new NettySslHandler(armory, access, handshakes);
      case 22 -> new Datagrams(armory, access, exceptions);
      case 23 -> new AsyncChannel(armory, access, exceptions);
      case 24 -> new NettyNative(armory, access, exceptions);
      case 25 -> new NettyOpenSsl(handshakes);
      default -> hasJdbc ? pool(number) : null;
    };
  }

  /** The pools, a line each, too. */
  private @Nullable Point pool(int number) {
    return switch (number) {
      case 26 -> new HikariCp(armory, access, drivers());
      case 27 -> new Dbcp2(armory, access, drivers());
      case 28 -> new TomcatJdbc(armory, access, drivers());
      case 29 -> new C3p0(armory, access, drivers());
      case 30 -> new Agroal(armory, access, drivers());
      default -> null;
    };
  }

  private AnyDriver drivers() {
    if (point(DRIVERS) instanceof AnyDriver drivers) {
      return drivers;
    }
    throw new IllegalStateException();
  }

  private synchronized @Nullable Point point(int number) {
    while (made.size() <= number) {
      made.add(null);
    }
    Point point = made.get(number);
    if (point == null) {
      point = make(number);
      made.set(number, point);
    }
    return point;
  }

  private @Nullable Point point(String className) {
    Integer number = index.byClass().get(className);
    return number == null ? null : point(number);
  }

  private List<Point> all() {
    List<Point> all = new ArrayList<>();
    for (int number = 0; ; number++) {
      Point point = number == DRIVERS && !hasJdbc ? new NoDrivers() : point(number);
      if (point == null) {
        return all;
      }
      all.add(point);
    }
  }

  /** In place of the drivers, in an image without JDBC. */
  private record NoDrivers() implements Point {
    @Override
    public List<ClassHooks> classes() {
      return List.of();
    }
  }

  // ---- as classes load

  @Override
  public boolean mayConcern(String className) {
    return index.byClass().containsKey(className) || (hasJdbc && DriverNames.mayConcern(className));
  }

  @Override
  public @Nullable ClassHooks hooks(String className) {
    Point point = point(className);
    if (point != null) {
      for (ClassHooks each : point.classes()) {
        if (each.className().equals(className)) {
          return each;
        }
      }
    }
    return null;
  }

  @Override
  public @Nullable Landmark landmark(String className) {
    Point point = point(className);
    if (point != null) {
      for (Landmark each : point.landmarks()) {
        if (each.className().equals(className)) {
          return each;
        }
      }
    }
    return null;
  }

  @Override
  public long onDemand() {
    return Operation.JDBC_NEXT.bit();
  }

  @Override
  public @Nullable ClassHooks find(
      String className, @Nullable String superName, String[] interfaces) {
    return hasJdbc && point(DRIVERS) instanceof AnyDriver drivers
        ? drivers.find(className, interfaces)
        : null;
  }

  // ---- as faults are armed

  /** The bits of the operations that some point hooks. */
  @Override
  public long getAsLong() {
    long jdbc = Operation.bits(Operation.of(Kind.JDBC));
    return hasJdbc ? index.operations() : index.operations() & ~jdbc;
  }

  /** Checks what only the points can tell of a fault; throws {@code InvalidDocument}. */
  @Override
  public void accept(Fault fault) {
    exceptions.check(fault);
    for (Target.Condition condition : fault.target().conditions()) {
      if (condition.field() == Field.CLIENT) {
        new ClientCheck(all(), condition.pattern()).check(fault);
      }
    }
  }

  // ---- as the agent is built

  /**
   * Writes the index.
   *
   * @param folder that of the compiled classes
   */
  @SuppressWarnings("NullAway") // nothing is hooked here
  public static void main(String[] folder) throws IOException {
    Points points = new Points(new Armory(new Limits(0, 0, 0), bits -> {}), new Access(null));
    Path own = Path.of(folder[0], Points.class.getPackageName().replace('.', '/'));
    Files.writeString(
        own.resolve(PointIndex.RESOURCE), points.indexOfAll().text(), StandardCharsets.US_ASCII);
  }

  private PointIndex indexOfAll() {
    Map<String, Integer> byClass = new TreeMap<>();
    long operations = 0;
    List<Point> all = all();
    for (int number = 0; number < all.size(); number++) {
      for (ClassHooks each : all.get(number).classes()) {
        byClass.put(each.className(), number);
        for (MethodHook hook : each.methods()) {
          operations |= hook.handler().hits();
        }
      }
      for (Landmark each : all.get(number).landmarks()) {
        byClass.put(each.className(), number);
      }
    }
    return new PointIndex(byClass, operations);
  }
}
