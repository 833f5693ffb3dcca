package dev.jinx.agent.fault;

/** A request that is well formed but cannot be granted as things stand. */
public final class Refused extends RuntimeException {
  private static final long serialVersionUID = 1;

  public Refused(String sentence) {
    super(sentence);
  }
}
