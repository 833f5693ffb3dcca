package dev.jinx.agent.cli;

/** The end of a command: what to say, and the exit code. */
final class Failed extends Exception {
  private static final long serialVersionUID = 1;

  /** The agent refused, or something else went wrong on the way. */
  static final int REFUSED = 1;

  /** The command line was wrong. */
  static final int USAGE = 2;

  /** There is no agent to talk to. */
  static final int NO_AGENT = 3;

  private final int code;

  Failed(int code, String sentence) {
    super(sentence);
    this.code = code;
  }

  int code() {
    return code;
  }
}
