package dev.jinx;

/**
 * Failures by name. Each library that is hit spells them as it spells the real one; the agent
 * refuses a name that the target's kind cannot have.
 */
public enum NamedError {
  /** Nobody listens at the address. */
  CONNECTION_REFUSED("connectionRefused"),
  /** No connection within the client's own time limit. */
  CONNECT_TIMEOUT("connectTimeout"),
  /** No answer within the client's own time limit. */
  READ_TIMEOUT("readTimeout"),
  /** The peer broke the connection off (RST). */
  CONNECTION_RESET("connectionReset"),
  /** The peer ended the connection before the answer was whole. */
  UNEXPECTED_EOF("unexpectedEof"),
  /** The name does not resolve. */
  UNKNOWN_HOST("unknownHost"),
  /** The TLS handshake failed. */
  TLS_HANDSHAKE("tlsHandshake"),
  /** The server's certificate has expired. */
  CERTIFICATE_EXPIRED("certificateExpired"),

  /** jdbc: the connection to the database broke; a pool evicts it. */
  CONNECTION_LOST("connectionLost"),
  /** jdbc: the statement ran out of time. */
  TIMEOUT("timeout"),
  /** jdbc: this transaction was the victim of a deadlock. */
  DEADLOCK("deadlock"),
  /** jdbc: the transaction could not be serialized. */
  SERIALIZATION_FAILURE("serializationFailure"),
  /** jdbc: a lock was not granted in time. */
  LOCK_TIMEOUT("lockTimeout"),
  /** jdbc: the database takes no further connections. */
  TOO_MANY_CONNECTIONS("tooManyConnections"),
  /** jdbc: user or password refused. */
  AUTH_FAILED("authFailed"),
  /** jdbc: the database or the transaction is read-only. */
  READ_ONLY("readOnly"),
  /** jdbc: a unique constraint is violated. */
  UNIQUE_VIOLATION("uniqueViolation"),
  /** jdbc: the database's disk is full. */
  DISK_FULL("diskFull");

  private final String json;

  NamedError(String json) {
    this.json = json;
  }

  /** The name in a fault document, such as {@code connectionRefused}. */
  public String json() {
    return json;
  }
}
