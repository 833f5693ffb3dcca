package dev.jinx.agent.point.jdbc;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.point.Point;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.MethodHook;
import java.util.ArrayList;
import java.util.List;

/**
 * A pool of connections, at the method by which applications borrow one: a file each, with the
 * method's place and a nested {@code Adapter}. What goes on between the pool and its database is
 * the driver's.
 */
abstract class Pool implements Point {
  private final String library;
  private final Acquire acquire;
  private final List<ClassHooks> classes = new ArrayList<>();

  /**
   * @param library the pool's name
   */
  Pool(Armory armory, Access access, AnyDriver drivers, String library) {
    this.library = library;
    acquire = new Acquire(armory, access, drivers, getClass().getName().concat("$Adapter"));
  }

  /**
   * Adds a class by whose methods connections are borrowed.
   *
   * @param method name and descriptor of one that every version has
   * @param more those that some lack
   */
  final void borrow(String className, String method, String... more) {
    List<MethodHook> hooks = new ArrayList<>();
    hooks.add(hook(method, true));
    for (String each : more) {
      hooks.add(hook(each, false));
    }
    classes.add(new ClassHooks(library, className, hooks));
  }

  private MethodHook hook(String method, boolean required) {
    int name = method.indexOf('(');
    return new MethodHook(
        method.substring(0, name),
        method.substring(name),
        -1,
        Operation.JDBC_ACQUIRE.bit(),
        acquire,
        required);
  }

  @Override
  public final List<ClassHooks> classes() {
    return classes;
  }
}
