package dev.jinx.agent.point.socket;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The bytes that a read or a write was given: an array with offset and length, a buffer, or several
 * with offset and count. The original can be called for a part of them.
 */
final class Span {
  private final Object[] arguments;
  private final @Nullable ByteBuffer[] buffers;
  private final int first;
  private final int end;
  private @Nullable ByteBuffer narrowed;
  private int limit;
  private int from;
  private int passed;

  Span(Object[] arguments) {
    this.arguments = arguments;
    if (arguments[0] instanceof ByteBuffer[] several) {
      buffers = several;
      first = (Integer) arguments[1];
      end = first + (Integer) arguments[2];
    } else {
      buffers = arguments[0] instanceof ByteBuffer one ? new ByteBuffer[] {one} : new ByteBuffer[0];
      first = 0;
      end = buffers.length;
    }
  }

  private boolean isArray() {
    return arguments[0] instanceof byte[];
  }

  /** How many bytes are left to be read or written. */
  long room() {
    if (isArray()) {
      return (long) (Integer) arguments[2] - passed;
    }
    long room = 0;
    for (int i = first; i < end; i++) {
      ByteBuffer each = buffers[i];
      room += each == null ? 0 : each.remaining();
    }
    return room;
  }

  /**
   * Arguments by which the original gets no more than that; {@link #widen} is to be called after.
   */
  Object[] narrowed(long bytes) {
    Object[] fewer = arguments.clone();
    if (isArray()) {
      fewer[1] = (Integer) arguments[1] + passed;
      fewer[2] = (int) Math.min(bytes, room());
      return fewer;
    }
    for (int i = first; i < end; i++) {
      ByteBuffer each = buffers[i];
      if (each != null && each.hasRemaining()) {
        narrowed = each;
        limit = each.limit();
        from = each.position();
        each.limit((int) Math.min(limit, from + bytes));
        if (arguments.length == 3) {
          fewer[1] = i;
          fewer[2] = 1;
        }
        break;
      }
    }
    return fewer;
  }

  /** Arguments by which the original writes other bytes than those that stand here. */
  Object[] of(ByteBuffer other) {
    Object[] others = arguments.clone();
    if (isArray()) {
      byte[] bytes = new byte[other.remaining()];
      other.get(bytes);
      others[0] = bytes;
      others[1] = 0;
      others[2] = bytes.length;
    } else if (arguments.length == 3) {
      others[0] = new ByteBuffer[] {other};
      others[1] = 0;
      others[2] = 1;
    } else {
      others[0] = other;
    }
    return others;
  }

  /** After a call with {@link #narrowed}. */
  void widen() {
    if (narrowed != null) {
      narrowed.limit(limit);
    }
  }

  /** After a read of so many bytes: those, to be looked at or changed. */
  ByteBuffer read(int bytes) {
    if (isArray()) {
      int at = (Integer) arguments[1] + passed;
      passed += bytes;
      return ByteBuffer.wrap((byte[]) arguments[0], at, bytes);
    }
    ByteBuffer view = buffer().duplicate();
    view.position(from);
    view.limit(from + bytes);
    return view;
  }

  private ByteBuffer buffer() {
    if (narrowed == null) {
      throw new IllegalStateException();
    }
    return narrowed;
  }

  /** Takes back what a read put there; returns a copy. */
  byte[] takeBack(int bytes) {
    ByteBuffer view;
    if (isArray()) {
      passed -= bytes;
      view = ByteBuffer.wrap((byte[]) arguments[0], (Integer) arguments[1] + passed, bytes);
    } else {
      view = read(bytes);
      buffer().position(from);
    }
    byte[] copy = new byte[bytes];
    view.get(copy);
    return copy;
  }

  /** Undoes a read of so many bytes, no more than a buffer's; returns a copy. */
  static byte[] undo(Object[] arguments, int bytes) {
    byte[] copy = new byte[bytes];
    if (arguments[0] instanceof byte[]) {
      System.arraycopy(arguments[0], (Integer) arguments[1], copy, 0, bytes);
      return copy;
    }
    ByteBuffer buffer =
        arguments[0] instanceof ByteBuffer[] several
            ? several[(Integer) arguments[1]]
            : (ByteBuffer) arguments[0];
    buffer.position(buffer.position() - bytes);
    buffer.duplicate().get(copy);
    return copy;
  }

  /** Puts bytes there as a read would; returns how many. */
  int put(byte[] bytes) {
    int count = (int) Math.min(bytes.length, room());
    if (isArray()) {
      System.arraycopy(bytes, 0, arguments[0], (Integer) arguments[1] + passed, count);
      passed += count;
      return count;
    }
    int done = 0;
    for (int i = first; i < end && done < count; i++) {
      ByteBuffer each = buffers[i];
      if (each != null) {
        int part = Math.min(each.remaining(), count - done);
        each.put(bytes, done, part);
        done += part;
      }
    }
    return done;
  }

  /** Takes bytes as a write would; no more than that many. */
  byte[] take(long most) {
    byte[] taken = peek(most);
    skip(taken.length);
    return taken;
  }

  /** A copy of the bytes that a write would begin with; no more than that many. */
  byte[] peek(long most) {
    byte[] copy = new byte[(int) Math.min(most, room())];
    if (isArray()) {
      System.arraycopy(arguments[0], (Integer) arguments[1] + passed, copy, 0, copy.length);
      return copy;
    }
    int done = 0;
    for (int i = first; i < end && done < copy.length; i++) {
      ByteBuffer each = buffers[i];
      if (each != null) {
        int part = Math.min(each.remaining(), copy.length - done);
        each.duplicate().get(copy, done, part);
        done += part;
      }
    }
    return copy;
  }

  /** So many bytes have been written from a copy. */
  void skip(long bytes) {
    if (isArray()) {
      passed += (int) bytes;
      return;
    }
    long left = bytes;
    for (int i = first; i < end && left > 0; i++) {
      ByteBuffer each = buffers[i];
      if (each != null) {
        int part = (int) Math.min(each.remaining(), left);
        each.position(each.position() + part);
        left -= part;
      }
    }
  }

  /** So many bytes were written by a call with {@link #narrowed}. */
  void wrote(long bytes) {
    if (isArray()) {
      passed += (int) bytes;
    }
  }
}
