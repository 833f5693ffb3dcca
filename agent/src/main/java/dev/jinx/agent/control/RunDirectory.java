package dev.jinx.agent.control;

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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Where the agents of one user find each other: a file for each process, in a directory that only
 * this user can read and write.
 */
public final class RunDirectory {
  private static final Set<PosixFilePermission> PRIVATE =
      PosixFilePermissions.fromString("rwx------");

  private static final String SUFFIX = ".agent";

  private final Path directory;

  /**
   * A running agent.
   *
   * @param url of its endpoint, or null where it has none
   * @param command what runs there
   * @param started when the process did, in milliseconds of the epoch; null where that is not known
   */
  public record Running(long pid, @Nullable String url, String command, @Nullable String started) {

    /** This process. */
    static Running here(@Nullable String url) {
      // arguments may be secrets
      String command = System.getProperty("sun.java.command", "").split(" ", 2)[0];
      ProcessHandle process = ProcessHandle.current();
      return new Running(process.pid(), url, command, started(process));
    }

    // as milliseconds: the text of an instant would load 60 classes at every start
    private static @Nullable String started(ProcessHandle process) {
      Optional<Instant> start = process.info().startInstant();
      return start.isPresent() ? Long.toString(start.get().toEpochMilli()) : null;
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
    StringBuilder user = new StringBuilder(System.getProperty("user.name", ""));
    for (int i = 0; i < user.length(); i++) {
      if (!Character.isLetterOrDigit(user.charAt(i)) && "._-".indexOf(user.charAt(i)) < 0) {
        user.setCharAt(i, '_');
      }
    }
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
    // plain lines: a JSON library would be paid for by every start
    StringBuilder text = new StringBuilder();
    line(text, "pid", Long.toString(running.pid));
    line(text, "url", running.url);
    line(text, "command", running.command);
    line(text, "started", running.started);
    Path part = directory.resolve(running.pid + ".tmp");
    Files.writeString(part, text);
    try {
      Files.move(part, file(running.pid), StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      Files.move(part, file(running.pid), StandardCopyOption.REPLACE_EXISTING);
    }
  }

  private static void line(StringBuilder text, String key, @Nullable String value) {
    if (value != null) {
      text.append(key).append('=').append(value.replace('\n', ' ')).append('\n');
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
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*" + SUFFIX)) {
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
    Map<String, String> values = new HashMap<>();
    for (String line : Files.readString(file).split("\n", -1)) {
      int equals = line.indexOf('=');
      if (equals > 0) {
        values.put(line.substring(0, equals), line.substring(equals + 1));
      }
    }
    String pid = values.get("pid");
    String command = values.get("command");
    return pid == null
            || !pid.matches("\\d{1,18}")
            || command == null
            || !file.getFileName().toString().equals(pid + SUFFIX)
        ? null
        : new Running(Long.parseLong(pid), values.get("url"), command, values.get("started"));
  }

  private Path file(long pid) {
    return directory.resolve(pid + SUFFIX);
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
