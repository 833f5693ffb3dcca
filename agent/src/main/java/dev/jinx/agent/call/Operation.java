package dev.jinx.agent.call;

import java.util.EnumSet;
import java.util.Set;
import java.util.TreeSet;

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
  /** A datagram that is sent; documents call it a write too. */
  DATAGRAM_SEND(Kind.SOCKET, "write"),
  /** A datagram that has come; documents call it a read too. */
  DATAGRAM_RECEIVE(Kind.SOCKET, "read"),
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

  /** The operations of that kind and name, none where it is unknown. */
  public static Set<Operation> of(Kind kind, String json) {
    Set<Operation> all = of(kind);
    for (Operation operation : values()) {
      if (!operation.json.equals(json)) {
        all.remove(operation);
      }
    }
    return all;
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
