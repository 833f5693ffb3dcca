package dev.jinx.agent.call;

import java.util.EnumSet;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What a hooked call does. Each operation is one bit of the gate, so a fault on {@code commit}
 * leaves {@code execute} shut.
 */
public enum Operation {
  HTTP_EXCHANGE(Kind.HTTP, "exchange"),
  JDBC_CONNECT(Kind.JDBC, "connect"),
  JDBC_ACQUIRE(Kind.JDBC, "acquire"),
  JDBC_PREPARE(Kind.JDBC, "prepare"),
  JDBC_EXECUTE(Kind.JDBC, "execute"),
  JDBC_BATCH(Kind.JDBC, "batch"),
  JDBC_NEXT(Kind.JDBC, "next"),
  JDBC_COMMIT(Kind.JDBC, "commit"),
  JDBC_ROLLBACK(Kind.JDBC, "rollback"),
  JDBC_IS_VALID(Kind.JDBC, "isValid"),
  JDBC_CLOSE(Kind.JDBC, "close"),
  SOCKET_CONNECT(Kind.SOCKET, "connect"),
  SOCKET_READ(Kind.SOCKET, "read"),
  SOCKET_WRITE(Kind.SOCKET, "write"),
  SOCKET_ACCEPT(Kind.SOCKET, "accept"),
  SOCKET_CLOSE(Kind.SOCKET, "close"),
  DNS_RESOLVE(Kind.DNS, "resolve"),
  TLS_HANDSHAKE(Kind.TLS, "handshake"),
  METHOD_CALL(Kind.METHOD, "call");

  private final Kind kind;
  private final String json;

  Operation(Kind kind, String json) {
    this.kind = kind;
    this.json = json;
  }

  public Kind kind() {
    return kind;
  }

  /** As it is written in documents. */
  public String json() {
    return json;
  }

  /** This operation's bit in the gate. */
  public long bit() {
    return 1L << ordinal();
  }

  /** All operations of a kind. */
  public static Set<Operation> of(Kind kind) {
    EnumSet<Operation> all = EnumSet.noneOf(Operation.class);
    for (Operation operation : values()) {
      if (operation.kind == kind) {
        all.add(operation);
      }
    }
    return all;
  }

  /** The operation of that kind and name, or null. */
  public static @Nullable Operation of(Kind kind, String json) {
    for (Operation operation : of(kind)) {
      if (operation.json.equals(json)) {
        return operation;
      }
    }
    return null;
  }

  /** The bits of several operations. */
  public static long bits(Iterable<Operation> operations) {
    long bits = 0;
    for (Operation operation : operations) {
      bits |= operation.bit();
    }
    return bits;
  }

  /** The names of several operations, in order of the alphabet. */
  public static Set<String> names(Iterable<Operation> operations) {
    Set<String> names = new TreeSet<>();
    for (Operation operation : operations) {
      names.add(operation.json);
    }
    return names;
  }
}
