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

  /** Adds the place where a connection is borrowed. */
  final void borrow(String className, String method, String descriptor) {
    long bit = Operation.JDBC_ACQUIRE.bit();
    MethodHook hook = new MethodHook(method, descriptor, -1, bit, acquire, true);
    classes.add(new ClassHooks(library, className, List.of(hook)));
  }

  @Override
  public final List<ClassHooks> classes() {
    return classes;
  }
}
