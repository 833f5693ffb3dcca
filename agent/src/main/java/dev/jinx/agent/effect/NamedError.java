package dev.jinx.agent.effect;

import static dev.jinx.agent.call.Operation.DATAGRAM_SEND;
import static dev.jinx.agent.call.Operation.DNS_RESOLVE;
import static dev.jinx.agent.call.Operation.HTTP_EXCHANGE;
import static dev.jinx.agent.call.Operation.JDBC_ACQUIRE;
import static dev.jinx.agent.call.Operation.JDBC_BATCH;
import static dev.jinx.agent.call.Operation.JDBC_COMMIT;
import static dev.jinx.agent.call.Operation.JDBC_CONNECT;
import static dev.jinx.agent.call.Operation.JDBC_EXECUTE;
import static dev.jinx.agent.call.Operation.JDBC_IS_VALID;
import static dev.jinx.agent.call.Operation.JDBC_NEXT;
import static dev.jinx.agent.call.Operation.JDBC_PREPARE;
import static dev.jinx.agent.call.Operation.JDBC_ROLLBACK;
import static dev.jinx.agent.call.Operation.SOCKET_CONNECT;
import static dev.jinx.agent.call.Operation.SOCKET_READ;
import static dev.jinx.agent.call.Operation.SOCKET_WRITE;
import static dev.jinx.agent.call.Operation.TLS_HANDSHAKE;

import dev.jinx.agent.call.Operation;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A failure by its name, with the operations that can meet it; each library spells it as the real
 * one.
 */
public enum NamedError {
  CONNECTION_REFUSED("connectionRefused", HTTP_EXCHANGE, SOCKET_CONNECT, DATAGRAM_SEND),
  CONNECT_TIMEOUT("connectTimeout", HTTP_EXCHANGE, SOCKET_CONNECT),
  READ_TIMEOUT("readTimeout", HTTP_EXCHANGE, SOCKET_READ),
  CONNECTION_RESET("connectionReset", HTTP_EXCHANGE, SOCKET_READ, SOCKET_WRITE, TLS_HANDSHAKE),
  UNEXPECTED_EOF("unexpectedEof", HTTP_EXCHANGE, SOCKET_READ, TLS_HANDSHAKE),
  UNKNOWN_HOST("unknownHost", HTTP_EXCHANGE, SOCKET_CONNECT, DNS_RESOLVE),
  TLS_HANDSHAKE_FAILURE("tlsHandshake", HTTP_EXCHANGE, TLS_HANDSHAKE),
  CERTIFICATE_EXPIRED("certificateExpired", HTTP_EXCHANGE, TLS_HANDSHAKE),

  CONNECTION_LOST(
      "connectionLost",
      JDBC_CONNECT,
      JDBC_ACQUIRE,
      JDBC_PREPARE,
      JDBC_EXECUTE,
      JDBC_BATCH,
      JDBC_NEXT,
      JDBC_COMMIT,
      JDBC_ROLLBACK,
      JDBC_IS_VALID),
  TIMEOUT(
      "timeout",
      JDBC_CONNECT,
      JDBC_ACQUIRE,
      JDBC_PREPARE,
      JDBC_EXECUTE,
      JDBC_BATCH,
      JDBC_NEXT,
      JDBC_COMMIT),
  DEADLOCK("deadlock", JDBC_EXECUTE, JDBC_BATCH, JDBC_COMMIT),
  SERIALIZATION_FAILURE("serializationFailure", JDBC_EXECUTE, JDBC_BATCH, JDBC_COMMIT),
  LOCK_TIMEOUT("lockTimeout", JDBC_EXECUTE, JDBC_BATCH),
  TOO_MANY_CONNECTIONS("tooManyConnections", JDBC_CONNECT, JDBC_ACQUIRE),
  AUTH_FAILED("authFailed", JDBC_CONNECT, JDBC_ACQUIRE),
  READ_ONLY("readOnly", JDBC_EXECUTE, JDBC_BATCH, JDBC_COMMIT),
  UNIQUE_VIOLATION("uniqueViolation", JDBC_EXECUTE, JDBC_BATCH, JDBC_COMMIT),
  DISK_FULL("diskFull", JDBC_EXECUTE, JDBC_BATCH, JDBC_COMMIT);

  private final String json;

  @SuppressWarnings("ImmutableEnumChecker") // never changed after construction
  private final Set<Operation> possibleOn;

  NamedError(String json, Operation first, Operation... others) {
    this.json = json;
    this.possibleOn = EnumSet.of(first, others);
  }

  /** As it is written in documents. */
  public String json() {
    return json;
  }

  public Set<Operation> possibleOn() {
    return possibleOn;
  }

  /** Whether it comes only after the caller's own timeout, if there is one. */
  public boolean isTimeout() {
    return this == CONNECT_TIMEOUT || this == READ_TIMEOUT || this == TIMEOUT;
  }

  /** Whether it comes before the connection stands. */
  public boolean isWhileConnecting() {
    return switch (this) {
      case CONNECTION_REFUSED,
          CONNECT_TIMEOUT,
          UNKNOWN_HOST,
          TLS_HANDSHAKE_FAILURE,
          CERTIFICATE_EXPIRED ->
          true;
      default -> false;
    };
  }

  /** The error of that name in documents, or null. */
  static @Nullable NamedError of(String json) {
    for (NamedError error : values()) {
      if (error.json.equals(json)) {
        return error;
      }
    }
    return null;
  }
}
