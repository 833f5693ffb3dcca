package dev.jinx.agent.weave;

import java.util.List;

/**
 * A class to be hooked.
 *
 * @param library the name by which status and documents know the library
 * @param className with slashes
 */
public record ClassHooks(String library, String className, List<MethodHook> methods) {}
