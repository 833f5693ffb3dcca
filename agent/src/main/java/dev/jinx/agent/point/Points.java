package dev.jinx.agent.point;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Fault;
import dev.jinx.agent.fault.Target;
import dev.jinx.agent.point.dns.InetAddressLookUp;
import dev.jinx.agent.point.http.ApacheHttpAsyncClient4;
import dev.jinx.agent.point.http.ApacheHttpAsyncClient5;
import dev.jinx.agent.point.http.HttpUrlConnection;
import dev.jinx.agent.point.http.JdkHttpClient;
import dev.jinx.agent.point.jdbc.AnyDriver;
import dev.jinx.agent.point.socket.JavaSocket;
import dev.jinx.agent.point.socket.NioChannel;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.Landmark;
import dev.jinx.agent.weave.MethodHook;
import dev.jinx.agent.weave.ShapeFinder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The registry: every library that faults can hit, one line each. */
public final class Points implements Consumer<Fault> {
  private final List<Point> all = new ArrayList<>();
  private final Exceptions exceptions;

  public Points(Armory armory, Access access) {
    exceptions = new Exceptions(access);
    all.add(new JavaSocket(armory, access, exceptions));
    all.add(new NioChannel(armory, exceptions));
    all.add(new InetAddressLookUp(armory, exceptions));
    if (ModuleLayer.boot().findModule("java.sql").isPresent()) { // an image may lack it
      all.add(new AnyDriver(armory, access, exceptions));
    }
    all.add(new HttpUrlConnection(armory, access, exceptions));
    all.add(new JdkHttpClient(armory, access, exceptions));
    all.add(new ApacheHttpAsyncClient4(armory, access, exceptions));
    all.add(new ApacheHttpAsyncClient5(armory, access, exceptions));
  }

  /** The classes to be hooked by name. */
  public List<ClassHooks> classes() {
    List<ClassHooks> classes = new ArrayList<>();
    for (Point point : all) {
      classes.addAll(point.classes());
    }
    return classes;
  }

  /** The classes by which libraries are recognised. */
  public List<Landmark> landmarks() {
    List<Landmark> landmarks = new ArrayList<>();
    for (Point point : all) {
      landmarks.addAll(point.landmarks());
    }
    return landmarks;
  }

  /** All that finds classes by their shape. */
  public ShapeFinder shapes() {
    List<ShapeFinder> finders = new ArrayList<>();
    for (Point point : all) {
      if (point.shapes() != ShapeFinder.NONE) {
        finders.add(point.shapes());
      }
    }
    ShapeFinder[] each = finders.toArray(new ShapeFinder[0]);
    return new ShapeFinder() {
      @Override
      public boolean mayConcern(String className) {
        for (ShapeFinder finder : each) {
          if (finder.mayConcern(className)) {
            return true;
          }
        }
        return false;
      }

      @Override
      public @Nullable ClassHooks find(
          @Nullable ClassLoader loader,
          String className,
          @Nullable String superName,
          String[] interfaces) {
        for (ShapeFinder finder : each) {
          ClassHooks found =
              finder.mayConcern(className)
                  ? finder.find(loader, className, superName, interfaces)
                  : null;
          if (found != null) {
            return found;
          }
        }
        return null;
      }
    };
  }

  /** The bits of the operations that some point hooks. */
  public long hookable() {
    long bits = 0;
    for (ClassHooks each : classes()) {
      for (MethodHook hook : each.methods()) {
        bits |= hook.handler() instanceof HookPoint point ? point.operation().bit() : 0;
      }
    }
    return bits;
  }

  /** Checks what only the points can tell of a fault; throws {@code InvalidDocument}. */
  @Override
  public void accept(Fault fault) {
    exceptions.check(fault);
    for (Target.Condition condition : fault.target().conditions()) {
      if (condition.field() == Field.CLIENT) {
        new ClientCheck(all, condition.pattern()).check(fault);
      }
    }
  }
}
