package dev.jinx.agent.control;

import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.fault.OwnThread;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.BinaryOperator;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Starts what the outside talks to. {@link #start} arms the faults file on the calling thread, and
 * leaves all else to a daemon thread of Jinx, {@code jinx-start}: the endpoint, the run directory,
 * the watching of the file. Without a faults file that thread is all that the caller pays for.
 */
public final class Control implements Runnable {
  private static final long POLL = 1000;

  private final ControlOptions options;
  private final Armory armory;
  private final Consumer<String> info;
  private final Consumer<String> warn;
  private final Bridge bridge;
  private final @Nullable FaultsFile faultsFile;

  private @Nullable Endpoint endpoint;
  private @Nullable RunDirectory runDirectory;
  private boolean stopped;

  private Control(
      ControlOptions options,
      Armory armory,
      Status status,
      Consumer<String> info,
      Consumer<String> warn) {
    this.options = options;
    this.armory = armory;
    this.info = info;
    this.warn = warn;
    this.bridge = new Bridge(armory, status);
    String faults = options.faults();
    this.faultsFile = faults == null ? null : new FaultsFile(new File(faults), armory, info, warn);
  }

  /**
   * Starts everything; to be called once, before {@code main}, when the armory knows what it can
   * hit. Throws nothing and closes itself when the JVM ends.
   *
   * @param hooks what is hooked: a tree for each class, asked for anew by each status
   * @param unhooked what was seen and could not be hooked, and why
   * @param info takes a line for people, without a prefix
   * @param warn the same, for what does not work
   */
  public static Control start(
      ControlOptions options,
      Armory armory,
      Supplier<List<Map<String, Object>>> hooks,
      Supplier<List<Map<String, Object>>> unhooked,
      Consumer<String> info,
      Consumer<String> warn) {
    Status status = new Status(options.version(), hooks, unhooked, System.nanoTime());
    Control control = new Control(options, armory, status, info, warn);
    if (control.faultsFile != null) {
      control.armFile(control.faultsFile);
    }
    OwnThread.of("start", control).start();
    return control;
  }

  /** The commands for the Java facade; costs nothing until it is called. */
  public BinaryOperator<String> bridge() {
    return bridge;
  }

  /** The work of {@code jinx-start}. */
  @Override
  public void run() {
    try {
      listen();
      Runtime.getRuntime().addShutdownHook(OwnThread.of("stop", this::close));
    } catch (IllegalStateException e) {
      close(); // the JVM is ending already
      return;
    } catch (Throwable e) {
      OwnFailures.note(e);
      noEndpoint(e.toString());
    }
    if (faultsFile != null) {
      watch(faultsFile);
    }
  }

  private synchronized void listen() {
    Endpoint opened = open();
    endpoint = opened;
    String url = opened == null ? null : opened.url();
    note(url);
    if (url != null || isOff()) {
      info.accept(
          (url == null ? "ready, without an endpoint" : "ready on " + url)
              + " (pid "
              + ProcessHandle.current().pid()
              + ")");
    }
  }

  private boolean isOff() {
    Integer port = options.port();
    return port != null && port < 0;
  }

  private @Nullable Endpoint open() {
    if (isOff()) {
      return null;
    }
    if (ModuleLayer.boot().findModule("jdk.httpserver").isEmpty()) {
      noEndpoint("this JVM runs without the module jdk.httpserver (--add-modules jdk.httpserver)");
      return null;
    }
    try {
      Integer port = options.port();
      Endpoint opened = Endpoint.open(options.host(), port, token(), bridge, armory);
      if (port == null && opened.port() != Endpoint.DEFAULT_PORT) {
        info.accept(
            "port " + Endpoint.DEFAULT_PORT + " is taken, so this is on port " + opened.port());
      }
      return opened;
    } catch (IOException e) {
      noEndpoint(String.valueOf(e.getMessage()));
      return null;
    }
  }

  private void noEndpoint(String why) {
    warn.accept("no endpoint: " + why + "; the faults file and the Java facade work");
  }

  private @Nullable String token() throws IOException {
    String file = options.tokenFile();
    if (options.token() != null || file == null) {
      return options.token();
    }
    try {
      String token = Files.readString(Path.of(file)).strip();
      if (!token.isEmpty()) {
        return token;
      }
    } catch (IOException e) {
      throw new IOException("the tokenFile " + file + " cannot be read: " + e, e);
    }
    throw new IOException("the tokenFile " + file + " is empty");
  }

  private void note(@Nullable String url) {
    try {
      RunDirectory directory = RunDirectory.ofUser();
      directory.add(RunDirectory.Running.here(url));
      runDirectory = directory;
    } catch (IOException | RuntimeException e) {
      warn.accept(
          "the command line will not find this JVM by itself: "
              + (e.getClass() == IOException.class ? e.getMessage() : e));
    }
  }

  private void watch(FaultsFile file) {
    try {
      while (!isStopped()) {
        Thread.sleep(POLL);
        armFile(file);
      }
    } catch (InterruptedException e) {
      // nobody else knows this thread: it may end
    }
  }

  private void armFile(FaultsFile file) {
    try {
      file.arm();
    } catch (RuntimeException | LinkageError e) {
      OwnFailures.note(e);
    }
  }

  private synchronized boolean isStopped() {
    return stopped;
  }

  /** Closes the endpoint at once; faults stay armed. */
  synchronized void close() {
    stopped = true;
    if (runDirectory != null) {
      runDirectory.remove(ProcessHandle.current().pid());
    }
    if (endpoint != null) {
      endpoint.close();
    }
  }
}
