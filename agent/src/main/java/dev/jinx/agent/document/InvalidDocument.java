package dev.jinx.agent.document;

/** A document that cannot be accepted: which field, and what to do. */
public final class InvalidDocument extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final String field;

  /**
   * @param field the path of the field, as {@code target.host}; empty for the whole document
   * @param sentence one sentence that names the way out
   */
  public InvalidDocument(String field, String sentence) {
    super(sentence);
    this.field = field;
  }

  public String field() {
    return field;
  }
}
