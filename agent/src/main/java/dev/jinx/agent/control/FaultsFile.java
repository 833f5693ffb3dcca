package dev.jinx.agent.control;

import dev.jinx.agent.document.InvalidDocument;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Fault;
import dev.jinx.agent.fault.Refused;
import dev.jinx.agent.fault.Source;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The file that the option {@code faults} names. Its faults are armed as long as they stand there;
 * an edit that cannot be read keeps the last good set.
 */
final class FaultsFile {
  private static final int MAX_SIZE = 16 << 20;

  /** Within this, a change may not show in the time of the file. */
  private static final long TIME_IS_COARSE = 3000;

  private final File file;
  private final Armory armory;
  private final Consumer<String> info;
  private final Consumer<String> warn;

  private @Nullable Stamp stamp;
  private byte @Nullable [] content;
  private Map<String, Fault> armed = Map.of();
  private boolean missing;
  private @Nullable String said;

  /** What shows that a file has changed; the real path, because a ConfigMap swaps a symlink. */
  private record Stamp(long modified, long length, String path) {}

  FaultsFile(File file, Armory armory, Consumer<String> info, Consumer<String> warn) {
    this.file = file;
    this.armory = armory;
    this.info = info;
    this.warn = warn;
  }

  /** Reads the file if it has changed since the last time, and arms what it says. */
  synchronized void arm() {
    try {
      Stamp now = new Stamp(file.lastModified(), file.length(), file.getCanonicalPath());
      boolean settled = System.currentTimeMillis() - now.modified > TIME_IS_COARSE;
      if (now.equals(stamp) && settled) {
        return;
      }
      if (!file.exists()) {
        gone();
        return;
      }
      missing = false;
      byte[] read = read();
      if (!Arrays.equals(read, content)) {
        replace(read);
        content = read;
      }
      stamp = now;
    } catch (InvalidDocument e) {
      say(e.getMessage() + (e.field().isEmpty() ? "" : " (at " + e.field() + ")"));
    } catch (Refused | IOException e) {
      say(String.valueOf(e.getMessage()));
    }
  }

  private void replace(byte[] read) {
    List<Fault> faults = new ArrayList<>();
    Map<String, Fault> next = new HashMap<>();
    for (Fault fault : Commands.faults(Json.read(text(read)), Source.FILE)) {
      Fault before = next.put(fault.id(), fault);
      if (before != null) {
        throw new InvalidDocument("id", "the id \"" + fault.id() + "\" stands there twice");
      }
      if (!hasHadItsTime(fault)) {
        faults.add(fault);
      }
    }
    armory.replaceAll(Source.FILE, faults);
    armed = next;
    said = null;
    info.accept(faults.size() + (faults.size() == 1 ? " fault" : " faults") + " from " + file);
  }

  /** An edit elsewhere in the file does not bring back a fault whose ttl is over. */
  private boolean hasHadItsTime(Fault fault) {
    Fault before = armed.get(fault.id());
    return before != null
        && fault.ttl() != null
        && before.document().equals(fault.document())
        && armory.get(fault.id()) == null;
  }

  /** A file may be gone for a moment while it is replaced; gone twice, it says no fault at all. */
  private void gone() {
    if (missing && !armed.isEmpty()) {
      armory.replaceAll(Source.FILE, List.of());
      armed = Map.of();
      content = null;
      info.accept("its faults are cleared: " + file + " is gone");
    } else if (armed.isEmpty()) {
      say("there is no such file");
    }
    missing = true;
    stamp = null;
  }

  private void say(String problem) {
    if (!problem.equals(said)) {
      said = problem;
      warn.accept(
          "faults="
              + file
              + ": "
              + problem
              + (armed.isEmpty() ? "" : "; what it said before stays armed"));
    }
  }

  private byte[] read() throws IOException {
    try (InputStream in = new FileInputStream(file)) {
      byte[] read = in.readNBytes(MAX_SIZE + 1);
      if (read.length > MAX_SIZE) {
        throw new IOException("the file is larger than " + MAX_SIZE + " bytes");
      }
      return read;
    }
  }

  private static String text(byte[] bytes) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new InvalidDocument("", "not JSON: the text is not UTF-8");
    }
  }
}
