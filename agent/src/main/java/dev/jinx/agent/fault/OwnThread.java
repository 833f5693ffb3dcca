package dev.jinx.agent.fault;

/** The threads of Jinx itself: daemons, and exempt from every fault. */
public final class OwnThread {
  private static final ThreadGroup GROUP = new ThreadGroup("jinx");

  private OwnThread() {}

  /** A daemon thread that has not been started. */
  public static Thread of(String name, Runnable work) {
    // no stack of the application's stands above it, so the context loader is set free too
    Thread thread = new Thread(GROUP, work, "jinx-" + name);
    thread.setDaemon(true);
    thread.setContextClassLoader(OwnThread.class.getClassLoader());
    return thread;
  }

  /**
   * A daemon thread on which executors of the application are called. A thread that one of them
   * starts there inherits group and context loader, so neither is ours; nor is it exempt.
   */
  static Thread neutral(String name, Runnable work) {
    Thread thread = new Thread(GROUP.getParent(), work, "jinx-" + name);
    thread.setDaemon(true);
    thread.setContextClassLoader(ClassLoader.getSystemClassLoader());
    return thread;
  }

  /** Whether the current thread is one of them, or was started by one. */
  public static boolean isCurrent() {
    return Thread.currentThread().getThreadGroup() == GROUP;
  }
}
