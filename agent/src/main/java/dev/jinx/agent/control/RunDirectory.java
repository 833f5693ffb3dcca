package dev.jinx.agent.control;

import dev.jinx.agent.document.InvalidDocument;
import java.io.File;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Where the agents of one user find each other: a file for each process, in a directory that only
 * this user can read and write.
 */
public final class RunDirectory {
  private static final Set<PosixFilePermission> PRIVATE =
      PosixFilePermissions.fromString("rwx------");

  private final Path directory;

  /**
   * A running agent.
   *
   * @param url of its endpoint, or null where it has none
   * @param command what runs there
   * @param started when the process did; null where that is not known
   */
  public record Running(long pid, @Nullable String url, String command, @Nullable String started) {

    /** This process. */
    static Running here(@Nullable String url) {
      // arguments may be secrets
      String command = System.getProperty("sun.java.command", "").split(" ", 2)[0];
      ProcessHandle process = ProcessHandle.current();
      return new Running(process.pid(), url, command, started(process));
    }

    private static @Nullable String started(ProcessHandle process) {
      return process.info().startInstant().map(Instant::toString).orElse(null);
    }

    /** Whether it still runs, and is not another that got its number. */
    boolean isAlive() {
      return ProcessHandle.of(pid)
          .filter(ProcessHandle::isAlive)
          .map(process -> started == null || started.equals(started(process)))
          .orElse(false);
    }
  }

  RunDirectory(Path directory) {
    this.directory = directory;
  }

  /** The one of the current user. */
  public static RunDirectory ofUser() {
    String user = System.getProperty("user.name", "").replaceAll("[^A-Za-z0-9._-]", "_");
    // on Linux an application often has a java.io.tmpdir of its own, where nobody would look
    File tmp = new File("/tmp");
    boolean linux = System.getProperty("os.name", "").equals("Linux");
    Path parent =
        linux && tmp.isDirectory() && tmp.canWrite()
            ? tmp.toPath()
            : Path.of(System.getProperty("java.io.tmpdir", "."));
    return new RunDirectory(parent.resolve("jinx-" + user));
  }

  /**
   * Notes an agent; to be removed when it ends.
   *
   * @throws IOException where the directory is not this user's alone
   */
  void add(Running running) throws IOException {
    create();
    list();
    Map<String, @Nullable Object> tree = new LinkedHashMap<>();
    tree.put("pid", running.pid);
    tree.put("url", running.url);
    tree.put("command", running.command);
    tree.put("started", running.started);
    Path part = directory.resolve(running.pid + ".tmp");
    Files.writeString(part, Json.write(tree));
    try {
      Files.move(part, file(running.pid), StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      Files.move(part, file(running.pid), StandardCopyOption.REPLACE_EXISTING);
    }
  }

  void remove(long pid) {
    file(pid).toFile().delete();
  }

  /**
   * The agents that run, by process id; files of those that ended are removed.
   *
   * @throws IOException where the directory is not this user's alone
   */
  public List<Running> list() throws IOException {
    List<Running> all = new ArrayList<>();
    if (!Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
      return all;
    }
    requireOwn();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*.json")) {
      for (Path file : files) {
        Running running = read(file);
        if (running != null && running.isAlive()) {
          all.add(running);
        } else {
          Files.deleteIfExists(file);
        }
      }
    }
    all.sort(Comparator.comparingLong(Running::pid));
    return all;
  }

  private static @Nullable Running read(Path file) throws IOException {
    try {
      if (Json.read(Files.readString(file)) instanceof Map<?, ?> tree
          && tree.get("pid") instanceof Number pid
          && tree.get("command") instanceof String command) {
        return new Running(
            pid.longValue(), (String) tree.get("url"), command, (String) tree.get("started"));
      }
    } catch (InvalidDocument | ClassCastException e) {
      // not one of ours
    }
    return null;
  }

  private Path file(long pid) {
    return directory.resolve(pid + ".json");
  }

  private void create() throws IOException {
    try {
      Files.createDirectory(directory, isPosix() ? only(PRIVATE) : new FileAttribute<?>[0]);
    } catch (FileAlreadyExistsException e) {
      // checked next
    }
    requireOwn();
  }

  private static FileAttribute<?>[] only(Set<PosixFilePermission> permissions) {
    return new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(permissions)};
  }

  private boolean isPosix() {
    return directory.getFileSystem().supportedFileAttributeViews().contains("posix");
  }

  /** Anybody may have made a directory of that name before us. */
  private void requireOwn() throws IOException {
    if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
      throw new IOException(directory + " is not a directory");
    }
    if (isPosix()
        && !PRIVATE.containsAll(
            Files.getPosixFilePermissions(directory, LinkOption.NOFOLLOW_LINKS))) {
      throw new IOException(directory + " is open to others; remove it, or chmod 700");
    }
    // a file of our own tells who we are, whatever name the user has
    Path probe = directory.resolve(".probe-" + ProcessHandle.current().pid());
    try {
      Files.deleteIfExists(probe);
      UserPrincipal us = Files.getOwner(Files.createFile(probe));
      if (!Files.getOwner(directory, LinkOption.NOFOLLOW_LINKS).equals(us)) {
        throw new IOException(directory + " belongs to another user");
      }
    } catch (AccessDeniedException e) {
      throw new IOException(directory + " belongs to another user", e);
    } finally {
      Files.deleteIfExists(probe);
    }
  }
}
