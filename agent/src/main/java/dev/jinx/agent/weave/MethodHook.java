package dev.jinx.agent.weave;

/**
 * A method to be hooked.
 *
 * @param argument the index of the parameter that is passed on, or -1 for none; or {@link
 *     #FIRST_TWO}, {@link #ALL} or {@link #RESULT}
 * @param bits the operations that open the gate for it
 * @param required whether the class is not what was expected without it
 */
public record MethodHook(
    String name, String descriptor, int argument, long bits, Handler handler, boolean required) {

  /**
   * The handler is asked about the first parameter in place of the object, and the second: for an
   * object that may be shared and acts on what it is given.
   */
  public static final int FIRST_TWO = -2;

  /** The handler gets an array of all parameters; for a method whose call none of them tells. */
  public static final int ALL = -3;

  /**
   * The handler is asked when the method has returned normally, and gets its result; the original
   * can be called once more.
   */
  public static final int RESULT = -4;

  boolean isAtEnd() {
    return argument == RESULT;
  }
}
