package dev.jinx.agent.weave;

/**
 * A method to be hooked.
 *
 * @param argument the index of the parameter that is passed on, or -1 for none
 * @param bits the operations that open the gate for it
 * @param required whether the class is not what was expected without it
 */
public record MethodHook(
    String name, String descriptor, int argument, long bits, Handler handler, boolean required) {}
